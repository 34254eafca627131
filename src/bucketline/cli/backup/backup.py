"""`bucketline backup`: copies what is new, says what vanished, deletes nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.attributes import keeping_attributes
from bucketline.cli.backup.backing import BACKUP, Backing
from bucketline.cli.backup.batching import HANDED_OVER, check_batch, handed_over
from bucketline.cli.backup.feeds import feed_of
from bucketline.cli.backup.hearing import Hearing
from bucketline.cli.backup.wish import backup_wish
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.metering import metering
from bucketline.cli.options import Ordered, Period, choosing, limiting, options, two_places
from bucketline.cli.places import hash_memory
from bucketline.cli.planned import print_plan
from bucketline.cli.sanity import check_pair
from bucketline.cli.wiring import identity
from bucketline.errors import UsageError
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Ledger, job_path


def _backing(command: Any) -> Any:
    return options(
        command,
        click.option(
            "--window",
            type=click.FloatRange(min=0),
            metavar="HOURS",
            help="The old rule: copy what has another size, or was modified so lately.",
        ),
        click.option(
            "--max-vanished", metavar="N|N%", help="Refuse to call more deleted (1000, 25%)."
        ),
        click.option(
            "--max-replaced", metavar="N|N%", help="Refuse to write over more (1000, 25%)."
        ),
        click.option(
            "--max-scrambled", metavar="N|N%", help="Refuse if more looks encrypted now (100, 5%)."
        ),
        click.option(
            "--versions", is_flag=True, help="Every version and delete marker, oldest first."
        ),
        click.option(
            *("--from-inventory", "--inventory"),
            metavar="MANIFEST",
            help="Take SOURCE's keys from an S3 Inventory's manifest.json, instead of listing.",
        ),
        click.option("--mark/--no-mark", default=True, help="Tag what vanished from SOURCE."),
        click.option("--new-source", is_flag=True, help="Of another source than it was so far."),
        click.option("--name", metavar="NAME", help="Its name; alone, all comes from that job."),
        click.option("--log-location", "logs", metavar="LOCATION", help="Keep a log of it there."),
        click.option("-n", "--dry-run", is_flag=True, help="Print the plan; change nothing."),
    )


def _hearing(command: Any) -> Any:
    return options(
        command,
        click.option(
            "--events",
            metavar="WHERE",
            help="sqs:URL or hook:HOST:PORT: look at what events name, and list all at times.",
        ),
        click.option(
            "--events-secret", metavar="PLACE", help="Of a hook: env:NAME, or file:PATH (0600)."
        ),
        click.option(
            "--reconcile-every",
            type=Period(),
            metavar="TIME",
            help="With --events: list all of it so often (24h).",
        ),
        click.option(
            "--batch-manifest",
            metavar="FILE",
            help="Write what is to be copied for a job of S3 Batch Operations, and copy nothing.",
        ),
        click.option(
            "--batch-above",
            type=click.IntRange(0),
            metavar="N",
            help="With it: only if that is more than N objects; else copy them (0).",
        ),
        click.option("--watch", is_flag=True, help="With --events: stay, and wait for more."),
    )


@click.command(cls=Ordered)
@click.argument("source", required=False)
@click.argument("target", required=False)
@_backing
@_hearing
@choosing
@limiting
@keeping_attributes
@metering
@two_places
@common
@pass_invocation
def backup(invocation: Invocation, /, *, dry_run: bool, **said: Any) -> int:
    """TARGET, a bucket or a part of one, gets what SOURCE holds. What vanished from SOURCE stays,
    with the tags Deleted and DeletedAt beside its own. The catalogue is at .bucketline/ there.
    """
    wish = backup_wish(invocation, said)
    check_pair(wish.source, wish.target)
    manifest = said["batch_manifest"]
    if manifest is not None:
        check_batch(wish)
    elif said["batch_above"] is not None:
        raise UsageError("--batch-above goes with --batch-manifest; say both or neither")
    places = (identity(wish.source), identity(wish.target))
    path = job_path(invocation.made_state_folder(), BACKUP, *places, wish.name)
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        if dry_run:
            print_plan(invocation, Backing.rehearsing(wish, drive, hashes, path))
            return 0
        if manifest is not None:
            engine, most = Backing.rehearsing(wish, drive, hashes, path), said["batch_above"] or 0
            if handed_over(invocation, wish, engine, Path(manifest), most):
                return HANDED_OVER
        with Ledger.open(path) as ledger:
            notes = path.with_suffix(".notes")
            backing = Backing(invocation, wish, (drive, ledger), hashes)
            if wish.words["events"] is None:
                return backing.go(notes, said)
            with closing(feed_of(backing, path.with_suffix(".hook"), said)) as feed:
                return Hearing(backing, feed, path.with_suffix(".events"), said).go(notes)
