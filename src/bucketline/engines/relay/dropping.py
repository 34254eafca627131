"""Staged copies go once their delivery is recorded: in a thread, so that nobody waits for disks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from bucketline.errors import StoreError
from bucketline.flow.look.listing import Caller
from bucketline.model import Action, Copy, Fate, Outcome
from bucketline.stores.base import Flow, Together
from bucketline.stores.spool import Spool, Staged

_AT_ONCE = 32


class Dropper:
    """Hears of each fate after it is durable. What cannot be dropped now is tried again later, and
    else found by the next run, which knows that it has arrived.
    """

    def __init__(self, spool: Spool, drive: Caller, say: Callable[[str], None]) -> None:
        self._spool = spool
        self._drive = drive
        self._say = say
        self._queue: SimpleQueue[Staged | None] = SimpleQueue()
        self._is_dropping = False
        self._left: list[Staged] = []  # What could not be dropped.
        self._told = ""
        self._thread = threading.Thread(target=self._work, name="bucketline-drop", daemon=True)
        self._thread.start()

    def heard(self, ends: Sequence[tuple[Action, Outcome]]) -> None:
        """These are recorded."""
        for action, outcome in ends:
            if outcome.fate is Fate.DONE and isinstance(action, Copy):
                staged = self._spool.index.get(action.target_key)
                if staged is not None and staged.entry == action.source:
                    self.drop(staged)

    def drop(self, staged: Staged) -> None:
        """It is known to have arrived."""
        self._spool.index.leave(staged)
        self._queue.put(staged)

    def again(self) -> None:
        """Try what could not be dropped, where its volume is there."""
        left, self._left = self._left, []
        usable = {one.identity for one in self._spool.shelves.usable}
        for staged in filter(self._is_there, left):
            if staged.volume in usable:
                self._queue.put(staged)
            else:
                self._left.append(staged)

    @property
    def left(self) -> int:
        """How many could not be dropped so far."""
        return sum(map(self._is_there, self._left))

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing left to drop."""
        return self._queue.empty() and not self._is_dropping

    def close(self) -> None:
        """Wait until all that was heard of is dropped."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        is_over = False
        while not is_over:
            some = [self._queue.get()]
            while len(some) < _AT_ONCE and not self._queue.empty():
                some.append(self._queue.get())
            is_over = None in some
            self._is_dropping = True
            flows = [self._drop(staged) for staged in some if staged is not None]
            self._drive.call(_all(flows))
            self._is_dropping = False

    def _is_there(self, staged: Staged) -> bool:
        there = self._spool.index.get(staged.entry.key)
        return there is not None and there.generation == staged.generation

    def _drop(self, staged: Staged) -> Flow[None]:
        try:
            yield from self._spool.remove(staged)
        except StoreError as error:
            self._left.append(staged)
            said = f"{error}; what has arrived is dropped from it later"
            if said != self._told:  # Once, not for each object.
                self._told = said
                self._say(said)


def _all(flows: Sequence[Flow[None]]) -> Flow[None]:
    yield Together(flows, width=_AT_ONCE)
