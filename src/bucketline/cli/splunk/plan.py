"""`bucketline splunk plan`: what the archive holds, and what restoring it would take."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, two_places
from bucketline.cli.splunk.options import (
    choice_of,
    choosing_buckets,
    hints_of,
    looked,
    reaching_splunk,
    world_of,
)
from bucketline.engines.splunk.adopting import differing
from bucketline.engines.splunk.look import Seen, statuses
from bucketline.engines.splunk.planning import Summary, summed
from bucketline.engines.splunk.structure import write
from bucketline.errors import printable
from bucketline.flow.drive import open_drive
from bucketline.sizes import show_moment, show_size

_STRANGE_SHOWN = 5


@click.command(cls=Ordered)
@click.argument("archive")
@click.argument("smartstore", required=False, default="")
@choosing_buckets
@click.option("--buckets", "each", is_flag=True, help="Show each bucket, too.")
@click.option("--structure", metavar="FILE", help="Write bucket_structure.json to FILE.")
@click.option("--price-per-gib", type=float, metavar="N", help="What a thaw costs, to be summed.")
@reaching_splunk
@two_places
@common
@pass_invocation
def plan(invocation: Invocation, /, archive: str, smartstore: str, **said: Any) -> int:
    """Looks at ARCHIVE, at SMARTSTORE (the path of its volume) if named, and asks Splunk if named.

    Changes nothing. Times need a timezone. Exit code 3: some buckets cannot be restored.
    """
    choice = choice_of(said)
    with closing(open_drive()) as drive:
        world = world_of(invocation, drive, archive, smartstore, said)
        seen = looked(invocation, world, choice)
    if said["structure"]:
        write(Path(said["structure"]), statuses(seen))
    if said["each"]:
        _tell_buckets(invocation, seen)
    for summary in summed(seen.planned):
        if invocation.as_json:
            record = summary.as_record()
            if said["price_per_gib"]:
                record["thaw_price"] = _price(summary, said["price_per_gib"])
            invocation.printer.record({"event": "index", **record})
        else:
            invocation.printer.results(_lines(summary, said["price_per_gib"]))
    _tell_rest(invocation, seen)
    for difference in differing(seen, hints_of(said)):
        invocation.printer.notice(difference)
    is_flawed = any(one.flaw or one.trap or one.doubt for one in seen.planned)
    return 3 if is_flawed or seen.warnings else 0


def _tell_buckets(invocation: Invocation, seen: Seen) -> None:
    for one in seen.planned:
        bucket = one.bucket
        why = one.flaw or one.trap or one.doubt
        if invocation.as_json:
            invocation.printer.record(
                {
                    "event": "bucket",
                    "index": bucket.index,
                    "bucket": bucket.name.text,
                    "bid": one.bid,
                    "status": one.status,
                    "oldest": bucket.name.oldest,
                    "newest": bucket.name.newest,
                    "bytes": bucket.size,
                    "restored_bytes": bucket.restored_size,
                    "tiers": sorted(bucket.tiers),
                    "problem": why,
                }
            )
        else:
            tail = f"  ({why})" if why else ""
            size = show_size(bucket.size)
            invocation.printer.result(f"{one.status:<13} {size:>10} {bucket.folder}{tail}")


def _lines(one: Summary, price: float | None) -> list[str]:
    counts = " · ".join(f"{status} {count:,}" for status, count in sorted(one.statuses.items()))
    tiers = ", ".join(f"{tier} {show_size(size)}" for tier, size in sorted(one.tiers.items()))
    found = [
        f"{one.index}: {one.buckets:,} buckets, {show_size(one.bytes)} ({tiers})",
        f"  events from {show_moment(one.oldest)} to {show_moment(one.newest)}",
        f"  {counts} · to restore about {show_size(one.restored_bytes)} on disk",
    ]
    if one.thaw_bytes:
        cost = f", about {_price(one, price):,.2f}" if price else ""
        size = show_size(one.thaw_bytes)
        found.append(f"  to thaw first: {size} in {one.thaw_requests:,} objects{cost}")
    for what, count in [*one.flaws.items(), *one.traps.items()]:
        found.append(f"  not {count:,} of them: {what}")
    for what, count in one.doubts.items():
        found.append(f"  in SmartStore, and not whole, {count:,} of them: {what}")
    return found


def _price(one: Summary, price: float) -> float:
    return one.thaw_bytes / (1 << 30) * price


def _tell_rest(invocation: Invocation, seen: Seen) -> None:
    notice = invocation.printer.notice
    if seen.holdings.replicas:
        notice(f"{seen.holdings.replicas:,} replicas of buckets that are there as originals")
    strange = seen.holdings.strange
    for key in strange[:_STRANGE_SHOWN]:
        notice(f"belongs to no bucket: {printable(key)}")
    if len(strange) > _STRANGE_SHOWN:
        notice(f"and {len(strange) - _STRANGE_SHOWN:,} more that belong to none")
    for warning in seen.warnings:
        notice(warning)
