"""`bucketline plan export`: copies of a plan as a job that S3 carries out by itself."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.durable import whole_file
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.plans import SavedPlan, Writer
from bucketline.flow.plans.s3_batch import Survey, job
from bucketline.model import Copy
from bucketline.sizes import show_size

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]*").fullmatch
_AWS = re.compile(r"(.*\.)?amazonaws\.com(\.cn)?").fullmatch


@click.command
@click.argument("file")
@click.option(
    "--s3-batch", "manifest", metavar="MANIFEST", required=True, help="Write its manifest, a CSV."
)
@click.option("--job", "request", metavar="FILE", help="Write the request of the job, else print.")
@click.option("--rest", metavar="FILE", help="Write a plan of what the job cannot do.")
@common
@pass_invocation
def export(
    invocation: Invocation, /, file: str, *, manifest: str, request: str | None, rest: str | None
) -> int:
    """A job for S3 Batch Operations, for copies between buckets of AWS; nothing is sent.

    Exit code 7: it cannot do all of the plan, and no --rest was named.
    """
    saved = SavedPlan.open(Path(file))
    if saved.totals.refusal:
        raise Refused(f"{file}: was refused when it was saved: {saved.totals.refusal}")
    _check_places(saved)
    survey = Survey.of(saved.actions())
    if not survey.count:
        raise Refused(f"{file}: nothing in it that a job could do{_left(survey, ': ')}")
    if survey.left and rest is None:
        raise Refused(
            f"{file}: a job cannot do all of it{_left(survey, ': ')}; name a file for the plan of"
            " that with --rest"
        )
    etag = _write_manifest(saved, survey, Path(manifest))
    asked = job(survey, saved.head, saved.sha256, etag)
    if request is not None:
        with whole_file(Path(request)) as out:
            out.write(json.dumps(asked, indent=2).encode() + b"\n")
    if survey.left and rest is not None:
        _write_rest(saved, survey, Path(rest))
    _tell(invocation, survey, asked, {"manifest": manifest, "job": request, "rest": rest})
    return 0


def _check_places(saved: SavedPlan) -> None:
    head = saved.head
    for name in ("source", "target"):
        said = getattr(head, name)
        place, shown = said["place"], printable(said["text"])
        if "bucket" not in place or not _BUCKET(place["bucket"]):
            raise UsageError(f"{shown}: is no bucket; a job of S3 copies from bucket to bucket")
        if not all(_AWS(urlsplit(url).hostname or "") for url in place["endpoints"]):
            raise UsageError(f"{shown}: is not on AWS, where the only such jobs are")
    if asked := head.policy.get("attributes"):
        raise UsageError(
            f"{saved.path}: it sets {', '.join(sorted(asked))}, which the job would not; apply it,"
            " or save a plan without and add that to the job by hand"
        )


def _write_manifest(saved: SavedPlan, survey: Survey, path: Path) -> str:
    """Its MD5: the etag that it has once it is uploaded in one piece."""
    bucket = saved.head.source["place"]["bucket"]
    digest = hashlib.md5(usedforsecurity=False)
    with whole_file(path) as out:
        for action in saved.actions():
            if isinstance(action, Copy) and not survey.why_not(action):
                row = survey.row(action, bucket).encode()
                digest.update(row)
                out.write(row)
    return digest.hexdigest()


def _write_rest(saved: SavedPlan, survey: Survey, path: Path) -> None:
    totals = saved.totals
    with whole_file(path) as out:
        writer = Writer(out, replace(saved.head, rest_of=saved.sha256))
        for action in saved.actions():
            if survey.why_not(action):
                writer.add(action)
        writer.totals.skipped = totals.skipped
        writer.totals.source, writer.totals.target = totals.source, totals.target
        writer.seal()


def _tell(
    invocation: Invocation, survey: Survey, asked: Mapping[str, Any], files: Mapping[str, Any]
) -> None:
    printer = invocation.printer
    if invocation.as_json:
        sums = {"copies": survey.count, "bytes": survey.size, "left": dict(survey.left)}
        printer.record({"event": "export", **sums, **files, "request": asked})
        return
    if files["job"] is None:
        printer.result(json.dumps(asked, indent=2))
    rest = f"; left out{_left(survey, ' ')}: see {files['rest']}" if survey.left else ""
    printer.notice(
        f"{survey.count:,} copies ({show_size(survey.size)}) in {files['manifest']}{rest}."
        " Upload it in one piece, fill in what stands in angle brackets, create the job in the"
        " target's region; see that all of it succeeded before you apply a rest with deletes"
    )


def _left(survey: Survey, before: str) -> str:
    said = ", ".join(f"{count:,} {why}" for why, count in survey.left.items())
    return f"{before}{said}" if said else ""
