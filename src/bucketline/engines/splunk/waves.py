"""Waves: as many buckets as fit the budgets go all the way, with one restart, and then the next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bucketline.engines.splunk.codecs import Damaged
from bucketline.engines.splunk.look import Seen
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import DONE, FAILED, QUARANTINED, UPLOADED, Record
from bucketline.engines.splunk.restart import Restart
from bucketline.engines.splunk.restoring import THAWED, NotYet, Restoring
from bucketline.engines.splunk.thawing import ready
from bucketline.errors import BucketlineError, DiskError, Refused, printable
from bucketline.flow.run.terms import Stop
from bucketline.model import Proof

_ONLY_SIZE = "the archive tells no hash of it: two readings agree, and it decodes"
ACTS = ("rebuild", "upload", "evict")
Tell = Callable[[str, str, str, str], None]  # index, bucket, state, message


@dataclass(frozen=True, slots=True)
class Budget:
    """What a wave may take."""

    bytes: int
    buckets: int = 100
    reserve: int = 10 << 30  # That stays free on the disk, whatever the budget.
    workers: int = 2
    thaw_days: int = 7
    thaw_speed: str = "Standard"


@dataclass(slots=True)
class Tally:
    """How it stands: listed = skipped + done + failed + waiting."""

    listed: int = 0
    skipped: int = 0
    done: int = 0
    failed: int = 0
    waiting: int = 0
    restarts: int = 0
    waves: int = 0
    events: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Waves:
    """One run."""

    seen: Seen
    steps: Restoring
    budget: Budget
    restart: Restart
    stop: Stop
    tell: Tell
    acts: tuple[str, ...] = ACTS
    again: bool = False  # Take quarantined buckets up again.
    tally: Tally = field(default_factory=Tally)

    def run(self) -> Tally:
        """To the end, or to a wish to stop."""
        self.tally.listed = len(self.seen.planned)
        begun, fresh = self._sorted()
        if self.acts == ACTS[:1]:
            self._leave(one for one, _ in begun)
        else:
            self._wave(begun, [])
        if ACTS[0] not in self.acts:
            self._leave(fresh)
            return self.tally
        for wave in self._cut(self._readable(fresh)):
            if self.stop.drain:
                self.tally.waiting += len(wave)
                continue
            self._wave([], wave)
        return self.tally

    def _sorted(self) -> tuple[list[tuple[Planned, Record]], list[Planned]]:
        """What an earlier run began, and what nobody has begun."""
        begun: list[tuple[Planned, Record]] = []
        fresh: list[Planned] = []
        for one in self.seen.planned:
            record = self.steps.records.get(one.bucket.index, one.bucket.name.text)
            is_same = record is not None and record.pin == one.bucket.pin
            if one.flaw or one.trap:
                self._ended(one, "failed", one.flaw or one.trap)
            elif self._is_begun(one, record):
                assert record is not None
                begun.append((one, record))
            elif record is not None and record.is_ours and self._rests(one, record):
                self._ended(one, "skipped", "")
            elif one.has_receipt:
                self._received(one, record, begun)
            elif one.is_local:
                self._ended(one, "failed", "it is here already, and is none that we put there")
            elif record and record.step == QUARANTINED and is_same and not self.again:
                self._ended(one, "failed", f"quarantined earlier: {record.message}")
            else:
                fresh.append(one)
        return begun, fresh

    def _leave(self, ones: Iterable[Planned]) -> None:
        """It is the turn of another step."""
        for one in ones:
            self._ended(one, "skipped", "")

    def _is_begun(self, one: Planned, record: Record | None) -> bool:
        if record is None or not record.is_ours or not one.is_local:
            return False
        return not self._rests(one, record)

    def _rests(self, one: Planned, record: Record) -> bool:
        """Whether it is where it should be: Splunk caches what is searched, and evicts it alone."""
        if self.steps.into == THAWED:
            return one.is_local and record.step == DONE
        last = (DONE,) if ACTS[2] in self.acts else (UPLOADED, DONE)
        return one.has_receipt and record.step in last

    def _received(
        self, one: Planned, record: Record | None, begun: list[tuple[Planned, Record]]
    ) -> None:
        """SmartStore has it: by us, perhaps not evicted yet; or by others, and that stays as is."""
        if record is not None and record.is_ours and not self._rests(one, record):
            begun.append((one, record))
        else:
            self._ended(one, "skipped", "")

    def _readable(self, fresh: list[Planned]) -> Iterator[Planned]:
        store, call = self.steps.world.archive.store, self.steps.world.drive.call
        waiting = []
        for one in fresh:  # All are asked for before the first is begun: thaws take hours.
            if one.bucket.is_archived:
                days, speed = self.budget.thaw_days, self.budget.thaw_speed
                try:
                    if not call(ready(store, one.bucket, days, speed)):
                        waiting.append(one)
                except BucketlineError as error:
                    waiting.append(one)
                    self.tell(one.bucket.index, one.bucket.name.text, "thawing", str(error))
        for one in waiting:
            self._ended(one, "waiting", "it is being thawed; run this again")
        return (one for one in fresh if one not in waiting)

    def _cut(self, ones: Iterator[Planned]) -> Iterator[list[Planned]]:
        wave: list[Planned] = []
        size = 0
        for one in ones:
            need = one.bucket.restored_size
            if need > self.budget.bytes:
                self._ended(one, "failed", f"it needs {need:,} bytes, more than a wave may have")
                continue
            if wave and (size + need > self.budget.bytes or len(wave) >= self.budget.buckets):
                yield wave
                wave, size = [], 0
            wave.append(one)
            size += need
        if wave:
            yield wave

    def _wave(self, begun: list[tuple[Planned, Record]], fresh: list[Planned]) -> None:
        with ThreadPoolExecutor(self.budget.workers) as pool:
            made = [*pool.map(self._placed, fresh)]
        both = begun + [(one, record) for one, record in zip(fresh, made, strict=True) if record]
        if not both:
            return
        self.tally.waves += 1
        if self.acts == ACTS[:1]:
            for one, record in both:
                self._count(one, record)
            return
        if ACTS[1] in self.acts and self._unknown(both):
            self.restart.perform(
                self.steps.splunk, self.steps.tool, self.steps.world.drive, self.steps.clock
            )
            self.tally.restarts += 1
        for one, record in both:
            self._guarded(one, record, self._asked)
        for one, record in both:
            if record.step != FAILED:
                self._guarded(one, record, self._finished)

    def _placed(self, one: Planned) -> Record | None:
        if self.stop.drain:
            self._ended(one, "waiting", "")
            return None
        index = self.seen.indexes[one.bucket.index]
        try:
            self._check_room(one, self.steps.home(index))
            return self.steps.place(one, index)
        except Damaged as error:
            self._quarantine(one, str(error))
        except BucketlineError as error:
            self._ended(one, "failed", str(error))
        return None

    def _check_room(self, one: Planned, home: str) -> None:
        folder = Path(home) if Path(home).exists() else Path(home).parent
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        if free - one.bucket.restored_size < self.budget.reserve:
            raise DiskError(f"{folder}: only {free:,} bytes are free; the reserve stays")

    def _unknown(self, both: list[tuple[Planned, Record]]) -> bool:
        """Whether there is any that Splunk has not found yet: only then is a restart of use."""
        return any(not self.steps.is_known(record) for _, record in both)

    def _asked(self, one: Planned, record: Record) -> None:
        if self.steps.into == THAWED or ACTS[1] not in self.acts:
            return
        if self.steps.proof(record, self.seen.indexes[one.bucket.index]) is None:
            self.steps.ask_for_upload(record)

    def _finished(self, one: Planned, record: Record) -> None:
        index = self.seen.indexes[one.bucket.index]
        if self.steps.into == THAWED:
            self.steps.confirm(record)
        elif ACTS[1] in self.acts:
            self.steps.await_upload(record, index)
        if ACTS[2] in self.acts and self.steps.into != THAWED:
            self.steps.evict(record, index)
        self._count(one, record)

    def _count(self, one: Planned, record: Record) -> None:
        self.tally.events += record.events
        self.tally.bytes += record.bytes
        self._ended(one, "done", _ONLY_SIZE if record.proof == Proof.SIZE.label else "")

    def _guarded(
        self, one: Planned, record: Record, step: Callable[[Planned, Record], None]
    ) -> None:
        """A bucket that fails keeps its step: the next run goes on there."""
        kept = record.step
        try:
            step(one, record)
        except NotYet as error:
            self._ended(one, "waiting", str(error))
        except (BucketlineError, Refused) as error:
            self.steps.note(record, kept, str(error))
            self._ended(one, "failed", str(error))
        else:
            return
        record.step = FAILED  # For the rest of this wave; what is on disk says where it stood.

    def _quarantine(self, one: Planned, message: str) -> None:
        bucket = one.bucket
        record = Record(bucket.index, bucket.name.text, one.bid, bucket.folder, bucket.pin)
        self.steps.note(record, QUARANTINED, message)
        self._ended(one, "failed", f"quarantined: {message}")

    def _ended(self, one: Planned, state: str, message: str) -> None:
        setattr(self.tally, state, getattr(self.tally, state) + 1)
        self.tell(one.bucket.index, one.bucket.name.text, state, printable(message))
