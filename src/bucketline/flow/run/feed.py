"""The plan on its way to the loop: made ahead in a thread of its own, or inline in a simulation."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Protocol

from bucketline.model import Action, Skip

_STRETCH_MAX = 256  # Actions handed over at once; fewer when the loop is hungry.
_STRETCHES_MAX = 16  # How far the plan may run ahead of the moves.


class Feed(Protocol):
    """Where the loop takes its actions from."""

    def peek(self) -> Action | None:
        """The next action, if one is ready. Raises what the plan raised, when its turn comes."""

    def take(self) -> Action:
        """The action that `peek` showed."""

    def skipped(self) -> Skip:
        """What the plan found to need nothing, since the last call."""

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""

    def close(self) -> None:
        """Plan no further."""


class Inline:
    """The plan, pulled when the loop asks: one thread, one order, for simulations."""

    def __init__(self, plan: Iterator[Action | Skip]) -> None:
        self._plan = plan
        self._next: Action | None = None
        self._count = self._size = 0
        self.ended = False

    def peek(self) -> Action | None:
        while self._next is None and not self.ended:
            step = next(self._plan, None)
            if step is None:
                self.ended = True
            elif isinstance(step, Skip):
                self._count, self._size = self._count + step.count, self._size + step.size
            else:
                self._next = step
        return self._next

    def take(self) -> Action:
        action, self._next = self._next, None
        assert action is not None
        return action

    def skipped(self) -> Skip:
        skip, self._count, self._size = Skip(self._count, self._size), 0, 0
        return skip

    def close(self) -> None:
        self.ended = True
        _let_go(self._plan)


class Ahead:
    """The plan, made in a thread, so that looking at the world never holds up the moves."""

    def __init__(self, plan: Iterator[Action | Skip], wake: Callable[[], None]) -> None:
        self._plan = plan
        self._wake = wake
        self._stretches: deque[list[Action | Skip]] = deque()
        self._room = threading.Semaphore(_STRETCHES_MAX)
        self._current: deque[Action | Skip] = deque()
        self._count = self._size = 0
        self._error: BaseException | None = None
        self._planned = self._closed = False
        self._thread = threading.Thread(target=self._make, name="bucketline-plan", daemon=True)
        self._thread.start()

    def peek(self) -> Action | None:
        while True:
            while self._current:
                step = self._current[0]
                if not isinstance(step, Skip):
                    return step
                self._current.popleft()
                self._count, self._size = self._count + step.count, self._size + step.size
            planned = self._planned  # Read before the queue is: what was put before it counts.
            if not self._stretches:
                if planned and self._error is not None:
                    error, self._error = self._error, None
                    raise error
                return None
            self._current.extend(self._stretches.popleft())
            self._room.release()

    def take(self) -> Action:
        step = self._current.popleft()
        assert not isinstance(step, Skip)
        return step

    def skipped(self) -> Skip:
        skip, self._count, self._size = Skip(self._count, self._size), 0, 0
        return skip

    @property
    def ended(self) -> bool:
        return self._closed or (
            self._planned and not self._stretches and not self._current and self._error is None
        )

    def close(self) -> None:
        self._closed = True
        self._room.release()

    def _make(self) -> None:
        try:
            stretch: list[Action | Skip] = []
            for step in self._plan:
                if self._closed:
                    return
                stretch.append(step)
                if len(stretch) >= _STRETCH_MAX or not self._stretches:
                    self._room.acquire()
                    self._hand_over(stretch)
                    stretch = []
            self._hand_over(stretch)
        except BaseException as error:  # Travels to the loop, which raises it.
            self._error = error
        finally:
            _let_go(self._plan)
            self._planned = True
            self._wake()

    def _hand_over(self, stretch: list[Action | Skip]) -> None:
        self._stretches.append(stretch)
        if len(self._stretches) == 1:
            self._wake()


def _let_go(plan: Iterator[Action | Skip]) -> None:
    """A plan that is given up holds listings and files: no waiting for the collector."""
    if isinstance(plan, Generator):
        plan.close()
