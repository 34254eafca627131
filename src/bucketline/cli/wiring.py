"""Puts the parts together: words become a look at two sides, places become a job's ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from bucketline.cli.invocation import Invocation
from bucketline.cli.sanity import resolved, resolved_target
from bucketline.flow.compare.pairs import Mode
from bucketline.flow.compare.sides import Look
from bucketline.flow.ledger import Known, job_path
from bucketline.flow.look.filters import Filter, Rule, read_only_file, tells_damage
from bucketline.flow.report.runs import known
from bucketline.flow.run.pace import Adaptive, Pace, Steady
from bucketline.settings import Location
from bucketline.stores.base import Store

Lookup = Callable[[Sequence[str]], Mapping[str, Known]]


def look_of(compare: str, rules: Sequence[tuple[str, str]], only: str | None) -> Look:
    """How to look at the two sides."""
    globs = tuple(Rule(glob, is_include=kind == "include") for kind, glob in rules)
    keys = read_only_file(Path(only)) if only else None
    chosen = Filter(globs, keys)
    chosen.keeper("")  # A pattern that makes no sense is told before anything begins.
    mode = Mode(compare)
    if mode is Mode.CHECKSUM and only and tells_damage(Path(only)):
        mode = Mode.BYTES
    return Look(mode=mode, filter=chosen)


def identity(location: Location) -> str:
    """The same words for the same place, however it was typed: what a job is known by."""
    if location.remote is None:
        return location.folder
    service = ",".join(sorted(location.remote.endpoints)) or "s3:/"
    return f"{service}/{location.bucket}/{location.prefix}"


def places(source: Location, target: Location) -> dict[str, Any]:
    """Where both sides are, for the ledger: what a person may be told of them, and no secret."""
    return {"source": _place(resolved(source)), "target": _place(resolved_target(source, target))}


def _place(location: Location) -> dict[str, Any]:
    remote = location.remote
    if remote is None:
        return {"folder": location.folder, "prefix": location.prefix}
    return {
        "remote": remote.name,
        "endpoints": list(remote.endpoints),
        "region": remote.region,
        "bucket": location.bucket,
        "prefix": location.prefix,
    }


def pace_of(workers: int | None, *stores: Store) -> Pace:
    """So many objects at once; None = as many as prove to be of use."""
    if workers is not None:
        return Steady(workers)

    def busy() -> int:
        return sum(getattr(store, "retried", {}).get("Busy", 0) for store in stores)

    return Adaptive(busy, process_time)


def ledger_path(invocation: Invocation, source: Location, target: Location, name: str) -> Path:
    """Where the ledger of this sync is."""
    return job_path(invocation.state_folder, "sync", identity(source), identity(target), name)


def lookup(path: Path) -> Lookup:
    """What earlier syncs proved, for those who only look: no lock, and no file is no answer."""
    return partial(known, path)
