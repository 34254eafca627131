"""`bucketline check`: compare two places and change nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli import inventories
from bucketline.cli.check_lines import formed, tell
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, choosing, packing, rules_in_order, side_of, two_places
from bucketline.cli.places import hash_memory, open_sides
from bucketline.cli.sanity import check_source
from bucketline.cli.wiring import ledger_path, look_of, lookup
from bucketline.engines.check import Check
from bucketline.flow.compare.lines import reported
from bucketline.flow.drive import open_drive


@click.command(cls=Ordered)
@click.argument("source")
@click.argument("target")
@choosing
@click.option("--all", "every", is_flag=True, help="Also print what is equal.")
@click.option("--report", metavar="FILE", help="Write the lines to FILE as JSON lines.")
@click.option(
    "--name", default="", metavar="NAME", help="The sync job whose ledger may settle doubts."
)
@packing
@inventories.compared
@two_places
@common
@pass_invocation
def check(invocation: Invocation, /, source: str, target: str, **said: Any) -> int:
    """A line each: + only at SOURCE, - only at TARGET, * different, ! could not be compared.

    = is equal (with --all). Exit code 3: there are differences. Either side may be an inventory:
    inventory:MANIFEST, ledger:RUN, ring:NAME/BUCKET.
    """
    if inventories.is_wanted(invocation, (source, target), said):
        return inventories.check(invocation, (source, target), said)
    both = side_of(said)
    here = invocation.location(source, side_of(said, "source_"), both)
    there = invocation.location(target, side_of(said, "target_"), both)
    check_source(here)
    check_source(there)
    look = look_of(said["compare"] or "auto", rules_in_order(said), said["only"])
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        known = lookup(ledger_path(invocation, here, there, said["name"]))
        engine = Check(
            *open_sides(here, there, hashes, packs=bool(said["batch_tar"])), look, drive, known
        )
        lines = engine.lines(every=said["every"])
        if said["report"]:
            lines = reported(lines, Path(said["report"]))
        invocation.printer.results(formed(lines, invocation))
    for note in engine.notes:
        invocation.printer.notice(note)
    tell(invocation, engine.summary, engine.compare_said)
    return engine.summary.exit_code
