"""A transfer whose small new objects go in archives: towards devices that extract them."""

from __future__ import annotations

from dataclasses import replace

from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.compare.planned import fail_refused
from bucketline.flow.compare.sides import Side
from bucketline.flow.look.listing import Caller
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.flow.move.proof import Learnt
from bucketline.flow.move.told import as_it_is_now
from bucketline.model import Action, Copy, Outcome
from bucketline.stores.base import Flow
from bucketline.stores.packing import Packing


class PackedTransfer(Transfer):
    """Never changes what is in an archive: the device would extract the old one over the new."""

    def __init__(
        self,
        source: Side,
        target: Side,
        policy: TransferPolicy,
        drive: Caller,
        ledger_known: Lookup,
    ) -> None:
        super().__init__(source, target, policy, drive, ledger_known)
        assert isinstance(target.store, Packing)
        self._packing = target.store
        # What an archive cannot keep says nothing of what the target keeps of other objects.
        self._small: MovePolicy = replace(policy.move, learnt=Learnt(), is_within=False)

    def perform(self, action: Action) -> Flow[Outcome]:
        """A member, or an object by itself."""
        if not isinstance(action, Copy):
            return super().perform(action)
        source, packing = self._sides.source.store, self._packing
        if action.refused:
            return fail_refused(action, source)
        key = action.target_key
        if action.replaces is None and packing.takes(key, action.source.size):
            flow = copy(action, source, packing, self._small)
        elif archive := packing.holds(key):
            return self._held(key, archive)
        else:
            flow = copy(action, source, packing.store, self._policy.move)
        return flow if self._sides.source.told is None else as_it_is_now(flow, action, source)

    def _held(self, key: str, archive: str) -> Flow[Outcome]:
        yield from ()
        raise self._packing.is_held(key, archive)
