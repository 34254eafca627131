"""Puts the parts together: locations become stores, words become an engine's policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bucketline.cli.invocation import Invocation
from bucketline.cli.sanity import resolved
from bucketline.clock import SystemClock
from bucketline.flow.compare import Mode
from bucketline.flow.filters import Filter, Rule, read_only_file
from bucketline.flow.ledger import Known, job_path
from bucketline.flow.report import known
from bucketline.flow.sides import Look, Side
from bucketline.settings import Location
from bucketline.stores import open_store
from bucketline.stores.wrap import Retrying, Throttled

Lookup = Callable[[Sequence[str]], Mapping[str, Known]]


def open_place(location: Location) -> Side:
    """A side to look at."""
    place = resolved(location)
    return Side(Retrying(open_store(place, clock=SystemClock())), place.prefix)


def open_sides(
    source: Location, target: Location, *, bytes_per_second: int | None = None
) -> tuple[Side, Side]:
    """Both sides; what is read from the source is what the limit counts, once."""
    here, there = open_place(source), open_place(target)
    if bytes_per_second:
        here = replace(here, store=Throttled(here.store, bytes_per_second))
    return here, there


def look_of(compare: str, rules: Sequence[tuple[str, str]], only: str | None) -> Look:
    """How to look at the two sides."""
    globs = tuple(Rule(glob, is_include=kind == "include") for kind, glob in rules)
    keys = read_only_file(Path(only)) if only else None
    return Look(mode=Mode(compare), filter=Filter(globs, keys))


def identity(location: Location) -> str:
    """The same words for the same place, however it was typed: what a job is known by."""
    place = resolved(location)
    if place.remote is None:
        return f"{place.folder.rstrip('/')}/{place.prefix}"
    service = ",".join(sorted(place.remote.endpoints)) or "s3:/"
    return f"{service}/{place.bucket}/{place.prefix}"


def ledger_path(invocation: Invocation, source: Location, target: Location, name: str) -> Path:
    """Where the ledger of this sync is."""
    return job_path(invocation.state_folder, "sync", identity(source), identity(target), name)


def lookup(path: Path) -> Lookup:
    """What earlier syncs proved, for those who only look: no lock, and no file is no answer."""
    return partial(known, path)
