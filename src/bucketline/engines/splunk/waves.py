"""Waves: as many buckets as fit the budgets go all the way, with one restart, and then the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bucketline.engines.splunk.adopting import Hints, adopted, is_adoptable
from bucketline.engines.splunk.codecs import Damaged
from bucketline.engines.splunk.ends import Begun, Ends, Tally
from bucketline.engines.splunk.look import Seen
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import DONE, QUARANTINED, UPLOADED, Record
from bucketline.engines.splunk.restart import Restart
from bucketline.engines.splunk.restoring import THAWED, DiskFull, Restoring, is_over
from bucketline.engines.splunk.room import Room
from bucketline.engines.splunk.thawing import ready
from bucketline.engines.splunk.together import each
from bucketline.engines.splunk.wave import ACTS, EVICT, REBUILD, Wave
from bucketline.errors import BucketlineError, NoRoom
from bucketline.flow.run.terms import Stop

_GONE = (
    "it was restored, and is gone since: Splunk's retention froze it, or somebody deleted it;"
    " --retry-quarantined restores it once more"
)
_THAWS = 256  # Asked for at once, in turns of so many.
_TAKEN = "the budget is taken by buckets that Splunk has not uploaded or evicted yet"


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
class Waves:
    """One run."""

    seen: Seen
    steps: Restoring
    budget: Budget
    restart: Restart
    stop: Stop
    ends: Ends
    acts: tuple[str, ...] = ACTS
    again: bool = False  # Take quarantined buckets up again.
    hints: Hints = field(default_factory=dict)  # Of an old bucket_structure.json.
    room: Room = field(default_factory=Room)
    halvings: int = 0  # Of the budget, each time that a disk was full all the same.
    taken: int = 0  # Of the budget, by buckets that should have left the disk, and have not.

    def run(self) -> Tally:
        """To the end, or to a wish to stop."""
        tally, self.room.reserve = self.ends.tally, self.budget.reserve
        tally.listed = len(self.seen.planned)
        names = {one.bucket.index for one in self.seen.planned} & self.seen.indexes.keys()
        self.steps.tidy(self.seen.indexes[name] for name in names)
        begun, fresh = self._sorted()
        if self.acts == (REBUILD,):
            self._leave(one for one, _ in begun)
            begun = []
        elif self.acts == (EVICT,):  # Nothing leaves the disk that was not uploaded before.
            self._leave(one for one, _ in begun if not one.has_receipt)
            begun = [both for both in begun if both[0].has_receipt]
        self._wave(begun, [])
        if REBUILD not in self.acts:
            self._leave(fresh)
            return tally
        for wave in self._cut(self._readable(fresh)):
            if self.stop.drain:
                tally.waiting += len(wave)
                continue
            self._wave([], wave)
        return tally

    def _sorted(self) -> tuple[list[Begun], list[Planned]]:
        """What an earlier run began, and what nobody has begun."""
        begun: list[Begun] = []
        fresh: list[Planned] = []
        for one in self.seen.planned:
            record = self.steps.records.get(one.bucket.index, one.bucket.name.text)
            if one.flaw:
                self.ends.end(one, "failed", one.flaw)
            elif self._is_begun(one, record):
                assert record is not None
                begun.append((one, record))
            elif record is not None and record.is_ours and self._rests(one, record):
                self._rest(one)
            elif record is None and not one.trap and is_adoptable(one, self.hints):
                self._adopt(one, begun)
            elif one.has_receipt:
                self._received(one, record, begun)
            elif one.trap:
                self.ends.end(one, "failed", one.trap)
            elif one.is_local:
                self.ends.end(one, "failed", "it is here already, and is none that we put there")
            elif record and is_over(self.steps.records, one, self.steps.into) and not self.again:
                early = f"quarantined earlier: {record.message}"
                self.ends.end(one, "failed", early if record.step == QUARANTINED else _GONE)
            else:
                fresh.append(one)
        return begun, fresh

    def _adopt(self, one: Planned, begun: list[Begun]) -> None:
        """What an old script put there goes on from there."""
        try:
            record = adopted(self.steps, one, self.seen.indexes[one.bucket.index])
        except BucketlineError as error:
            self.ends.failed(one, error)
        else:
            begun.append((one, record))

    def _leave(self, ones: Iterable[Planned]) -> None:
        """It is the turn of another step."""
        for one in ones:
            self.ends.end(one, "skipped")

    def _is_begun(self, one: Planned, record: Record | None) -> bool:
        if record is None or not record.is_ours or not one.is_local:
            return False
        return not self._rests(one, record)

    def _rests(self, one: Planned, record: Record) -> bool:
        """Whether it is where it should be: Splunk caches what is searched, and evicts it alone."""
        if self.steps.into == THAWED:
            return one.is_local and record.step == DONE
        is_evicted = EVICT in self.acts and not record.holds
        last = (DONE,) if is_evicted else (UPLOADED, DONE)
        return one.has_receipt and record.step in last

    def _received(self, one: Planned, record: Record | None, begun: list[Begun]) -> None:
        """SmartStore has it: by us, perhaps not evicted yet; or by others, and that stays as is."""
        if record is not None and record.is_ours and not self._rests(one, record):
            begun.append((one, record))
        else:
            self._rest(one)

    def _rest(self, one: Planned) -> None:
        """Nothing is to be done, if what SmartStore holds is a bucket at all."""
        if one.doubt:
            said = f"SmartStore has it, and not as it should: {one.doubt}; look at its receipt.json"
            self.ends.end(one, "failed", said)
        else:
            self.ends.end(one, "skipped")

    def _readable(self, fresh: list[Planned]) -> Iterator[Planned]:
        """All thaws are asked for before the first bucket is begun: they take hours."""
        asleep = set[int]()
        cold = [one for one in fresh if one.bucket.is_archived]
        for one, answer in zip(cold, self._thawed(cold), strict=True):
            if answer is True:
                continue
            asleep.add(id(one))
            if isinstance(answer, BucketlineError):  # That nobody may thaw it is no reason to wait.
                self.ends.failed(one, answer)
            else:
                self.ends.end(one, "waiting", "it is being thawed; run this again")
        return (one for one in fresh if id(one) not in asleep)

    def _thawed(self, cold: Sequence[Planned]) -> Iterator[bool | BucketlineError]:
        world, days, speed = self.steps.world, self.budget.thaw_days, self.budget.thaw_speed
        for at in range(0, len(cold), _THAWS):
            buckets = [one.bucket for one in cold[at : at + _THAWS]]
            store = world.archive.store
            yield from each(world.drive, [ready(store, one, days, speed) for one in buckets])

    def _cut(self, ones: Iterator[Planned]) -> Iterator[list[Planned]]:
        wave: list[Planned] = []
        size = 0
        for one in ones:
            need = one.bucket.restored_size
            if need > self.budget.bytes:
                self.ends.end(one, "failed", f"it needs {need:,} bytes, more than a wave may have")
                continue
            is_full = size + need > self._room or len(wave) >= self.budget.buckets
            is_full = is_full or size + need > self._free(one)
            if wave and is_full:
                yield wave
                wave, size = [], 0
            if self.taken and need > self._room - size:
                self.ends.end(one, "waiting", _TAKEN)
                continue
            wave.append(one)
            size += need
        if wave:
            yield wave

    def _wave(self, begun: list[Begun], fresh: list[Planned]) -> None:
        if self.stop.drain:
            for one, _ in begun:
                self.ends.end(one, "waiting")
            begun = []
        with ThreadPoolExecutor(self.budget.workers) as pool:
            made = [*pool.map(self._placed, fresh)]
        both = begun + [(one, record) for one, record in zip(fresh, made, strict=True) if record]
        if both:
            wave = Wave(self.seen, self.ends, self.restart, self.acts, self.stop, self.again)
            left = wave.run(both)
            if EVICT in self.acts and self.steps.into != THAWED:
                self.taken += sum(one.bucket.restored_size for one in left)

    def _free(self, one: Planned) -> int:
        """What its disk can take now: less than the budget says, maybe."""
        return self.room.free(self.steps.home(self.seen.indexes[one.bucket.index]))

    @property
    def _room(self) -> int:
        """What the next wave may take."""
        return (self.budget.bytes >> self.halvings) - self.taken

    def _placed(self, one: Planned) -> Record | None:
        if self.stop.drain:
            self.ends.end(one, "waiting")
            return None
        index = self.seen.indexes[one.bucket.index]
        try:
            with self.room.promised(self.steps.home(index), one.bucket.restored_size):
                return self.steps.place(one, index)
        except Damaged as error:
            self.ends.end(one, "failed", f"quarantined: {error}")
        except (NoRoom, DiskFull) as error:
            self.halvings += 1
            self.ends.failed(one, error)
        except BucketlineError as error:
            self.ends.failed(one, error)
        return None
