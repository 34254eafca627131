"""A thaw as a job that S3 carries out by itself: its manifest and its request."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from bucketline.cli.invocation import Invocation
from bucketline.cli.thawing import Thawing
from bucketline.durable import whole_file
from bucketline.engines.thaw import Expected
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.plans.s3_batch import thaw_job, thaw_row
from bucketline.flow.thaw import SELF_TIERING, Wish, is_to_ask
from bucketline.sizes import show_size


def write_job(
    invocation: Invocation, thawing: Thawing, wish: Wish, manifest: Path, job: str | None
) -> None:
    """Of all that is frozen in GLACIER and DEEP_ARCHIVE; nothing is asked for by us."""
    if wish.speed == "Expedited":
        raise UsageError("a job of S3 knows no Expedited; choose --tier Standard or Bulk")
    place, engine, expected = thawing.place, thawing.engine(), Expected()
    digest, count = hashlib.md5(usedforsecurity=False), 0
    with whole_file(manifest) as out:
        for step in expected.counted(engine.plan()):
            if is_to_ask(step.state) and step.target.tier != SELF_TIERING:
                row = thaw_row(step.key, place.bucket).encode()
                digest.update(row)
                out.write(row)
                count += 1
        if not count:
            raise Refused(f"{printable(place.text)}: holds nothing frozen that a job could thaw")
    left = expected.amounts.pop(SELF_TIERING, None)
    region = place.remote.region if place.remote is not None else ""
    asked = thaw_job(wish.speed, wish.days, region, digest.hexdigest())
    size = sum(one.size for one in expected.amounts.values())
    if job is not None:
        with whole_file(Path(job)) as out:
            out.write(json.dumps(asked, indent=2).encode() + b"\n")
    printer = invocation.printer
    if invocation.as_json:
        files = {"manifest": str(manifest), "job": job, "request": asked}
        printer.record({"event": "export", "objects": count, "bytes": size, **files})
        return
    if job is None:
        printer.result(json.dumps(asked, indent=2))
    more = f"; {left.objects:,} of {SELF_TIERING} are not in it, thaw them here" if left else ""
    printer.notice(
        f"{count:,} objects ({show_size(size)}) in {manifest}{more}. Upload it in one piece, fill"
        " in what stands in angle brackets, create the job in the bucket's region"
    )
