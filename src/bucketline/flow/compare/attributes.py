"""Pairs whose bytes are the same, compared by their attributes: a request to each side and more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bucketline.flow.compare.pairs import Both, Judged, Verdict
from bucketline.flow.look.listing import Caller
from bucketline.flow.move.proof import MovePolicy
from bucketline.flow.move.retouch import differing
from bucketline.model import Skip, Update
from bucketline.stores.base import Flow, Store, Together

_AT_ONCE = 32
_BATCH = 256


@dataclass(slots=True)
class Compared:
    """What the comparison came to."""

    source: Store
    target: Store
    drive: Caller
    policy: MovePolicy
    left: int = 0  # At the source, without the same bytes at the target.

    def updates(self, pairs: Iterable[Judged | Skip]) -> Iterator[Update | Skip]:
        """The objects at the target that are to get other attributes; all others are counted."""
        batch: list[Both] = []
        for one in pairs:
            if isinstance(one, Skip):
                yield one
                continue
            (source, target), verdict = one
            if source is None:
                continue
            if target is None or verdict is not Verdict.SAME:
                self.left += 1
                yield Skip(1, source.size)
                continue
            batch.append(Both(source, target))
            if len(batch) == _BATCH:
                yield from self._of(batch)
                batch = []
        yield from self._of(batch)

    def _of(self, batch: Sequence[Both]) -> Iterator[Update | Skip]:
        reasons: list[str] = self.drive.call(self._together(batch)) if batch else []
        alike = [both for both, reason in zip(batch, reasons, strict=True) if not reason]
        if alike:
            yield Skip(len(alike), sum(both.source.size for both in alike))
        for both, reason in zip(batch, reasons, strict=True):
            if reason:
                yield Update(both.source, both.target, reason)

    def _together(self, batch: Sequence[Both]) -> Flow[list[str]]:
        flows = [differing(both, self.source, self.target, self.policy) for both in batch]
        reasons: list[str] = yield Together(flows, width=_AT_ONCE)
        return reasons
