"""Which archived buckets are wanted: by index, time, name and number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from bucketline.engines.splunk.archive import Archived
from bucketline.errors import UsageError
from bucketline.sizes import parse_seconds

_EPOCH = re.compile(r"\d{1,12}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person asked for; nothing said = all."""

    indexes: tuple[str, ...] = ()  # Globs.
    excluded: tuple[str, ...] = ()
    start: float | None = None
    end: float | None = None
    only: frozenset[str] = frozenset()  # Ids, folder names, or both an index and one.
    limit: int | None = None
    is_newest_first: bool = False

    def takes(self, bucket: Archived) -> bool:
        """Whether a bucket is wanted, as far as it can be told of it alone."""
        index, name = bucket.index, bucket.name
        if self.indexes and not any(fnmatchcase(index, glob) for glob in self.indexes):
            return False
        if any(fnmatchcase(index, glob) for glob in self.excluded):
            return False
        names = {name.text, name.bid(index), name.identity, f"{index}/{name.text}"}
        if self.only and not self.only & names:
            return False
        return name.overlaps(self.start, self.end)

    def among(self, buckets: Iterable[Archived]) -> list[Archived]:
        """The wanted ones by time; the limit is for whoever knows which of them need anything."""
        wanted = [bucket for bucket in buckets if self.takes(bucket)]
        wanted.sort(key=lambda one: (one.name.newest, one.name.text), reverse=self.is_newest_first)
        return wanted


def moment(text: str, now: float) -> float:
    """`2024-05-04T12:00:00+02:00`, `1714816800`, `-30d`: never a local time."""
    if _EPOCH.fullmatch(text):
        return float(text)
    if text == "now":
        return now
    if text.startswith("-"):
        return now - parse_seconds(text[1:])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no time; write 2024-05-04T12:00:00Z, seconds since 1970, or -30d"
        ) from None
    if found.tzinfo is None:
        raise UsageError(f"{text!r} has no timezone; write {text}Z for UTC, or an offset as +02:00")
    return found.timestamp()


def listed(text: str) -> frozenset[str]:
    """A file of ids or names, one a line; `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return frozenset(line for line in lines if line)
