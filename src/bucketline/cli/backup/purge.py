"""`bucketline purge`: lets go of what a backup has called deleted for long."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from bucketline.cli.backup.purging import PURGE, Purger
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, Period, one_place, side_of
from bucketline.cli.wiring import identity
from bucketline.errors import UsageError, printable
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Ledger, job_path


class Age(Period):
    """`30d`, and also `0`: at once."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return 0 if value == "0" else super().convert(value, param, ctx)


@click.command(cls=Ordered)
@click.argument("backup")
@click.option("--older-than", type=Age(), metavar="TIME", help="Deleted for so long, as in 30d.")
@click.option("--for-good", is_flag=True, help="Destroy what was purged before.")
@click.option(
    "--undo-window",
    type=Age(),
    default=14 * 86_400,
    metavar="TIME",
    help="With --for-good: not before it has been purged for so long (14d).",
)
@click.option(
    "--versions", is_flag=True, help="BACKUP holds versions: all those of what is deleted."
)
@click.option("--undo", is_flag=True, help="Bring back all that was purged.")
@click.option("--approve", metavar="HASH", help="Do what the plan of this hash says.")
@one_place
@common
@pass_invocation
def purge(invocation: Invocation, /, backup: str, **said: Any) -> int:
    """Prints what would go, and the hash of that; with --approve HASH it goes, if it is still that.

    In a bucket that keeps versions it is hidden, and --undo brings it back, until --for-good.
    """
    place = invocation.location(backup, side_of(said))
    if place.remote is None:
        raise UsageError(f"{printable(backup)}: is a folder; a backup is a bucket")
    if sum((said["older_than"] is not None, said["for_good"], said["undo"])) == 0:
        raise UsageError("say what is to go: --older-than 30d; or --for-good; or --undo")
    if said["undo"] and (said["for_good"] or said["older_than"] is not None):
        raise UsageError("--undo brings all back; leave out --older-than and --for-good")
    with closing(open_drive()) as drive:
        purger = Purger(invocation, place, drive, said)
        if not purger.is_approved:
            return purger.show()
        path = job_path(invocation.made_state_folder(), PURGE, identity(place), "")
        with Ledger.open(path) as ledger:
            return purger.go(ledger, path.with_suffix(".notes"))
