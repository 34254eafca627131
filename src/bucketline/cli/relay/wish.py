"""What a relay is to do, after the command line was heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bucketline.cli.attributes import attribute_words
from bucketline.cli.hooks import Hooks
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Metering, metering_of
from bucketline.cli.options import Said, rules_in_order, side_of
from bucketline.cli.relay.options import parse_marks
from bucketline.cli.wiring import identity, look_of
from bucketline.cli.wish import MAX_DELETE, hooks_of, move_of
from bucketline.clock import SystemClock
from bucketline.config import Job
from bucketline.errors import UsageError
from bucketline.flow.compare.guard import Limits
from bucketline.flow.compare.sides import Look
from bucketline.flow.look.filters import matcher
from bucketline.flow.move.copy import MovePolicy
from bucketline.settings import Location, Side
from bucketline.sizes import parse_seconds, parse_size
from bucketline.stores.spool import Marks
from bucketline.timetable import Timetable, parse_timetable

_EVERY_SECONDS = 60
_WATERMARK = "90:75"
_SIZES = ("max_fetch", "max_send", "keep_free")


@dataclass(frozen=True)
class RelayWish:
    """One relay."""

    source: Location
    target: Location
    volumes: list[Path]
    marks: Marks
    look: Look
    move: MovePolicy
    name: str
    words: dict[str, Any]  # For the ledgers: no secrets, no locations.
    log: Location | None = None
    hooks: Hooks = field(default_factory=Hooks)
    metering: Metering = field(default_factory=Metering)
    adopts: tuple[Location, ...] = ()  # Folders in which older tools left files.

    @property
    def identity(self) -> tuple[str, str, str]:
        """What the relay is known by."""
        return identity(self.source), identity(self.target), self.name

    @property
    def is_once(self) -> bool:
        return bool(self.words["once"])

    @property
    def clears(self) -> bool:
        """Whether the source loses what is proven at the target."""
        return bool(self.words["source_delete_after_proof"])

    @property
    def limits(self) -> Limits:
        return Limits.of(str(self.words["max_delete"]))

    @property
    def first(self) -> list[str]:
        """Globs of what goes before the rest."""
        return [str(glob) for glob in self.words["first"]]

    @property
    def every_seconds(self) -> int:
        return int(self.words["every"] or _EVERY_SECONDS)

    @property
    def workers(self) -> int | None:
        workers = str(self.words["workers"] or "auto")
        return None if workers == "auto" else int(workers)

    @property
    def rates(self) -> Timetable | None:
        rate = self.words["bwlimit"]
        return parse_timetable(str(rate)) if rate else None

    @property
    def max_fetch(self) -> int | None:
        """Bytes of a pass from the source to the volumes."""
        return self._size("max_fetch")

    @property
    def max_send(self) -> int | None:
        """Bytes of a pass from the volumes to the target."""
        return self._size("max_send")

    def _size(self, name: str) -> int | None:
        value = self.words[name]
        return None if value is None else int(value)


def relay_wish(invocation: Invocation, said: Said) -> RelayWish:
    """Flag before job before limits before default."""
    job = _job(invocation, said)
    limits, both = invocation.config.limits, side_of(said)
    if said["source_delete_after_proof"] and not said["once"]:
        raise UsageError("--source-delete-after-proof goes with --once; say both or neither")
    relay = job.relay or {}
    volumes = [Path(folder).absolute() for folder in said["volume"] or relay.get("volumes", ())]
    words = {
        "volumes": [str(folder) for folder in volumes],
        "compare": said["compare"] or job.compare or "auto",
        "filters": rules_in_order(said) or list(job.filters),
        "only": said["only"],
        "first": list(said["first"] or relay.get("first", ())),
        "accept_proof": "etag",
        "attributes": attribute_words(said, job.attributes),
        "workers": said["workers"] or job.workers or limits.workers,
        "bwlimit": said["bwlimit"] or job.bwlimit or limits.bwlimit,
        "max_delete": said["max_delete"] or job.max_delete or limits.max_delete or MAX_DELETE,
        "source_delete_after_proof": said["source_delete_after_proof"],
        "once": said["once"],
        "every": said["every"] or _parsed(parse_seconds, relay.get("every")),
        **{name: said[name] or _parsed(parse_size, relay.get(name)) for name in _SIZES},
    }
    Limits.of(str(words["max_delete"]))
    matcher(words["first"], "")  # A pattern that makes no sense is told before anything begins.
    high, low = said["watermark"] or parse_marks(relay.get("watermark") or _WATERMARK)
    log = said["logs"] or job.logs or invocation.config.logs
    return RelayWish(
        source=invocation.location(job.source, side_of(said, "source_"), both),
        target=invocation.location(job.target, side_of(said, "target_"), both),
        volumes=volumes,
        marks=Marks(high, low, words["keep_free"] or 0),
        look=look_of(words["compare"], words["filters"], words["only"]),
        move=move_of(words),
        name=said["name"] or "",
        words=words,
        hooks=hooks_of(job),
        metering=metering_of(invocation, said, SystemClock()),
        adopts=tuple(_adopted(folder) for folder in said["adopt"]),
        log=invocation.location(log, Side(), both) if log else None,
    )


def _adopted(folder: str) -> Location:
    path = Path(folder).absolute()
    if not path.is_dir():
        raise UsageError(f"{path}: no such folder; --adopt names one with files of older tools")
    return Location(text=folder, folder=str(path))


def _job(invocation: Invocation, said: Said) -> Job:
    """The file's job of this name; the places of the command line go before its own."""
    source, target, name = said["source"], said["target"], said["name"] or ""
    jobs = invocation.config.jobs
    if source is not None and target is not None:
        job = jobs.get(name) or Job(source, target)
        return replace(job, source=source, target=target)
    if source is not None:
        raise UsageError("TARGET is missing; say both (see bucketline relay run --help)")
    if name not in jobs:
        what = f"no job {name!r} in {invocation.config_path}" if name else "SOURCE is missing"
        raise UsageError(f"{what}; say SOURCE and TARGET, or --name a job of the configuration")
    return jobs[name]


def _parsed(parse: Callable[[str], int], text: str | None) -> int | None:
    return None if text is None else parse(text)
