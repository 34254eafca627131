"""A relay's ledgers, made anew from what is staged, for a box that has lost them."""

from __future__ import annotations

from collections.abc import Iterator

from bucketline.errors import Away, Unsupported
from bucketline.flow.compare.guard import Counts
from bucketline.flow.proof.again import Method, Seen, State, look_again
from bucketline.model import Action, Copy, Entry, Fate, Outcome, Proof, Skip, Verify
from bucketline.stores.base import Flow, Store
from bucketline.stores.digests import etag_of_parts
from bucketline.stores.spool import Spool, Staged
from bucketline.stores.spool.sidecar import Sidecar

_TO_COME = "it is staged and not at the target; the next run sends it"


class _Rebuilding:
    """Each staged object once."""

    compare_said = "what is staged"

    def __init__(self, spool: Spool) -> None:
        self.counts = Counts()
        self.notes: list[str] = []
        self._spool = spool

    def plan(self) -> Iterator[Action | Skip]:
        """The oldest first. What is not known to be the source's object is nothing yet."""
        for staged in self._spool.index.all():
            if not staged.is_unproven:
                self.counts.source += 1
                yield Copy(staged.entry, staged.entry.key, reason="staged")

    def weight(self, action: Action) -> int:
        """No bodies."""
        del action
        return 0

    def _staged(self, action: Action) -> Staged:
        assert isinstance(action, Copy)
        staged = self._spool.index.get(action.target_key)
        if staged is None or staged.entry != action.source:
            raise Away("it is staged no more", store=self._spool.name, key=action.target_key)
        return staged


class Refetched(_Rebuilding):
    """What the ledger of the fetching hop knew: which state of the source is staged."""

    def perform(self, action: Action) -> Flow[Outcome]:
        """By its sidecar, which was written once the object was whole, read back and flushed."""
        yield from ()
        staged = self._staged(action)
        return Outcome(
            Fate.DONE,
            size=staged.entry.size,
            proof=Proof.ETAG,
            source_etag=staged.origin_pin,
            target_etag=staged.entry.etag,
        )


class Redelivered(_Rebuilding):
    """What the ledger of the sending hop knew: what has arrived, and only waits to be dropped."""

    def __init__(self, spool: Spool, target: Store) -> None:
        super().__init__(spool)
        self._target = target

    def perform(self, action: Action) -> Flow[Outcome]:
        """The target is asked; what it does not show to hold waits for the next run."""
        staged = self._staged(action)
        hashes = _hashes((yield from self._spool.sidecar(staged)))
        wanted = Verify(Entry(staged.entry.key, staged.entry.size), hashes)
        try:
            seen = yield from look_again(wanted, self._target, Method.CHECKSUM)
        except Unsupported:  # The target has it, and shows nothing of its bytes.
            seen = Seen(State.DAMAGED)
        if seen.state is not State.OK:
            return Outcome(Fate.WAITING, cause="Away", message=_TO_COME)
        return Outcome(
            Fate.DONE,
            size=staged.entry.size,
            proof=seen.proof,
            source_etag=staged.origin_pin,
            target_etag=seen.pin,
            target_version=seen.version,
            hashes=hashes,
        )


def _hashes(sidecar: Sidecar) -> dict[str, str]:
    parts = [part.md5 for part in sidecar.parts]
    return {"md5": parts[0]} if len(parts) == 1 else {"md5-parts": etag_of_parts(parts)}
