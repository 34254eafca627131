"""`bucketline doctor`: what an endpoint can and cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import click

from bucketline.cli.endpoints import manners_of
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import one_place, side_of
from bucketline.cli.sanity import check_source
from bucketline.clock import SystemClock
from bucketline.engines.doctor import Finding, examine, try_writes
from bucketline.errors import UsageError, printable
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import new_run_id
from bucketline.settings import Location, as_folder
from bucketline.stores import open_store

if TYPE_CHECKING:
    from bucketline.stores.s3 import S3Store

_RUNGS_BROKEN = 5


@click.command
@click.argument("location")
@click.option("--write-probe", metavar="PREFIX", help="Also try writes, on scratch objects there.")
@one_place
@common
@pass_invocation
def doctor(
    invocation: Invocation, /, location: str, *, write_probe: str | None, **said: Any
) -> int:
    """Only reads, unless --write-probe says where scratch objects may be written and deleted."""
    place = invocation.location(location, side_of(said))
    check_source(place)
    probe = None if write_probe is None else _folder(write_probe)
    findings = []
    for finding in _findings(invocation, place, probe):
        findings.append(finding)
        if invocation.as_json:
            invocation.printer.record(finding._asdict())
        else:
            detail = f"  {printable(finding.detail)}" if finding.detail else ""
            invocation.printer.result(f"{finding.about:38} {finding.answer:12}{detail}".rstrip())
    return _RUNGS_BROKEN if _is_shut(findings) else 0


def _findings(invocation: Invocation, place: Location, probe: str | None) -> Iterator[Finding]:
    clock, drive = SystemClock(), open_drive()
    try:
        store = open_store(place, clock=clock)
        found = list(examine(store, place.prefix, drive, clock))
        yield from found
        if probe is not None and not _is_shut(found):
            scratch = f"{probe}bucketline-doctor-{new_run_id(clock.now())}/"
            yield from try_writes(store, scratch, drive, clock)
        if place.remote is not None:
            manners = manners_of(invocation, clock)
            cast("S3Store", store).teach(manners)
            invocation.made_state_folder()
            manners.save()
    finally:
        drive.close()


def _is_shut(findings: list[Finding]) -> bool:
    """Whether there was no way in: nothing about listings was found out."""
    return not any(finding.about == "lists in key order" for finding in findings)


def _folder(prefix: str) -> str:
    if prefix.startswith("s3://"):
        raise UsageError("--write-probe takes a prefix in the location's bucket, as in scratch/")
    return as_folder(prefix)
