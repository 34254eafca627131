"""`bucketline restore`: brings back what a backup holds, out of archives, too."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bucketline.cli.attributes import keeping_attributes
from bucketline.cli.backup.restore_wish import HIDE, expect_elsewhere, restore_wish, settled
from bucketline.cli.backup.restoring import RESTORE, Restoring
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.metering import metering
from bucketline.cli.options import Ordered, Period, choosing, limiting, options, two_places
from bucketline.cli.places import hash_memory
from bucketline.cli.sanity import check_pair
from bucketline.cli.wiring import identity
from bucketline.engines.backup import Conflicts
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Ledger, job_path
from bucketline.flow.prices import Prices
from bucketline.flow.thaw import RATE, RATE_MAX, SPEEDS


class Moment(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """`2026-11-26` or `2026-11-26T12:00:00Z`: seconds since 1970; without a zone it is UTC."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            told = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r}: write it as in 2026-11-26T12:00:00Z", param, ctx)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def _restoring(command: Any) -> Any:
    return options(
        command,
        click.option("--at", type=Moment(), metavar="TIME", help="As the backup was then."),
        click.option(
            "--versions", is_flag=True, help="Every version and delete marker, oldest first."
        ),
        click.option("--include-deleted", is_flag=True, help="What is called deleted, too."),
        click.option(
            "--on-conflict",
            type=click.Choice([one.value for one in Conflicts]),
            default="skip",
            help="When TARGET holds another one (skip).",
        ),
        click.option(
            "--in-place",
            type=click.Choice(["leave", HIDE]),
            help="TARGET becomes what BACKUP was; what is not in that: leave, or hide.",
        ),
        click.option("--max-replaced", metavar="N|N%", help="In place: not more (1000, 25%)."),
        click.option("--max-hidden", metavar="N|N%", help="In place: not more (1000, 25%)."),
        click.option("--create-bucket", is_flag=True, help="Make TARGET's bucket if need be."),
        click.option(
            "--tier",
            type=click.Choice(SPEEDS, case_sensitive=False),
            help="Ask for what is archived, so fast.",
        ),
        click.option("--days", type=click.IntRange(1, 36_500), default=7, help="Thawed so long."),
        click.option("--rate", type=click.IntRange(1, RATE_MAX), default=RATE, help="Of asking."),
        click.option("--wait", is_flag=True, help="Stay until all that is archived came back."),
        click.option("--every", type=Period(), metavar="TIME", help="Between looks (15m)."),
        click.option("--prices", metavar="FILE", help="What an archive asks for, for --dry-run."),
        click.option("--name", metavar="NAME", help="A name of its own in `runs`."),
        click.option("-n", "--dry-run", is_flag=True, help="Print the plan; change nothing."),
    )


@click.command(cls=Ordered)
@click.argument("backup")
@click.argument("target")
@_restoring
@choosing
@limiting
@keeping_attributes
@metering
@two_places
@common
@pass_invocation
def restore(invocation: Invocation, /, *, dry_run: bool, **said: Any) -> int:
    """BACKUP is a bucket that `backup` made, or a part of one; TARGET a bucket, a part of one, or a
    folder. What is there already is passed over. Exit code 4: something waits for its archive.
    """
    wish = restore_wish(invocation, said)
    check_pair(wish.backup, wish.target)
    prices = Prices.read(Path(said["prices"])) if said["prices"] else None
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        wish = settled(wish, drive)
        expect_elsewhere(wish, drive)
        places = (identity(wish.backup), identity(wish.target))
        path = job_path(invocation.made_state_folder(), RESTORE, *places, wish.name)
        if dry_run:
            return Restoring.look(invocation, wish, (drive, path), hashes, prices)
        with Ledger.open(path) as ledger:
            return Restoring(invocation, wish, (drive, ledger), hashes).go(said)
