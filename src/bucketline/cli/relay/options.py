"""What a relay's volumes are, in the words of the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

from bucketline.clock import Clock
from bucketline.errors import Refused, UsageError
from bucketline.settings import Location
from bucketline.stores.spool import (
    Marks,
    Spool,
    Volume,
    open_volume,
    remember_volumes,
    volumes_known,
)
from bucketline.stores.spool.sentinel import read_sentinel

_MARKS = re.compile(r"(\d{1,3}):(\d{1,3})").fullmatch


class Watermark(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """`90:75`: how full a volume becomes, and how empty before it takes more, in percent."""

    name = "watermark"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        try:
            return value if isinstance(value, tuple) else parse_marks(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


def parse_marks(text: str) -> tuple[float, float]:
    """`90:75` as shares. Raises `UsageError`."""
    told = _MARKS(text)
    if told is None or not 0 < int(told[2]) <= int(told[1]) <= 100:
        raise UsageError(f"{text!r}: write HIGH:LOW in percent, as in 90:75")
    return int(told[1]) / 100, int(told[2]) / 100


def check_volumes(folders: Sequence[Path], source: Location, target: Location) -> None:
    """Raise `UsageError` for volumes that would stage into each other, or into what they copy."""
    if not folders:
        raise UsageError("--volume is missing; name at least one folder to stage objects in")
    places = {"the source": source, "the target": target}
    taken = [
        (name, Path(one.folder).resolve()) for name, one in places.items() if one.remote is None
    ]
    for folder in folders:
        here = folder.resolve()
        for name, there in taken:
            if here == there or here in there.parents or there in here.parents:
                raise UsageError(f"{folder}: overlaps {name} ({there}); choose another --volume")
        taken.append(("another volume", here))


def open_spool(
    folders: Sequence[Path], job: str, marks: Marks, clock: Clock, memory: Path
) -> Spool:
    """The volumes in these folders. Which one was where is remembered: a disk that is not mounted
    is waited for, and its empty mount point is never filled.
    """
    known = volumes_known(memory)
    volumes: list[Volume] = []
    try:
        for path, identity in _identities([str(one.absolute()) for one in folders], known).items():
            volumes.append(open_volume(path, job, identity=identity, marks=marks, clock=clock))
        _refuse_copies(volumes)
    except BaseException:
        for volume in volumes:
            volume.close()
        raise
    remember_volumes(memory, {one.folder: one.identity for one in volumes})
    return Spool(volumes, clock=clock)


def _identities(paths: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """Which volume is expected in which folder; "" = a new one. Where disks have changed places
    with a boot, each is taken for what it says it is, and what is missing is waited for.
    """
    here = {path: found for path in paths if (found := _found(path)) in known.values()}
    missing = [known[path] for path in paths if known.get(path, "") not in ("", *here.values())]
    told = {path: here.get(path) or known.get(path, "") for path in paths}
    for path, own in told.items():
        if path not in here and own in here.values() and missing:
            told[path] = missing.pop(0)
    return told


def _found(path: str) -> str:
    with suppress(OSError, Refused):
        return read_sentinel(Path(path))
    return ""


def _refuse_copies(volumes: Sequence[Volume]) -> None:
    """Raise `Refused` for two folders of one name: what went to one would be looked for in the
    other.
    """
    seen: dict[str, Volume] = {}
    for one in volumes:
        other = seen.setdefault(one.identity, one)
        if other is one:
            continue
        away, there = (one, other) if other.is_usable else (other, one)
        if away.is_usable:
            said = "are copies of one volume; leave one of them out"
            raise Refused(f"{other.folder} and {one.folder}: {said}")
        said = f"its volume is in {there.folder} now; leave out --volume {away.folder}"
        raise Refused(f"{away.folder}: {said}")
