"""Delete at the source what is proven at the target: a phase of its own, for those who ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bucketline.errors import Changed, Mismatch, NotFound
from bucketline.flow.compare.doubts import Known, Lookup
from bucketline.flow.compare.guard import Limits, guarded
from bucketline.flow.compare.pairs import Both, Pair, never
from bucketline.flow.compare.planned import Looking, planned
from bucketline.flow.compare.sides import Sides
from bucketline.model import Action, Delete, Entry, Fate, Outcome, Skip
from bucketline.stores.base import Flow

_ASKED = 500  # Keys, of the ledger in one question.


class Clearing(Looking):
    """Both sides are looked at anew, and each object once more right before it goes."""

    def __init__(self, sides: Sides, delivered: Lookup, limits: Limits) -> None:
        super().__init__(sides)
        self._delivered = delivered
        self._limits = replace(limits, place="source")

    @property
    def compare_said(self) -> str:
        """What it rests on."""
        return "what is proven, by the ledger and by both sides"

    def plan(self) -> Iterator[Action | Skip]:
        """What both sides still have as it was proven; refused as a whole beyond the limits."""
        return planned(self._sides, self._decided, guarded, self._limits)

    def perform(self, action: Action) -> Flow[Outcome]:
        """Delete one object at the source, if nothing has changed on either side."""
        assert isinstance(action, Delete)
        sides, entry = self._sides, action.target
        source, target = sides.source.store, sides.target.store
        try:
            there = (yield from source.stat(entry.key)).entry
        except NotFound:
            return Outcome(Fate.DONE)
        if there.pin != entry.pin:
            raise Changed("it changed since it was listed", store=source.name, key=entry.key)
        key = sides.rename(entry.key)
        known = self._delivered([key]).get(key)
        delivered = (yield from target.stat(key)).entry
        if known is None or (delivered.pin, delivered.size) != (known.target_etag, known.size):
            said = "the target holds it no more as it was proven; it stays at the source"
            raise Mismatch(said, store=target.name, key=key)
        yield from source.delete(entry.key)
        return Outcome(Fate.DONE, source_etag=entry.pin, target_etag=delivered.pin)

    def weight(self, action: Action) -> int:
        """No bodies."""
        del action
        return 0

    def _decided(self) -> Iterator[Action | Skip]:
        waiting: list[Both] = []
        for pair in self._sides.differences(never):
            if not isinstance(pair, Pair) or pair.source is None:
                continue
            if pair.target is None:
                yield Skip(1, pair.source.size)
                continue
            waiting.append(Both(pair.source, pair.target))
            if len(waiting) >= _ASKED:
                yield from self._judged(waiting)
                waiting = []
        yield from self._judged(waiting)

    def _judged(self, some: list[Both]) -> Iterator[Action | Skip]:
        known = self._delivered([both.target.key for both in some])
        for source, target in some:
            proven = known.get(target.key)
            is_told = bool(source.pin and target.pin)
            if proven is not None and is_told and _is_same(proven, source, target):
                yield Delete(source)
            else:
                yield Skip(1, source.size)


def _is_same(proven: Known, source: Entry, target: Entry) -> bool:
    told = (source.size, target.size, source.pin, target.pin)
    return (proven.size, proven.size, proven.source_etag, proven.target_etag) == told
