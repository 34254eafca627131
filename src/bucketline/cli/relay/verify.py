"""`bucketline relay verify`: what is staged, byte by byte, against its disks, source and target."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import two_places
from bucketline.cli.places import hash_memory, open_sides
from bucketline.cli.relay.stopped import naming, stopped
from bucketline.engines.relay.review import Reviewed, review
from bucketline.errors import printable

_DIFFERS = 3


@click.command
@naming
@two_places
@common
@pass_invocation
def verify(invocation: Invocation, /, **said: Any) -> int:
    """Reads every staged byte; changes nothing. Exit code 3: something is not as it should be."""
    printer = invocation.printer
    counts: Counter[str] = Counter()
    with stopped(invocation, said) as relay, hash_memory(invocation) as hashes:
        source, target = open_sides(relay.source, relay.target, hashes)
        for one in review(relay.spool, source.store, target.store, relay.drive):
            counts[one.state] += 1
            counts[f"source {one.source}"] += 1
            counts[f"target {one.target}"] += 1
            if invocation.as_json:
                printer.record({"event": "object", **one._asdict()})
            elif one.state != "sound" or one.source in ("changed", "gone"):
                printer.result(_line(one))
        for name in relay.damaged:
            printer.notice(f"{name}: is damaged; its object is fetched again")
        away = [one for one in relay.spool.shelves.all if not one.is_usable]
        for volume in away:
            printer.notice(f"volume {volume.folder}: {volume.reason}; what it holds was not seen")
        damaged = len(relay.damaged)
    counts["damaged"] += damaged
    summary = {name: count for name, count in sorted(counts.items()) if count}
    if invocation.as_json:
        printer.record({"event": "summary", "counts": summary})
    else:
        printer.result(" · ".join(f"{name} {count:,}" for name, count in summary.items()) or "none")
    return _DIFFERS if counts["rotten"] or damaged else 4 if away else 0


def _line(one: Reviewed) -> str:
    said = f": {one.message}" if one.message else ""
    return f"{printable(one.key)}: {one.state}, source {one.source}, target {one.target}{said}"
