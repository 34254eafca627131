"""One bucket, step by step: fetched, counted, rebuilt, placed; uploaded with proof; evicted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bucketline.clock import Clock
from bucketline.durable import sync_folder
from bucketline.engines.splunk.codecs import Damaged
from bucketline.engines.splunk.fetch import fetch, joined
from bucketline.engines.splunk.journal import counted
from bucketline.engines.splunk.look import World
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import (
    DONE,
    PLACED,
    PLACING,
    QUARANTINED,
    Record,
    Records,
)
from bucketline.engines.splunk.rest import Index, Splunk
from bucketline.engines.splunk.room import is_full
from bucketline.engines.splunk.staging import aside_of, occupied, staging_of, sweep
from bucketline.engines.splunk.tool import RebuildFailed, Tool
from bucketline.errors import DiskError, Refused
from bucketline.model import Proof

_SCRAPS = 16 << 10  # No more is left where something found no room, whatever it says.
_BATCH = 1000  # Of ids in one question.
_ONLY_SIZE = (
    "the archive tells no hash of it, and it has no checksums of its own: nothing but its size"
    " shows that it is what was archived; --accept-proof size restores it all the same"
)
SMARTSTORE, THAWED = "smartstore", "thaweddb"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for Splunk to do one more, and how often to look."""

    upload_seconds: float = 3600.0
    evict_seconds: float = 120.0
    poll_seconds: float = 5.0


class DiskFull(DiskError):
    """A rebuild had more to write than the disk could take."""


def is_over(records: Records, one: Planned, into: str) -> bool:
    """Whether it ended, and is taken up again only if a person says so.

    What was thawed, he may remove; what was uploaded should have stayed.
    """
    record = records.get(one.bucket.index, one.bucket.name.text)
    if record is None or not record.is_over(one.bucket.pin):
        return False
    return into != THAWED or record.step == QUARANTINED


@dataclass(slots=True)
class Restoring:
    """What the steps work with."""

    world: World
    records: Records
    tool: Tool
    splunk: Splunk
    guid: str
    patience: Patience
    into: str = SMARTSTORE
    held: Mapping[str, list[str]] = field(default_factory=dict)  # Bucket -> cases of legal holds.
    accepts_size: bool = False  # Also what nothing but a size shows to be the archive's.

    @property
    def clock(self) -> Clock:
        return self.world.clock

    def place(self, one: Planned, index: Index) -> Record:
        """From the archive to where Splunk looks for it; the last act is a rename."""
        bucket = one.bucket
        name = bucket.name.owned(self.guid).text
        final = Path(self.home(index), name)
        record = self.record_of(one)
        if final.exists():
            raise Refused(f"{final} is there already, and is none that we put there")
        staging = staging_of(final)
        try:
            with occupied(staging, keeps=bool(record.holds)) as lock:
                self._make(one, staging, record, lock)
                record.folder, record.bytes = str(final), bucket.size
                self.note(record, PLACING)
                final.parent.mkdir(parents=True, exist_ok=True)
                staging.rename(final)
                sync_folder(final.parent)
        except Damaged as error:
            self.note(record, QUARANTINED, str(error))
            raise
        except OSError as error:
            raise DiskError(f"{staging}: {error.strerror}; {error.filename or ''}") from None
        self.note(record, PLACED)
        return record

    def tidy(self, indexes: Iterable[Index]) -> None:
        """What runs that were killed have left where buckets are built."""
        for home in {self.home(index) for index in indexes}:
            try:
                sweep(Path(home), keeps=bool(self.held))
            except OSError as error:
                raise DiskError(f"{home}: cannot be tidied up ({error.strerror})") from None

    def record_of(self, one: Planned) -> Record:
        """A new one."""
        bucket = one.bucket
        key = (bucket.index, bucket.name.text, one.bid, bucket.folder, bucket.pin)
        return Record(*key, holds=self.held.get(f"{bucket.index}/{bucket.name.text}", []))

    def home(self, index: Index) -> str:
        """Where buckets are put."""
        return index.thawed if self.into == THAWED else index.home

    def counts(self, bids: Sequence[str]) -> dict[str, int]:
        """How many events Splunk's index counts in each that it knows: one question for all."""
        if not bids:
            return {}
        if len(bids) > _BATCH:
            return {**self.counts(bids[:_BATCH]), **self.counts(bids[_BATCH:])}
        indexes = sorted({bid.partition("~")[0] for bid in bids})
        named = " ".join(f"index={index}" for index in indexes)
        wanted = ", ".join(f'"{bid}"' for bid in bids)
        query = f"| dbinspect {named} | search bucketId IN ({wanted})"
        rows = self.world.drive.call(self.splunk.search(query))
        return {str(row.get("bucketId")): int(row.get("eventCount", -1)) for row in rows}

    def checked(self, record: Record, counts: Mapping[str, int]) -> int:
        """Splunk counts the events that the journal has. Raises `Refused`."""
        found = counts.get(record.bid)
        if found is None:
            said = f"look what splunkd.log says of {record.folder}"
            raise Refused(f"Splunk's index does not know it, though it is in its place: {said}")
        if found != record.events:
            said = f"Splunk counts {found:,} events in it, its journal has {record.events:,}"
            raise Refused(said)
        return found

    def confirm(self, record: Record, counts: Mapping[str, int]) -> None:
        """It is done when Splunk counts all of its events, at the end as before."""
        record.counted_after, record.starts = self.checked(record, counts), 0
        self.note(record, DONE)

    def _make(self, one: Planned, staging: Path, record: Record, lock: int) -> None:
        bucket = one.bucket
        came = fetch(self.world.archive.store, self.world.drive, bucket, staging)
        record.hashes, record.proof = dict(came.hashes), came.proof.label
        came = joined(bucket, came, aside_of(staging) if record.holds else None)
        try:
            found = counted(staging / came.journal)
        finally:
            came.check()  # What the disk has changed is not what the archive holds.
        if found.events == 0:
            raise Damaged("its journal holds no event: a stub, which nothing can be made of")
        record.proof = came.proven_by
        if record.proof == Proof.SIZE.label and not self.accepts_size:
            raise Refused(_ONLY_SIZE)
        record.events, record.raw_size = found.events, found.raw_size
        record.digest = found.digest
        try:
            self.tool.rebuild(staging, bucket.index, lock)
        except RebuildFailed as error:
            if is_full(staging):
                raise DiskFull(f"the disk is full: {error}") from None
            raise
        if is_full(staging, _SCRAPS):
            raise DiskFull(
                "the disk was full when splunk rebuild ended; what it left is not relied on"
            )
        came.check(only_journal=True)
        files = [path for path in staging.rglob("*") if path.is_file()]
        record.restored_bytes = sum(path.stat().st_size for path in files)

    def note(self, record: Record, step: str, message: str = "") -> None:
        record.step, record.message, record.at = step, message, self.clock.now()
        self.records.put(record)
