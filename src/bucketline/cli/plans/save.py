"""`bucketline plan save`: what a sync would do, as a file to look at, hand on and carry out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.attributes import keeping_attributes
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, choosing, planning, two_places
from bucketline.cli.places import from_inventory, hash_memory, open_sides
from bucketline.cli.planned import tell_totals
from bucketline.cli.plans.heads import head_of
from bucketline.cli.sanity import check_pair
from bucketline.cli.wiring import ledger_path, lookup
from bucketline.cli.wish import Wish, wish_of
from bucketline.clock import SystemClock
from bucketline.engines.transfer import Transfer
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.drive import open_drive
from bucketline.flow.plans import Totals, write_plan

# What a sync can be told and a plan cannot: it is about one run.
_UNSAID = (
    "workers",
    "processes",
    "engine",
    "master",
    "bwlimit",
    "max_duration",
    "max_bytes",
    "watch",
    "every",
    "logs",
    "metadata_only",
    "batch_tar",
)


@click.command(cls=Ordered)
@click.argument("source", required=False)
@click.argument("target", required=False)
@click.option("-o", "--output", metavar="FILE", required=True, help="Where to write the plan.")
@planning
@choosing
@keeping_attributes
@two_places
@common
@pass_invocation
def save(invocation: Invocation, /, *, output: str, **said: Any) -> int:
    """SOURCE, TARGET and the options are those of sync; nothing is changed."""
    wish = wish_of(invocation, {**dict.fromkeys(_UNSAID), **said})
    check_pair(wish.source, wish.target)
    path = _checked(Path(output), wish)
    known = lookup(ledger_path(invocation, wish.source, wish.target, wish.name))
    made = SystemClock().now()
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        source, target = open_sides(wish.source, wish.target, hashes)
        source = from_inventory(source, wish.source, wish.inventory, hashes, keep_versions=True)
        engine = Transfer(source, target, wish.policy, drive, known)

        def complete(totals: Totals) -> None:
            totals.source, totals.target = engine.counts.source, engine.counts.target

        head = head_of(wish, said, made, engine.compare_said)
        totals = write_plan(path, head, engine.rehearse(), complete)
    for note in engine.notes:
        invocation.printer.notice(note)
    tell_totals(invocation, totals, engine.compare_said, file=path)
    if totals.refusal:
        raise Refused(totals.refusal)
    return 0


def _checked(path: Path, wish: Wish) -> Path:
    """A plan must not become part of what it plans."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file for the plan")
    where = path.parent.resolve()
    for location in (wish.source, wish.target):
        folder = Path(location.folder).resolve()
        if location.remote is None and folder.is_dir() and where.is_relative_to(folder):
            place = printable(location.text)
            raise UsageError(
                f"{path}: lies in {place}, of which it would be the plan; choose another place"
            )
    return path
