"""Make the target hold what the source holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bucketline.flow.compare.attributes import Compared
from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.compare.guard import Limits, guarded, rehearsed
from bucketline.flow.compare.pairs import decide, judged, never
from bucketline.flow.compare.planned import Looking, fail_refused, planned
from bucketline.flow.compare.sides import Look, Side, Sides
from bucketline.flow.look.listing import Caller
from bucketline.flow.move.copy import MovePolicy, copy, remove
from bucketline.flow.move.layout import weight
from bucketline.flow.move.retouch import update
from bucketline.flow.move.told import as_it_is_now
from bucketline.model import Action, Copy, Delete, Outcome, Skip, Update
from bucketline.stores.base import Flow


@dataclass(frozen=True, slots=True)
class TransferPolicy:
    """What a person wants of a transfer."""

    look: Look = field(default_factory=Look)
    delete_extra: bool = False
    limits: Limits = field(default_factory=Limits)
    move: MovePolicy = field(default_factory=MovePolicy)
    metadata_only: bool = False  # No bytes cross: what differs in them is left as it is.


class Transfer(Looking):
    """One look at both sides, and the steps that make the target hold what the source holds."""

    def __init__(
        self,
        source: Side,
        target: Side,
        policy: TransferPolicy,
        drive: Caller,
        ledger_known: Lookup,
    ) -> None:
        super().__init__(Sides(source, target, drive, policy.look))
        self._policy = policy
        self._ledger_known = ledger_known

    def plan(self) -> Iterator[Action | Skip]:
        """What is left to do; deletes last. A listing without order makes it start over."""
        return planned(self._sides, self._decided, guarded, self._policy.limits)

    def rehearse(self) -> Iterator[Action | Skip]:
        """The plan for those who only look: it is all there, also when it would be refused."""
        return planned(self._sides, self._decided, rehearsed, self._policy.limits)

    def perform(self, action: Action) -> Flow[Outcome]:
        """One copy or one delete."""
        source, target = self._sides.source.store, self._sides.target.store
        if isinstance(action, Copy):
            if action.refused:
                return fail_refused(action, source)
            flow = copy(action, source, target, self._policy.move)
            return flow if self._sides.source.told is None else as_it_is_now(flow, action, source)
        if isinstance(action, Delete):
            return remove(action, target)
        assert isinstance(action, Update)
        return update(action, source, target, self._policy.move)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        if not isinstance(action, Copy):
            return 0
        if action.source.size <= self._policy.move.part_size:
            return action.source.size
        return weight(action.source, self._sides.target.store.able, self._policy.move)

    def _decided(self) -> Iterator[Action | Skip]:
        sides = self._sides
        if self._policy.metadata_only:
            return self._updates()
        return decide(
            sides.differences(sides.rule.is_same),
            sides.rule,
            sides.settle(self._ledger_known),
            rename=sides.rename,
            delete_extra=self._policy.delete_extra,
        )

    def _updates(self) -> Iterator[Action | Skip]:
        sides = self._sides
        compared = Compared(sides.source.store, sides.target.store, sides.drive, self._policy.move)
        pairs = judged(sides.differences(never), sides.rule, sides.settle(self._ledger_known))
        yield from compared.updates(pairs)
        if compared.left:
            said = f"{compared.left:,} left alone: other bytes, or none, at the target"
            sides.notes.append(f"{said}; sync without --metadata-only copies them")
