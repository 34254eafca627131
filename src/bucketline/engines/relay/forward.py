"""Bring what is staged to the target, the oldest first, as long as something may still come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bucketline.errors import Away, Broken, Mismatch, NotFound
from bucketline.flow.compare.guard import Counts
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.flow.move.layout import weight
from bucketline.model import Action, Copy, Fate, Outcome, Proof, Skip
from bucketline.stores.base import Flow, Store
from bucketline.stores.spool import Spool, Staged

_WAIT_SECONDS = 0.2  # For something to arrive, before we look whether anything still may.


class Forward:
    """What is staged, sent and proven. A staged copy that has rotted is given up, never sent."""

    compare_said = "what is staged"

    def __init__(
        self,
        spool: Spool,
        target: Store,
        policy: MovePolicy,
        *,
        may_come: Callable[[], bool],
        take_in: Callable[[], None],
    ) -> None:
        self.counts = Counts()
        self.notes: list[str] = []
        self.rotten = 0  # Staged copies that were given up: they are to be fetched again.
        self.failed = 0  # Sends that did not arrive.
        self._ended = 0
        self._spool = spool
        self._target = target
        self._policy = policy
        self._may_come = may_come
        self._take_in = take_in  # What is on a volume that has come back.
        self._arrivals = spool.index.follow()

    def plan(self) -> Iterator[Action | Skip]:
        """Each staged object once, and those that come to be staged meanwhile."""
        arrivals = self._arrivals
        while True:
            may_come = self._may_come()  # Before the look: what came in between is seen by it.
            staged = arrivals.next(_WAIT_SECONDS if may_come else 0.0)
            if staged is not None:
                self.counts.source += 1
                yield Copy(staged.entry, staged.entry.key, reason="staged")
                continue
            if not may_come:
                return
            self._take_in()
            yield Skip(0, 0)  # Who gives up the plan can do so here.

    @property
    def is_idle(self) -> bool:
        """Whether all that arrived has ended, in one way or another."""
        return self._ended >= self.counts.source and not len(self._arrivals)

    def heard(self, ends: Sequence[tuple[Action, Outcome]]) -> None:
        """These are recorded."""
        self._ended += len(ends)
        self.failed += sum(outcome.fate in (Fate.FAILED, Fate.WAITING) for _, outcome in ends)

    def perform(self, action: Action) -> Flow[Outcome]:
        """One staged object to the target, proven; its staged copy stays until that is recorded."""
        assert isinstance(action, Copy)
        staged = self._spool.index.get(action.target_key)
        if staged is None or staged.entry != action.source:
            raise Away("it is staged no more", store=self._spool.name, key=action.target_key)
        try:
            outcome = yield from copy(action, self._spool, self._target, self._policy)
        except (Mismatch, NotFound, Broken) as error:
            if error.store != self._spool.name:
                raise
            return (yield from self._give_up(staged, error))
        assert outcome.proof.value >= Proof.ETAG.value
        return replace(outcome, source_etag=staged.origin_pin)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        assert isinstance(action, Copy)
        if action.source.size <= self._policy.part_size:
            return action.source.size
        return weight(action.source, self._target.able, self._policy)

    def _give_up(self, staged: Staged, error: Mismatch | NotFound | Broken) -> Flow[Outcome]:
        """The staged copy is of no use: the source has the object, and it is fetched again."""
        yield from self._spool.remove(staged)
        self.rotten += 1
        said = f"{error.message}; it is fetched again"
        return Outcome(Fate.WAITING, cause=error.cause, message=said)
