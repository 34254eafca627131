"""What a wave waits for of Splunk: all of its uploads at once, and then all of its evictions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bucketline.engines.splunk.ends import Begun, Ends
from bucketline.engines.splunk.look import smartstore_of
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import FAILED, FROZEN, UPLOADED, Record
from bucketline.engines.splunk.rest import Index
from bucketline.engines.splunk.staging import NotYet
from bucketline.engines.splunk.together import each
from bucketline.errors import Broken, BucketlineError, NotFound, Refused
from bucketline.flow.run.terms import Stop
from bucketline.stores.base import Flow

_ASKINGS = 3
_SETTLING = 12  # Looks, before an upload that was asked for and cannot be seen is asked for again.
_NO_RECEIPT = "there is no receipt"
_FROZEN = "Splunk removed it before its upload was proven: its retention, most likely"
_UNFOUND = "Splunk has not found it at its start: look what splunkd.log says of {}"
_KEPT = "Splunk keeps it in its cache for now: it is being searched, or is hot"
Found = str | BucketlineError | None
T = TypeVar("T")


@dataclass(slots=True)
class Awaiting:
    """Of one wave. Who is not done in time waits for the next run; the others go on."""

    ends: Ends
    indexes: Mapping[str, Index]
    stop: Stop
    askings: dict[str, int] = field(default_factory=dict)  # Bucket id -> how often in this run.
    wishes: set[str] = field(default_factory=set)  # What was asked to be evicted in this run.

    def uploads(self, begun: Sequence[Begun]) -> None:
        """Until receipts prove them; what Splunk says of uploads is not believed."""
        self._rounds(begun, self._upload_round, self.ends.steps.patience.upload_seconds)

    def evictions(self, begun: Sequence[Begun]) -> None:
        """Only with a proof of this moment; done is what Splunk's state says afterwards."""
        self._held_back(_alive(begun), self._proofs)
        self._held_back(_alive(begun), self._strays)
        self._rounds(begun, self._eviction_round, self.ends.steps.patience.evict_seconds)

    def _rounds(
        self,
        begun: Sequence[Begun],
        look: Callable[[list[Begun]], dict[str, str]],
        patience_seconds: float,
    ) -> None:
        """Looks, until all are done, or none became so for so long."""
        clock = self.ends.steps.clock
        since, count = 0.0, len(begun) + 1
        for number in itertools.count():
            if number > 1:  # What was asked for first may have been done at once.
                clock.sleep(self.ends.steps.patience.poll_seconds)
            said = look(_alive(begun))
            begun = [one for one in _alive(begun) if one[1].bid in said]
            if not begun:
                return
            if len(begun) < count and not self.stop.now:
                since, count = clock.monotonic(), len(begun)
            elif self.stop.now or clock.monotonic() - since >= patience_seconds:
                for one in begun:
                    self.ends.stopped(one, NotYet(said[one[1].bid]))
                return

    def _upload_round(self, begun: list[Begun]) -> dict[str, str]:
        """Why they are not uploaded, of each that is not."""
        left: dict[str, str] = {}
        for one, flaw in zip(begun, self._proofs(begun), strict=True):
            if isinstance(flaw, BucketlineError):
                self.ends.stopped(one, flaw)
            elif flaw == "":
                self.ends.guard(one, self._is_uploaded)
            else:
                left[one[1].bid] = f"it is not uploaded: {flaw or _NO_RECEIPT}"
                if flaw is None and not self._is_frozen(one):
                    self.ends.guard(one, self._ask)
        return left

    def _is_frozen(self, begun: Begun) -> bool:
        """Splunk took it away instead: neither asking again nor another run would end better."""
        record = begun[1]
        if not record.folder or Path(record.folder).exists():
            return False
        record.step = FROZEN
        self.ends.stopped(begun, Refused(_FROZEN))
        return True

    def _is_uploaded(self, _one: Planned, record: Record) -> None:
        record.starts = 0
        self.ends.steps.note(record, UPLOADED)

    def _ask(self, one: Planned, record: Record) -> None:
        """Register, attach, close: what makes Splunk upload a bucket that it found by itself.

        Never twice: one that was asked for is asked for again only if nothing came of it, be it
        that no answer came, or that a run was killed there.
        """
        steps = self.ends.steps
        settling_seconds = _SETTLING * steps.patience.poll_seconds
        is_settling = 0 <= steps.clock.now() - record.asked < settling_seconds
        count = self.askings.get(record.bid, 0)
        if count < 0 or self._is_under_way(record) or is_settling:
            return
        if record.asked and self._proofs([(one, record)]) != [None]:
            return  # It came while its state was asked for: an end that looks like no beginning.
        call = steps.world.drive.call
        call(steps.splunk.register(record.bid))
        try:
            call(steps.splunk.attach(record.bid))
        except NotFound as error:
            raise Refused(f"{error}; {_UNFOUND.format(record.folder)}") from None
        self.askings[record.bid], record.asked = count + 1, steps.clock.now()
        steps.note(record, record.step)
        try:
            call(steps.splunk.close(record.bid))
        except Broken:
            if count + 1 == _ASKINGS:
                raise
        else:
            self.askings[record.bid] = -1  # It was heard: from here on there is but to wait.

    def _is_under_way(self, record: Record) -> bool:
        steps = self.ends.steps
        state = steps.world.drive.call(steps.splunk.cached(record.bid)) or {}
        return bool(state.get("upload_status", "idle") != "idle")

    def _eviction_round(self, begun: list[Begun]) -> dict[str, str]:
        """Why they are not evicted, of each that is not; these are asked to be."""
        steps = self.ends.steps
        states = self._each([steps.splunk.cached(record.bid) for _, record in begun])
        left: dict[str, str] = {}
        for one, state in zip(begun, states, strict=True):
            if isinstance(state, BucketlineError):
                self.ends.stopped(one, state)
            elif (state or {}).get("status") != "remote":
                left[one[1].bid] = _KEPT
        kept = [one for one in begun if one[1].bid in left]
        self._held_back([one for one in kept if one[1].bid in self.wishes], self._proofs)
        for one in _alive(kept):
            self.wishes.add(one[1].bid)
            self.ends.guard(one, self._evict)
        return left

    def _held_back(
        self, begun: list[Begun], doubts: Callable[[Sequence[Begun]], list[Found]]
    ) -> None:
        """Whatever is in doubt is not evicted."""
        for one, flaw in zip(begun, doubts(begun), strict=True):
            if flaw != "":
                said = f"it is not evicted: {flaw or _NO_RECEIPT}"
                error = flaw if isinstance(flaw, BucketlineError) else Refused(said)
                self.ends.stopped(one, error)

    def _strays(self, begun: Sequence[Begun]) -> list[Found]:
        """A receipt tells sizes alone; S3 may tell more of the journal."""
        flows: list[Flow[str | None]] = []
        for _, record in begun:
            place = smartstore_of(self.ends.steps.world, record.index, self.indexes[record.index])
            flows.append(place.strays(record.bid, Path(record.folder)))
        return self._each(flows)

    def _evict(self, _one: Planned, record: Record) -> None:
        steps = self.ends.steps
        steps.world.drive.call(steps.splunk.evict(record.bid))

    def _proofs(self, begun: Sequence[Begun]) -> list[Found]:
        """As `SmartStore.proven`: by the receipt, and by each object that it names."""
        steps = self.ends.steps
        flows: list[Flow[str | None]] = []
        for _, record in begun:
            place = smartstore_of(steps.world, record.index, self.indexes[record.index])
            flows.append(place.proven(record.bid, steps.guid, record.events))
        return self._each(flows)

    def _each(self, flows: Sequence[Flow[T]]) -> list[T | BucketlineError]:
        return each(self.ends.steps.world.drive, flows)


def _alive(begun: Sequence[Begun]) -> list[Begun]:
    return [one for one in begun if one[1].step != FAILED]
