"""What the ledgers know to have been delivered: by one run, or to one place by all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Any

from bucketline.cli.invocation import Invocation
from bucketline.cli.options import Said, side_of
from bucketline.cli.packing import packed_under
from bucketline.cli.wiring import identity
from bucketline.errors import UsageError, printable
from bucketline.flow.report.delivered import Delivered, of_run, standing
from bucketline.flow.report.runs import RunRow, find_run, last_of, runs, unreadable
from bucketline.settings import Location, holds

VERIFY = "verify"
_DELIVER_NOTHING = (VERIFY, "thaw", "purge", "drill")
Deliveries = Callable[[], Iterator[Delivered]]


@dataclass(frozen=True)
class Wanted:
    """What is to be looked at again, and where."""

    location: Location
    deliveries: Deliveries
    said: str  # For the ledger and for people.
    packed_in: Sequence[str] = ()  # Prefixes under which some of it may lie in archives.
    is_all: bool = False  # Of the place: it is no run's alone.
    is_backup: bool = False  # It has a catalogue, which a sync would not keep true.
    parts: Sequence[str] = ()  # Prefixes of the place that ledgers know to be backups.
    unread: Sequence[str] = ()  # Ledgers that may know more of the place, and cannot be read: why.
    unknown: str = ""  # What to say if nobody else knows of anything there either.


def wanted(
    invocation: Invocation, what: str, said: Said, *, may_be_unknown: bool = False
) -> Wanted:
    """What a person means by RUN or LOCATION. Raises `UsageError` for a place of no ledger."""
    row = None if _is_place(what) else _run(invocation, what)
    if row is not None:
        where, said_of = _place_of(invocation, row, said), f"run {row.run}"
        return Wanted(where, partial(of_run, row), said_of, packed_under([row]))
    location = invocation.location(what, side_of(said))
    rows = runs(invocation.state_folder)
    jobs = list(_jobs_at(rows, location))
    unknown = (
        f"{printable(what)}: no ledger in {invocation.state_folder} knows of a delivery there;"
        " name it as the sync did, or compare it with `bucketline check`"
    )
    if not jobs and not may_be_unknown:
        raise UsageError(unknown)
    paths = {path for path, _ in jobs}
    mine = [row for row in rows if row.path in paths]
    return Wanted(
        *(location, partial(_together, jobs), "every run", packed_under(mine)),
        is_all=True,
        parts=_backups(mine, location),
        unread=[row.message for row in unreadable(rows)],
        unknown="" if jobs else unknown,
    )


def _backups(rows: Iterable[RunRow], location: Location) -> list[str]:
    """In order, and none of them within another one."""
    found: list[str] = []
    there = {_target_of(row).get("prefix", "") for row in rows if row.command == "backup"}
    for prefix in sorted(there):
        if holds(location.prefix, prefix) and not (found and prefix.startswith(found[-1])):
            found.append(prefix)
    return found


def _target_of(row: RunRow) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(row.configuration or "{}").get("places", {}).get("target", {})
    return told


def _is_place(what: str) -> bool:
    return any(mark in what for mark in ":/") or Path(what).is_dir()


def _run(invocation: Invocation, what: str) -> RunRow:
    folder = invocation.state_folder
    if what != "last":
        row = find_run(folder, what)
        if row.command in _DELIVER_NOTHING:
            said = "a verification itself" if row.command == VERIFY else f"a {row.command}"
            raise UsageError(f"{row.run} is {said}; name the run that delivered")
        return row
    newest = last_of(runs(folder), _DELIVER_NOTHING)
    if newest is None:
        raise UsageError(f"{folder}: there are no runs yet that delivered anything")
    return newest


def _place_of(invocation: Invocation, row: RunRow, said: Said) -> Location:
    """Where a run delivered to, by what its first line says; credentials come from here."""
    place = _target_of(row)
    if folder := place.get("folder"):
        return Location(folder, folder=folder, prefix=place["prefix"])
    if not place:
        raise UsageError(f"{row.run}: its ledger does not say where to; name the LOCATION instead")
    side = side_of(said)
    known = invocation.config.remotes
    name = place["remote"] if place["remote"] in known else ""
    text = f"{name}:" if name else "s3://"
    side = replace(
        side,
        endpoints=side.endpoints or tuple(place["endpoints"]),
        region=side.region or place["region"],
    )
    return invocation.location(f"{text}{place['bucket']}/{place['prefix']}", side)


Rename = Callable[[str], str]  # A job's key -> the key at the location; "" = it is not there.


def _jobs_at(rows: Iterable[RunRow], location: Location) -> Iterator[tuple[Path, Rename]]:
    """The ledgers of deliveries to this place, to a part of it, or to one that it is a part of."""
    seen: set[Path] = set()
    for row in rows:
        if row.path in seen or not row.run or row.command in _DELIVER_NOTHING:
            continue
        seen.add(row.path)
        if (rename := _rename(row.target, location)) is not None:
            yield row.path, rename


def _rename(target: str, location: Location) -> Rename | None:
    if location.remote is None:
        return _in_folders(Path(target), Path(location.folder)) if target[:1] == "/" else None
    bucket = identity(replace(location, prefix=""))
    if not target.startswith(bucket):
        return None
    return lambda key: key if holds(location.prefix, key) else ""


def _in_folders(target: Path, here: Path) -> Rename | None:
    """Keys of files: a job's are behind its own folder."""
    base = target if target.is_dir() else target.parent
    if not here.is_file():
        return _moved(base, here)
    rename = _moved(base, here.parent)
    return rename and (lambda key: here.name if rename(key) == here.name else "")


def _moved(base: Path, here: Path) -> Rename | None:
    if here == base:
        return str
    if here in base.parents:
        above = f"{base.relative_to(here)}/"
        return lambda key: above + key
    if base in here.parents:
        below = f"{here.relative_to(base)}/"
        return lambda key: key.removeprefix(below) if key.startswith(below) else ""
    return None


def _together(jobs: list[tuple[Path, Rename]]) -> Iterator[Delivered]:
    """In key order, each key once: what was delivered last counts."""
    streams = [_renamed(standing(path), rename) for path, rename in jobs]
    last: Delivered | None = None
    for one in merge(*streams, key=attrgetter("key")):
        if last is not None and one.key != last.key:
            yield last
        if last is None or one.key != last.key or one.time >= last.time:
            last = one
    if last is not None:
        yield last


def _renamed(deliveries: Iterator[Delivered], rename: Rename) -> Iterator[Delivered]:
    for one in deliveries:
        if key := rename(one.key):
            yield one if key == one.key else replace(one, key=key)
