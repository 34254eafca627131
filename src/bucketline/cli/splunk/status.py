"""`bucketline splunk status` and `check`: what was done, and whether it is still so."""

from __future__ import annotations

import csv
import json
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, two_places
from bucketline.cli.splunk.options import reaching_splunk, world_of
from bucketline.cli.splunk.running import holds_folder, job_folder, tell_hold
from bucketline.engines.splunk.hold import holds
from bucketline.engines.splunk.look import smartstore_of
from bucketline.engines.splunk.page import page
from bucketline.engines.splunk.records import DONE, UPLOADED, Record, Records
from bucketline.errors import BucketlineError, DiskError, UsageError
from bucketline.flow.drive import open_drive

_COLUMNS = (
    *("index", "bucket", "bid", "step", "events", "raw_size", "bytes", "restored_bytes"),
    *(
        "proof",
        "digest",
        "journal_sha256",
        "holds",
        "counted_before",
        "counted_after",
        "source",
        "folder",
        "message",
        "at",
    ),
)


@click.command
@click.argument("archive")
@click.argument("smartstore", required=False, default="")
@click.option("--report", metavar="FILE", help="Write all of it to FILE: .csv, .json or .html.")
@common
@pass_invocation
def status(invocation: Invocation, /, archive: str, smartstore: str, report: str | None) -> None:
    """Of the restore between these two places; asks neither Splunk nor S3."""
    folder = job_folder(invocation, archive, smartstore)
    records = [*Records(folder / "buckets").all()]
    for hold in holds(holds_folder(folder)):
        tell_hold(invocation, hold)
    if report:
        _write(Path(report), f"{archive} to {smartstore or 'thaweddb'}", records)
    steps: dict[str, Counter[str]] = {}
    for one in records:
        steps.setdefault(one.index, Counter())[one.step] += 1
    for index, counts in steps.items():
        if invocation.as_json:
            invocation.printer.record({"event": "index", "index": index, **counts})
        else:
            said = " · ".join(f"{step} {count:,}" for step, count in sorted(counts.items()))
            invocation.printer.result(f"{index}: {said}")
    for one in records:
        if one.message and not invocation.as_json:
            invocation.printer.result(f"  {one.index}/{one.bucket} ({one.step}): {one.message}")
    if not records:
        invocation.printer.notice("nothing was restored between these two places")


@click.command(cls=Ordered)
@click.argument("archive")
@click.argument("smartstore")
@reaching_splunk
@two_places
@common
@pass_invocation
def check(invocation: Invocation, /, archive: str, smartstore: str, **said: Any) -> int:
    """By its receipt, and by each object that this names. Exit code 3: something is wrong."""
    records = Records(job_folder(invocation, archive, smartstore) / "buckets")
    bad = unknown = count = 0
    with closing(open_drive()) as drive:
        world = world_of(invocation, drive, archive, smartstore, said)
        indexes = drive.call(world.splunk.indexes()) if world.splunk is not None else {}
        for one in records.all():
            if one.step not in (UPLOADED, DONE):
                continue
            place = smartstore_of(world, one.index, indexes.get(one.index))
            count += 1
            try:
                flaw = drive.call(place.proven(one.bid, "", one.events))
            except BucketlineError as error:  # Of the others it tells all the same.
                flaw, unknown = str(error), unknown + 1
            else:
                flaw = "there is no receipt" if flaw is None else flaw
                bad += bool(flaw)
            if invocation.as_json:
                told = {"event": "bucket", "index": one.index, "bucket": one.bucket, "flaw": flaw}
                invocation.printer.record(told)
            elif flaw:
                invocation.printer.result(f"! {one.index}/{one.bucket}: {flaw}")
    more = f", {unknown:,} could not be looked at" if unknown else ""
    invocation.printer.notice(f"{count:,} buckets looked at, {bad:,} of them not whole{more}")
    return 3 if bad else 1 if unknown else 0


def _write(path: Path, title: str, records: list[Record]) -> None:
    rows = [asdict(one) | {"journal_sha256": one.journal_sha256} for one in records]
    flat = [row | {"holds": " ".join(row["holds"])} for row in rows]
    try:
        match path.suffix:
            case ".json":
                path.write_text(json.dumps(rows, indent=2))
            case ".csv":
                with path.open("w", newline="") as file:
                    writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore")
                    writer.writeheader()
                    writer.writerows(flat)
            case ".html":
                path.write_text(page(title, records))
            case _:
                raise UsageError(f"{path}: end its name in .csv, .json or .html")
    except OSError as error:
        raise DiskError(f"{path}: cannot be written ({error.strerror})") from None
