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
from bucketline.flow.run.terms import Stop
from bucketline.stores.base import together

REBUILD, UPLOAD, EVICT = ACTS = ("rebuild", "upload", "evict")
_STARTS = 2  # So often Splunk is restarted for a bucket that it does not find.
_WIDTH = 8
_DISABLED = "Splunk disabled its index at this start: look at its messages, ids may clash"
Step = Callable[[Sequence[Begun]], None]


@dataclass(slots=True)
class Wave:
    """The buckets are in their places; each step is done for all of them before the next one."""

    seen: Seen
    ends: Ends
    restart: Restart
    acts: tuple[str, ...]
    stop: Stop
    again: bool = False  # Restart Splunk for what it did not find at its starts, too.

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
        if UPLOAD in self.acts:
            sought = self._unknown(begun)
            if any(record.starts < _STARTS or self.again for record in sought):
                yield self._restart
                yield lambda _: self._passed_over(sought)
        if self.ends.steps.into == THAWED:
            yield self._confirmed
            return
        awaiting = Awaiting(self.ends, self.seen.indexes, self.stop)
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

    def _unknown(self, begun: Sequence[Begun]) -> list[Record]:
        """Those that Splunk has not found yet: for them alone a restart is of use."""
        steps, records = self.ends.steps, [record for _, record in begun]
        if steps.into == THAWED:
            counts = steps.counts([record.bid for record in records])
            return [record for record in records if record.bid not in counts]
        states = steps.world.drive.call(
            together([steps.splunk.cached(record.bid) for record in records], _WIDTH)
        )
        return [one for one, state in zip(records, states, strict=True) if state is None]

    def _passed_over(self, sought: Sequence[Record]) -> None:
        """What no start finds must not restart Splunk in each run."""
        for record in sought:
            record.starts += 1
            if record.step != FAILED:
                self.ends.steps.note(record, record.step)

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
