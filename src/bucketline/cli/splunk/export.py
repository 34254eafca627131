"""`bucketline splunk export`: archived events as JSON lines, without Splunk."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, two_places
from bucketline.cli.splunk.options import choice_of, choosing_buckets, looked, world_of
from bucketline.engines.splunk.archive import Archived
from bucketline.engines.splunk.exporting import export as export_one
from bucketline.engines.splunk.exporting import target_of
from bucketline.engines.splunk.look import World
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.thawing import ready
from bucketline.errors import BucketlineError, DiskError
from bucketline.flow.drive import open_drive


@click.command(cls=Ordered)
@click.argument("archive")
@click.option("-o", "--output", required=True, metavar="DIR", help="A file a bucket goes here.")
@choosing_buckets
@click.option("--thaw-days", default=7, type=click.IntRange(1), help="Readable so long.")
@click.option("--thaw-speed", default="Standard", help="Standard, Bulk or Expedited.")
@two_places
@common
@pass_invocation
def export(invocation: Invocation, /, archive: str, output: str, **said: Any) -> int:
    """A bucket becomes DIR/INDEX/BUCKET.jsonl, whole or not at all; one that is there is skipped.

    All events of a chosen bucket are written. Exit code 4: some are being thawed.
    """
    folder = Path(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{folder}: cannot be made ({error.strerror})") from None
    said |= {"local": None, "splunk_url": None}
    counts = dict.fromkeys(("listed", "skipped", "done", "failed", "waiting", "events"), 0)
    with closing(open_drive()) as drive:
        world = world_of(invocation, drive, archive, "", said)

        def is_there(one: Planned) -> bool:
            return target_of(folder, one.bucket).exists()

        for one in looked(invocation, world, choice_of(said), is_there).planned:
            state, message, events = _exported(world, one.bucket, folder, said)
            counts["listed"] += 1
            counts[state] += 1
            counts["events"] += events
            _tell(invocation, one.bucket, state, message, events)
    if invocation.as_json:
        invocation.printer.record({"event": "summary", **counts})
    else:
        invocation.printer.notice(" · ".join(f"{name} {n:,}" for name, n in counts.items()))
    return 1 if counts["failed"] else 4 if counts["waiting"] else 0


def _exported(
    world: World, bucket: Archived, folder: Path, said: dict[str, Any]
) -> tuple[str, str, int]:
    if target_of(folder, bucket).exists():
        return "skipped", "", 0
    store, drive = world.archive.store, world.drive
    try:
        is_ready = drive.call(ready(store, bucket, said["thaw_days"], said["thaw_speed"]))
        if not is_ready:
            return "waiting", "it is being thawed; run this again", 0
        return "done", "", export_one(store, drive, bucket, folder)
    except BucketlineError as error:
        return "failed", str(error), 0


def _tell(invocation: Invocation, bucket: Archived, state: str, message: str, events: int) -> None:
    if invocation.as_json:
        told = {"event": "bucket", "index": bucket.index, "bucket": bucket.name.text}
        invocation.printer.record({**told, "state": state, "message": message, "events": events})
    elif state != "skipped":
        tail = message or f"{events:,} events"
        invocation.printer.result(f"{state:<8} {bucket.index}/{bucket.name.text}: {tail}")
