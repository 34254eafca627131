"""`bucketline verify`: prove again what was delivered."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import click

from bucketline.cli.backup.catalogued import catalogue_at, catalogued
from bucketline.cli.choices import sample_of
from bucketline.cli.deliveries import VERIFY, Wanted, wanted
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.metering import metering, metering_of
from bucketline.cli.options import Said, limiting, one_place
from bucketline.cli.places import hash_memory, open_to_read
from bucketline.cli.sanity import check_source
from bucketline.cli.verifying import Limits, Verifying
from bucketline.cli.wiring import identity
from bucketline.clock import SystemClock
from bucketline.engines.verify import Round, Sample, Verification
from bucketline.errors import LedgerError, UsageError, printable
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.ledger import Ledger, job_path
from bucketline.flow.proof.again import Method
from bucketline.flow.report.delivered import verified
from bucketline.flow.report.runs import RunRow, runs_of
from bucketline.flow.run.terms import Allowance
from bucketline.model import Skip, Verify
from bucketline.sizes import show_moment
from bucketline.stores.base import Store
from bucketline.timetable import Timetable, parse_timetable

_METHODS = [method.value for method in Method]
_CUT_SHORT = ("interrupted", "crashed")
_NOTHING_YET = Round(1 << 62)


@click.command
@click.argument("what", metavar="RUN|LOCATION")
@click.option("--sample", default="all", metavar="N|N%|all", help="So many, at random.")
@click.option("--seed", metavar="WORD", help="Draw the same sample again.")
@click.option(
    "--method",
    type=click.Choice(_METHODS),
    default="read",
    help="Read the bytes (default), ask the store for checksums, or whichever it can.",
)
@limiting
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be looked at.")
@metering
@one_place
@common
@pass_invocation
def verify(invocation: Invocation, /, what: str, *, dry_run: bool, **said: Any) -> int:
    """RUN is an id, the beginning of one, or `last`; LOCATION takes all that ledgers know of it.

    Exit code 3: an object is damaged or missing, or none was verified; 6: a ledger cannot be read.
    """
    sample = sample_of(said["sample"], said["seed"])
    them = wanted(invocation, what, said, may_be_unknown=True)
    check_source(them.location)
    told = metering_of(invocation, said, SystemClock())
    path = job_path(invocation.state_folder, VERIFY, "", identity(them.location))
    words = _words(them, said)
    sample, since, first = _round(runs_of(path), words, sample)
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        store = open_to_read(them.location, hashes, _rates(said), them.packed_in)
        them = _as_backed_up(them, store, drive)
        for why in them.unread:
            invocation.printer.error(f"what it knows of is not verified: {why}")
        engine = Verification(
            store,
            them.deliveries,
            partial(verified, path),
            drive,
            method=Method(said["method"]),
            sample=sample,
            since=since,
        )
        if dry_run:
            return _print_plan(invocation, engine) or _missing(them)
        words |= {"seed": sample.seed, "round": first}
        with Ledger.open(path) as ledger:
            verifying = Verifying(invocation, them, engine, drive, ledger, metering=told)
            return verifying.go(words, _terms(said)) or _missing(them)


def _missing(them: Wanted) -> int:
    """What only ledgers know of that nobody can read: a success of the rest is none."""
    return LedgerError.exit_code if them.unread else 0


def _as_backed_up(them: Wanted, store: Store, drive: Drive) -> Wanted:
    """Of a backup, what its catalogue tells. Raises `UsageError` where nobody tells of anything."""
    catalogue = catalogue_at(them.location, store, drive)
    if catalogue is not None:
        told = catalogued([catalogue], them.location, them.deliveries, is_all=them.is_all)
        return replace(them, deliveries=told, is_backup=True, unread=())
    if them.unknown:
        raise UsageError(them.unknown)
    parts = [replace(them.location, prefix=part) for part in them.parts]
    known = [catalogue_at(part, store, drive) for part in parts]
    below = [one for one in known if one is not None]
    told = catalogued(below, them.location, them.deliveries, is_all=them.is_all)
    return replace(them, deliveries=told) if below else them


def _rates(said: Said) -> Timetable | None:
    return parse_timetable(said["bwlimit"]) if said["bwlimit"] else None


def _terms(said: Said) -> Limits:
    workers = said["workers"]
    return Limits(
        None if workers in (None, "auto") else int(workers),
        Allowance(said["max_duration"], said["max_bytes"]),
    )


def _words(them: Wanted, said: Said) -> dict[str, Any]:
    """What makes two verifications the same one, gone on with."""
    return {"of": them.said, "sample": said["sample"], "method": said["method"]}


def _round(rows: list[RunRow], words: dict[str, Any], sample: Sample) -> tuple[Sample, Round, str]:
    """Where the last verification was cut short, this one goes on: with its seed."""
    last = rows[-1] if rows else None
    if last is None or not (last.state in _CUT_SHORT or last.message):
        return sample, _NOTHING_YET, ""
    had = json.loads(last.configuration)
    is_same = all(had.get(name) == value for name, value in words.items())
    first = [row.number for row in rows if row.run == (had.get("round") or last.run)]
    if not is_same or not first:
        return sample, _NOTHING_YET, ""
    return replace(sample, seed=had.get("seed", "")), Round(first[0]), had["round"] or last.run


def _print_plan(invocation: Invocation, engine: Verification) -> int:
    count = size = left = 0
    for step in engine.plan():
        if isinstance(step, Skip):
            left += step.count
            continue
        count, size = count + 1, size + step.intent.size
        last = step.verified if isinstance(step, Verify) else 0.0
        if invocation.as_json:
            fields = {"event": "planned", "verb": step.verb.value, "key": step.key}
            invocation.printer.record(
                {**fields, "bytes": step.intent.size, "last_verified": last or None}
            )
        else:
            when = f"last verified {show_moment(last)}" if last else "never verified"
            invocation.printer.result(f"verify {printable(step.key)} ({when})")
    if invocation.as_json:
        sums = {"objects": count, "bytes": size, "skipped": left}
        invocation.printer.record({"event": "plan", **sums})
    else:
        invocation.printer.result(f"{count:,} to verify, {left:,} not this time")
    return 0
