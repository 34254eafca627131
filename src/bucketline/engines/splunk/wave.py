"""One wave behind its rebuilds: one restart at most, uploads with proof, counts, evictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Never

from bucketline.engines.splunk.ends import Begun, Ends
from bucketline.engines.splunk.look import Seen
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import FAILED, Record
from bucketline.engines.splunk.restart import Restart
from bucketline.engines.splunk.restoring import THAWED
from bucketline.errors import BucketlineError, Refused, StoreError

REBUILD, UPLOAD, EVICT = ACTS = ("rebuild", "upload", "evict")
_DISABLED = "Splunk disabled its index at this start: look at its messages, ids may clash"
Step = Callable[[Planned, Record], None]


@dataclass(slots=True)
class Wave:
    """The buckets are in their places; each step is done for all of them before the next one."""

    seen: Seen
    ends: Ends
    restart: Restart
    acts: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)  # What Splunk counted last.

    def run(self, begun: Sequence[Begun]) -> None:
        self.ends.tally.waves += 1
        for step, is_counting in self._plan(begun):
            self._all(begun, self._counting(begun, step) if is_counting else step)
        for one, record in begun:
            if record.step != FAILED:
                self.ends.done(one, record)

    def _plan(self, begun: Sequence[Begun]) -> Sequence[tuple[Step, bool]]:
        """The steps, and of which Splunk's counts are a part."""
        if self.acts == (REBUILD,):
            return ()
        if UPLOAD in self.acts and self._needs_restart([record for _, record in begun]):
            self._restart(begun)
        if self.ends.steps.into == THAWED:
            return ((self._confirmed, True),)
        found: list[tuple[Step, bool]] = []
        if UPLOAD in self.acts:
            found += [(self._asked, False), (self._uploaded, False)]
        found.append((self._counted_before, True))
        if EVICT in self.acts:
            found += [(self._evicted, False), (self._confirmed, True)]
        return found

    def _restart(self, begun: Sequence[Begun]) -> None:
        """What it finds of us must not cost an index: Splunk disables one over ids that clash."""
        steps = self.ends.steps
        self.restart.perform(steps.splunk, steps.tool, steps.world.drive, steps.clock)
        self.ends.tally.restarts += 1
        indexes = steps.world.drive.call(steps.splunk.indexes())
        disabled = {name for name, index in indexes.items() if index.is_disabled}
        for one in begun:
            if one[0].bucket.index in disabled:
                self.ends.guard(one, partial(_raise, Refused(_DISABLED)))

    def _all(self, begun: Sequence[Begun], step: Step) -> None:
        for one in begun:
            self.ends.guard(one, step)

    def _counting(self, begun: Sequence[Begun], step: Step) -> Step:
        """The step, once Splunk was asked for all of their counts in one question."""
        bids = [record.bid for _, record in begun if record.step != FAILED]
        try:
            self.counts = self.ends.steps.counts(bids)
        except StoreError as error:
            return partial(_raise, error)
        return step

    def _needs_restart(self, records: Sequence[Record]) -> bool:
        """Whether there is any that Splunk has not found yet: only then is a restart of use."""
        steps = self.ends.steps
        if steps.into == THAWED:
            return len(steps.counts([record.bid for record in records])) < len(records)
        return any(
            steps.world.drive.call(steps.splunk.cached(record.bid)) is None for record in records
        )

    def _asked(self, one: Planned, record: Record) -> None:
        self.ends.steps.ask_for_upload(record, self.seen.indexes[one.bucket.index])

    def _uploaded(self, one: Planned, record: Record) -> None:
        self.ends.steps.await_upload(record, self.seen.indexes[one.bucket.index])

    def _counted_before(self, _one: Planned, record: Record) -> None:
        record.counted_before = self.ends.steps.checked(record, self.counts)

    def _evicted(self, one: Planned, record: Record) -> None:
        self.ends.steps.evict(record, self.seen.indexes[one.bucket.index])

    def _confirmed(self, _one: Planned, record: Record) -> None:
        self.ends.steps.confirm(record, self.counts)


def _raise(error: BucketlineError, _one: Planned, _record: Record) -> Never:
    raise error
