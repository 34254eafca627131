"""What would become of each archived bucket, and what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bucketline.engines.splunk.archive import ARCHIVE_TIERS, Archived
from bucketline.engines.splunk.rest import Index
from bucketline.engines.splunk.structure import TO_DO, status_of

_MB = 1 << 20
RAW = 1.8  # Events as they came are so many times their bucket, by experience.
MARGIN_SECONDS = 7 * 86400  # What would be frozen within a week is not worth to be restored.


@dataclass(slots=True)
class Planned:
    """One bucket."""

    bucket: Archived
    bid: str
    has_receipt: bool = False
    doubt: str = ""  # Why its receipt is not believed.
    is_local: bool = False
    flaw: str = ""  # Why it cannot be restored.
    trap: str = ""  # Why Splunk would not keep it.

    def names(self, guid: str) -> set[str]:
        """How its folder may be called on this server."""
        name = self.bucket.name
        return {name.text, name.owned(guid).text}

    @property
    def status(self) -> str:
        """As the old scripts called it."""
        return status_of(has_receipt=self.has_receipt, is_local=self.is_local)

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to do that can be done."""
        return not self.flaw and not self.trap and self.status == TO_DO


@dataclass(slots=True)
class Summary:
    """One index."""

    index: str
    buckets: int = 0
    bytes: int = 0
    restored_bytes: int = 0
    oldest: int = 0
    newest: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    thaw_bytes: int = 0
    thaw_requests: int = 0
    flaws: Counter[str] = field(default_factory=Counter)
    traps: Counter[str] = field(default_factory=Counter)
    doubts: Counter[str] = field(default_factory=Counter)

    def add(self, one: Planned) -> None:
        bucket, name = one.bucket, one.bucket.name
        self.oldest = min(self.oldest, name.oldest) if self.buckets else name.oldest
        self.newest = max(self.newest, name.newest)
        self.buckets += 1
        self.bytes += bucket.size
        self.statuses[one.status] += 1
        if one.is_wanted:
            self.restored_bytes += bucket.restored_size
        for entry in bucket.entries:
            self.tiers[entry.tier or "STANDARD"] += entry.size
            if one.is_wanted and entry.tier in ARCHIVE_TIERS:
                self.thaw_bytes += entry.size
                self.thaw_requests += 1
        if one.flaw:
            self.flaws[one.flaw] += 1
        if one.trap:
            self.traps[one.trap] += 1
        if one.doubt:
            self.doubts[one.doubt] += 1

    def as_record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def summed(planned: Iterable[Planned]) -> list[Summary]:
    found: dict[str, Summary] = {}
    for one in planned:
        found.setdefault(one.bucket.index, Summary(one.bucket.index)).add(one)
    return [found[index] for index in sorted(found)]


def clash(planned: Iterable[Planned]) -> None:
    """Two buckets with one id would disable their index: neither is restored unasked."""
    held: dict[str, Planned] = {}
    for one in planned:
        first = held.setdefault(one.bid, one)
        if first is not one:
            first.flaw = first.flaw or f"its id is that of {one.bucket.folder}, too"
            one.flaw = one.flaw or f"its id is that of {first.bucket.folder}, too"


def retention_trap(bucket: Archived, index: Index | None, now: float) -> str:
    """Why Splunk would delete what was just uploaded."""
    if index is None or index.frozen_seconds < 0:
        return ""
    if index.frozen_seconds == 0:
        return (
            "the index's frozenTimePeriodInSecs is 0, which may mean at once: set one that is long"
        )
    if bucket.name.newest + index.frozen_seconds <= now + MARGIN_SECONDS:
        days = index.frozen_seconds // 86400
        return f"the index keeps events for {days} days: Splunk would delete it again"
    return ""


def size_trap(planned: Iterable[Planned], index: Index | None) -> str:
    """Why restoring all of this would push other buckets out."""
    if index is None:
        return ""
    limits = (
        ("maxGlobalDataSizeMB", index.max_global_mb, 1.0),
        ("maxGlobalRawDataSizeMB", index.max_raw_mb, RAW),
    )
    found = (_above(list(planned), index.size_mb, *limit) for limit in limits)
    return next(filter(None, found), "")


def _above(planned: Sequence[Planned], size_mb: int, name: str, limit_mb: int, times: float) -> str:
    """What was evicted does not count in an index's size, and does count for its limit."""
    there = [one.bucket.restored_size for one in planned if one.has_receipt]
    more = [one.bucket.restored_size for one in planned if one.is_wanted]
    held, coming = int(max(size_mb * _MB, sum(there)) * times), int(sum(more) * times)
    if not limit_mb or not coming or held + coming <= limit_mb * _MB:
        return ""
    return (
        f"{held // _MB:,} MB and {coming // _MB:,} more are above {name} ({limit_mb:,}):"
        " Splunk would freeze the oldest"
    )


def is_local(homes: Iterable[str], names: Iterable[str]) -> bool:
    """Whether a bucket is here with its journal: what was evicted leaves only small files."""
    wanted = list(names)
    return any(_has_journal(Path(home, name)) for home in homes if home for name in wanted)


def _has_journal(folder: Path) -> bool:
    return any((folder / "rawdata").glob("journal*"))
