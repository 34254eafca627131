"""One wave behind its rebuilds: one restart at most, uploads with proof, counts, evictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bucketline.engines.splunk.awaiting import Awaiting
from bucketline.engines.splunk.ends import Begun, Ends
from bucketline.engines.splunk.look import Seen
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import FAILED, Record
from bucketline.engines.splunk.restart import Restart
from bucketline.engines.splunk.restoring import THAWED
from bucketline.errors import Refused, StoreError

REBUILD, UPLOAD, EVICT = ACTS = ("rebuild", "upload", "evict")
_DISABLED = "Splunk disabled its index at this start: look at its messages, ids may clash"
Step = Callable[[Sequence[Begun]], None]


@dataclass(slots=True)
class Wave:
    """The buckets are in their places; each step is done for all of them before the next one."""

    seen: Seen
    ends: Ends
    restart: Restart
    acts: tuple[str, ...]

    def run(self, begun: Sequence[Begun]) -> list[Planned]:
        """Those that did not come to their end."""
        self.ends.tally.waves += 1
        for step in self._plan(begun):
            step(begun)
        for one, record in begun:
            if record.step != FAILED:
                self.ends.done(one, record)
        return [one for one, record in begun if record.step == FAILED]

    def _plan(self, begun: Sequence[Begun]) -> Iterator[Step]:
        if self.acts == (REBUILD,):
            return
        if UPLOAD in self.acts and self._needs_restart([record for _, record in begun]):
            yield self._restart
        if self.ends.steps.into == THAWED:
            yield self._confirmed
            return
        awaiting = Awaiting(self.ends, self.seen.indexes)
        if UPLOAD in self.acts:
            yield awaiting.uploads
        yield self._counted
        if EVICT in self.acts:
            free = [one for one in begun if not one[1].holds]
            yield lambda _: awaiting.evictions(free)
            yield lambda _: self._confirmed(free)

    def _restart(self, begun: Sequence[Begun]) -> None:
        """What it finds of us must not cost an index: Splunk disables one over ids that clash."""
        steps = self.ends.steps
        self.restart.perform(steps.splunk, steps.tool, steps.world.drive, steps.clock)
        self.ends.tally.restarts += 1
        indexes = steps.world.drive.call(steps.splunk.indexes())
        disabled = {name for name, index in indexes.items() if index.is_disabled}
        for one in begun:
            if one[0].bucket.index in disabled:
                self.ends.stopped(one, Refused(_DISABLED))

    def _needs_restart(self, records: Sequence[Record]) -> bool:
        """Whether there is any that Splunk has not found yet: only then is a restart of use."""
        steps = self.ends.steps
        if steps.into == THAWED:
            return len(steps.counts([record.bid for record in records])) < len(records)
        return any(
            steps.world.drive.call(steps.splunk.cached(record.bid)) is None for record in records
        )

    def _counted(self, begun: Sequence[Begun]) -> None:
        def step(_one: Planned, record: Record) -> None:
            record.counted_before = self.ends.steps.checked(record, counts)
            self.ends.steps.note(record, record.step)

        counts = self._counts(begun)
        for one in begun:
            self.ends.guard(one, step)

    def _confirmed(self, begun: Sequence[Begun]) -> None:
        def step(_one: Planned, record: Record) -> None:
            self.ends.steps.confirm(record, counts)

        counts = self._counts(begun)
        for one in begun:
            self.ends.guard(one, step)

    def _counts(self, begun: Sequence[Begun]) -> Mapping[str, int]:
        """Of all that are left, in one question; if it fails, none of them goes on."""
        left = [one for one in begun if one[1].step != FAILED]
        try:
            return self.ends.steps.counts([record.bid for _, record in left])
        except StoreError as error:
            for one in left:
                self.ends.stopped(one, error)
            return {}
