"""The archive: which buckets it holds, as its keys tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bucketline.engines.splunk.names import BucketName, is_index, parse
from bucketline.model import Entry

_JOURNAL = re.compile(r"rawdata/(journal(\.[a-z0-9]+)?|\d+)")
GROWTH = 3.5  # A bucket with its indexes is so many times its journal, by experience.
ARCHIVE_TIERS = ("GLACIER", "DEEP_ARCHIVE")


@dataclass(slots=True)
class Archived:
    """One bucket as it lies in the archive."""

    index: str
    name: BucketName
    folder: str  # The key that all its objects begin with; ends in a slash.
    entries: list[Entry] = field(default_factory=list)

    @property
    def journals(self) -> list[Entry]:
        """One file, or its slices by number."""
        return [one for one in self.entries if is_journal(self.within(one))]

    @property
    def journal_size(self) -> int:
        return sum(entry.size for entry in self.journals)

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)

    @property
    def restored_size(self) -> int:
        """What it will take on a disk, about."""
        return int(self.journal_size * GROWTH) + self.size - self.journal_size

    @property
    def tiers(self) -> set[str]:
        """Storage classes of what will be read."""
        return {entry.tier or "STANDARD" for entry in self.entries}

    @property
    def is_archived(self) -> bool:
        return any(tier in ARCHIVE_TIERS for tier in self.tiers)

    @property
    def pin(self) -> str:
        """Differs once any of its objects does."""
        return " ".join(sorted(f"{self.within(one)}={one.pin}" for one in self.entries))

    @property
    def flaw(self) -> str:
        """Why it cannot be restored, by its listing alone; "" = nothing speaks against it."""
        if not self.journals:
            return "it has no journal"
        if self.journal_size == 0:
            return "its journal is empty"
        if len(self.journals) > 1 and any("journal" in self.within(one) for one in self.journals):
            return "it has more than one journal"
        return ""

    def within(self, entry: Entry) -> str:
        """An object's path in the bucket."""
        return entry.key.removeprefix(self.folder)


@dataclass(slots=True)
class Holdings:
    """All that was found."""

    buckets: list[Archived] = field(default_factory=list)
    replicas: int = 0  # Copies of a bucket that is there as an original, too.
    strange: list[str] = field(default_factory=list)  # Keys that belong to no bucket.


def is_journal(path: str) -> bool:
    """Whether a path in a bucket is its journal's, or that of a slice."""
    return _JOURNAL.fullmatch(path) is not None


def scan(entries: Iterable[Entry], root: str) -> Holdings:
    """Group a listing by buckets; `index/db_…` and `index/db/db_…` are understood."""
    found = Holdings()
    buckets: dict[str, Archived] = {}
    for entry in entries:
        place = _place(entry.key.removeprefix(root))
        if place is None:
            if not entry.key.endswith("/"):
                found.strange.append(entry.key)
            continue
        index, name, depth = place
        folder = root + "/".join(entry.key.removeprefix(root).split("/")[:depth]) + "/"
        bucket = buckets.setdefault(folder, Archived(index, name, folder))
        if entry.key != folder and not entry.key.endswith("/"):
            bucket.entries.append(entry)
    kept = list(_originals(buckets.values()))
    found.replicas = len(buckets) - len(kept)
    found.buckets = kept
    return found


def _place(path: str) -> tuple[str, BucketName, int] | None:
    """Which index and bucket a key belongs to, and how deep the bucket's folder is."""
    parts = path.split("/")
    if ".." in parts or not is_index(parts[0]):
        return None
    for depth in (2, 3):
        if len(parts) > depth and (depth == 2 or parts[1] == "db"):
            name = parse(parts[depth - 1])
            if name is not None:
                return parts[0], name, depth
    return None


def _originals(buckets: Iterable[Archived]) -> Iterator[Archived]:
    """Each bucket once: a replica only where there is no original.

    What only shares an id with another one stays: whoever plans tells it.
    """
    same: dict[tuple[str, str, str], list[Archived]] = {}
    for bucket in buckets:
        name = bucket.name
        # Without a GUID, numbers repeat from indexer to indexer: only the times tell them apart.
        times = "" if name.guid else f"{name.newest}_{name.oldest}"
        same.setdefault((bucket.index, name.identity, times), []).append(bucket)
    for copies in same.values():
        originals = [one for one in copies if not one.name.is_replica]
        yield from {_looks(one): one for one in reversed(originals or copies)}.values()


def _looks(bucket: Archived) -> tuple[object, ...]:
    """The same for two copies of one bucket; those of a replica may be compressed otherwise."""
    name = bucket.name
    sizes = () if name.is_replica else sorted((bucket.within(e), e.size) for e in bucket.entries)
    return name.newest, name.oldest, *sizes
