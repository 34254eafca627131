"""`bucketline drill`: brings a sample of a backup back, and tells how long all of it would take."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from bucketline.cli.backup.drilling import DRILL, Drilling
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, Period, Workers, one_place, side_of
from bucketline.cli.places import hash_memory
from bucketline.cli.sanity import check_pair
from bucketline.cli.wiring import identity
from bucketline.errors import UsageError, printable
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Ledger, job_path


@click.command(cls=Ordered)
@click.argument("backup")
@click.option("--sample", default="100", metavar="N|N%|all", help="So many, at random (100).")
@click.option("--seed", metavar="WORD", help="Draw the same sample again.")
@click.option(
    "--scratch", metavar="LOCATION", help="Where it is brought back to (the bucket BACKUP-drill)."
)
@click.option("--rto", type=Period(), metavar="TIME", help="Exit code 3 if all would take longer.")
@click.option("--workers", type=Workers(), metavar="auto|N", help="Objects under way.")
@one_place
@common
@pass_invocation
def drill(invocation: Invocation, /, backup: str, **said: Any) -> int:
    """Each object of the sample is restored, read back, held against the catalogue, and removed.

    A drill that brought nothing back has failed.
    """
    side = side_of(said)
    place = invocation.location(backup, side)
    if place.remote is None:
        raise UsageError(f"{printable(backup)}: is a folder; a backup is a bucket")
    head = backup.partition("://")[0] + "://" if "://" in backup else backup.partition(":")[0] + ":"
    scratch = invocation.location(said["scratch"] or f"{head}{place.bucket}-drill/", side)
    if scratch.remote is None:
        raise UsageError(f"{printable(scratch.text)}: is a folder; a drill goes to a bucket")
    check_pair(place, scratch)
    path = job_path(invocation.made_state_folder(), DRILL, identity(place), identity(scratch))
    with (
        closing(open_drive()) as drive,
        hash_memory(invocation) as hashes,
        Ledger.open(path) as ledger,
    ):
        return Drilling(invocation, (place, scratch), (drive, ledger), hashes).go(said)
