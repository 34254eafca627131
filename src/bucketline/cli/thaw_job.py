"""A thaw as a job that S3 carries out by itself: its manifest and its request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bucketline.cli.invocation import Invocation
from bucketline.cli.options import Said
from bucketline.cli.thawing import Thawing
from bucketline.durable import whole_file
from bucketline.engines.thaw import UNKNOWN, Expected
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.plans.s3_batch import thaw_job, thaw_row
from bucketline.flow.thaw import SELF_TIERING, Wish, is_to_ask
from bucketline.sizes import show_size


class _TooFew(Exception):
    """What a job would be too much for."""


def write_job(invocation: Invocation, thawing: Thawing, wish: Wish, said: Said) -> int | None:
    """Of all that is frozen in GLACIER and DEEP_ARCHIVE; nothing is asked for by us.

    The exit code; None = there are too few for a job, and nothing is written.
    """
    if wish.speed == "Expedited":
        raise UsageError("a job of S3 knows no Expedited; choose --tier Standard or Bulk")
    place, expected, manifest = thawing.place, Expected(), Path(said["manifest"])
    try:
        count, etag = _write_manifest(thawing, expected, manifest, said["manifest_above"])
    except _TooFew:
        return None
    region = place.remote.region if place.remote is not None else ""
    asked = thaw_job(wish.speed, wish.days, region, etag)
    if said["job"] is not None:
        with whole_file(Path(said["job"])) as out:
            out.write(json.dumps(asked, indent=2).encode() + b"\n")
    _tell(invocation, expected, manifest, asked, (count, said["job"]))
    return 1 if expected.rest[UNKNOWN] else 0


def _write_manifest(
    thawing: Thawing, expected: Expected, manifest: Path, most: int | None
) -> tuple[int, str]:
    """How many are in it, and its etag once it is uploaded."""
    place, count, digest = thawing.place, 0, hashlib.md5(usedforsecurity=False)
    with whole_file(manifest) as out:
        for step in expected.counted(thawing.engine().plan()):
            if is_to_ask(step.state) and step.target.tier != SELF_TIERING:
                row = thaw_row(step.key, place.bucket).encode()
                digest.update(row)
                out.write(row)
                count += 1
        if most is not None and count <= most:
            raise _TooFew
        if not count:
            raise Refused(f"{printable(place.text)}: holds nothing frozen that a job could thaw")
    return count, digest.hexdigest()


def _tell(
    invocation: Invocation,
    expected: Expected,
    manifest: Path,
    asked: Mapping[str, Any],
    made: tuple[int, str | None],
) -> None:
    """The job's request, too, where it is in no file."""
    left, (count, job) = expected.amounts.pop(SELF_TIERING, None), made
    size = sum(one.size for one in expected.amounts.values())
    printer, unknown = invocation.printer, expected.rest[UNKNOWN]
    if unknown:
        printer.notice(f"{unknown:,} could not be looked at, and are not in it; thaw them here")
    if invocation.as_json:
        files = {"manifest": str(manifest), "job": job, "request": asked}
        sums = {"objects": count, "bytes": size, "unknown": unknown}
        printer.record({"event": "export", **sums, **files})
        return
    if job is None:
        printer.result(json.dumps(asked, indent=2))
    more = f"; {left.objects:,} of {SELF_TIERING} are not in it, thaw them here" if left else ""
    printer.notice(
        f"{count:,} objects ({show_size(size)}) in {manifest}{more}. Upload it in one piece, fill"
        " in what stands in angle brackets, create the job in the bucket's region"
    )
