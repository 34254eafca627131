"""`bucketline sync`: make the target hold what the source holds."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from bucketline.cli.attributes import attributes_alone, keeping_attributes
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.log_kept import check_log_place
from bucketline.cli.metering import metering
from bucketline.cli.options import Ordered, choosing, pacing, packing, planning, two_places
from bucketline.cli.packing import check_packing
from bucketline.cli.places import from_inventory, hash_memory, open_sides
from bucketline.cli.planned import print_plan
from bucketline.cli.sanity import check_pair
from bucketline.cli.syncing import Syncing
from bucketline.cli.wiring import ledger_path, lookup
from bucketline.cli.wish import wish_of
from bucketline.engines.transfer import Transfer
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Ledger


@click.command(cls=Ordered)
@click.argument("source", required=False)
@click.argument("target", required=False)
@planning
@choosing
@pacing
@packing
@attributes_alone
@keeping_attributes
@click.option("-n", "--dry-run", is_flag=True, help="Print the plan; change nothing.")
@click.option("--log-location", "logs", metavar="LOCATION", help="Keep a log of the run there.")
@metering
@two_places
@common
@pass_invocation
def sync(invocation: Invocation, /, *, dry_run: bool, **said: Any) -> int:
    """SOURCE and TARGET are s3://bucket/prefix/, name:bucket/prefix/ or a folder."""
    wish = wish_of(invocation, said)
    check_pair(wish.source, wish.target)
    check_log_place(wish)
    path = ledger_path(invocation, wish.source, wish.target, wish.name)
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        if dry_run:
            check_packing(wish, path)
            source, target = open_sides(wish.source, wish.target, hashes, packs=wish.packs)
            source = from_inventory(source, wish.source, wish.inventory, hashes)
            print_plan(invocation, Transfer(source, target, wish.policy, drive, lookup(path)))
            return 0
        with Ledger.open(path) as ledger:
            check_packing(wish, path)
            return Syncing(invocation, wish, drive, ledger, hashes).go()
