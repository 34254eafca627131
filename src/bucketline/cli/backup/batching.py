"""Copies of a backup that are too many to make here: a manifest for S3 Batch Operations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bucketline.cli.backup.wish import BackupWish
from bucketline.cli.invocation import Invocation
from bucketline.clock import SystemClock
from bucketline.durable import whole_file
from bucketline.engines.backup import Backup, History
from bucketline.errors import UsageError, printable
from bucketline.flow.look.sorting import EntryFile
from bucketline.flow.plans.lines import Head
from bucketline.flow.plans.s3_batch import Survey, job
from bucketline.model import Copy
from bucketline.sizes import show_size

HANDED_OVER = 4  # The exit code: something is left to do, by another.


def check_batch(wish: BackupWish) -> None:
    """Raise `UsageError` for what a job of S3 would not do."""
    if wish.source.remote is None:
        place = printable(wish.source.text)
        raise UsageError(f"{place}: is a folder; a job of S3 copies from bucket to bucket")
    if wish.words["versions"] or wish.words["events"] is not None:
        raise UsageError("--batch-manifest: leave out --versions and --events")
    if asked := wish.words["attributes"]:
        raise UsageError(
            f"--batch-manifest: a job of S3 would not set {', '.join(sorted(asked))}; leave that"
            " out, and add it to the job by hand"
        )


def handed_over(
    invocation: Invocation, wish: BackupWish, engine: Backup | History, manifest: Path, most: int
) -> bool:
    """Whether a job can make more than `most` of the copies; they are in the manifest then, and
    none was made.
    """
    made = SystemClock().now()
    with closing(EntryFile(None)) as entries:
        for step in engine.rehearse():
            if isinstance(step, Copy) and not step.refused:
                entries.append(step.source)
        survey = Survey.of(_copies(entries, wish))
        if survey.count <= most:
            return False
        digest = hashlib.md5(usedforsecurity=False)
        with whole_file(manifest) as out:
            for copy in _copies(entries, wish):
                if not survey.why_not(copy):
                    row = survey.row(copy, wish.source.bucket).encode()
                    digest.update(row)
                    out.write(row)
    assert wish.target.remote is not None
    place = {"region": wish.target.remote.region, "bucket": wish.target.bucket}
    head = Head(made, "", {}, {"place": place})
    etag = digest.hexdigest()
    request = manifest.with_name(f"{manifest.name}.job.json")
    with whole_file(request) as out:
        out.write(json.dumps(job(survey, head, etag, etag), indent=2).encode() + b"\n")
    _tell(invocation, survey, manifest, request)
    return True


def _copies(entries: EntryFile, wish: BackupWish) -> Iterator[Copy]:
    start = len(wish.source.prefix)
    return (Copy(one, wish.target.prefix + one.key[start:]) for one in entries)


def _tell(invocation: Invocation, survey: Survey, manifest: Path, request: Path) -> None:
    left = sum(survey.left.values())
    if invocation.as_json:
        sums = {"copies": survey.count, "bytes": survey.size, "left": dict(survey.left)}
        files = {"manifest": str(manifest), "job": str(request)}
        invocation.printer.record({"event": "export", **sums, **files})
        return
    rest = f"; {left:,} that no job can do are for the run after it" if left else ""
    invocation.printer.notice(
        f"{survey.count:,} copies ({show_size(survey.size)}) in {manifest}, none of them made"
        f"{rest}. Upload it in one piece, fill in what stands in angle brackets in {request},"
        " create the job, and run again when it has ended"
    )
