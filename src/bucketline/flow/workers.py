"""Who performs works: a few threads, or the calling thread itself."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

from bucketline.clock import Clock, SystemClock
from bucketline.stores.base import Work

_THREADS = 8
_BRIEF_SECONDS = 0.002
_PASSED_ON = 200  # Works that threads do after one was not brief.
_STRETCH_MAX = 16  # Works that a thread takes at once: a hand-over costs more than a small read.
_QUICK_SECONDS = 0.0005  # For shared works to be done on the spot, and so much more for each.
_QUICK_SECONDS_EACH = 0.00015
_ROUNDS_IN_THREADS = 50  # Of shared works, after a round that was not quick.


class Threads:
    """Workers on a few threads."""

    def __init__(
        self, wake: Callable[[], None], count: int = _THREADS, clock: Clock | None = None
    ) -> None:
        self._wake = wake
        self._clock = clock or SystemClock()
        self._rounds_in_threads = 0
        self._tasks: SimpleQueue[list[tuple[Work, Any]] | None] = SimpleQueue()
        self._done: deque[tuple[Work, Any, Any, Exception | None]] = deque()
        self._shared: list[tuple[Work, Any]] = []
        self._shared_out = 0
        self._threads: list[threading.Thread] = []
        self._count = count

    def submit(self, works: list[tuple[Work, Any]]) -> None:
        if not self._threads:
            self._threads = [self._thread() for _ in range(self._count)]
        self._shared += [one for one in works if one[0].is_shared]
        self._hand_over_shared()
        works = [one for one in works if not one[0].is_shared]
        stretch = max(1, min(_STRETCH_MAX, -(-len(works) // self._count)))
        for start in range(0, len(works), stretch):
            self._tasks.put(works[start : start + stretch])

    def finished(self) -> Iterable[tuple[Any, Any, Exception | None]]:
        while self._done:
            work, ticket, value, error = self._done.popleft()
            self._shared_out -= work.is_shared
            yield ticket, value, error
        self._hand_over_shared()

    def _hand_over_shared(self) -> None:
        """Do them on the spot if the disk is quick: two threads that both call the system all the
        time mostly wait for each other. Else one thread does, and meanwhile the next ones gather.
        """
        if not self._shared or self._shared_out:
            return
        works, self._shared = self._shared, []
        self._shared_out = len(works)
        if self._rounds_in_threads:
            self._rounds_in_threads -= 1
            self._tasks.put(works)
            return
        began = self._clock.monotonic()
        self._do(works)
        allowed = _QUICK_SECONDS + _QUICK_SECONDS_EACH * len(works)
        if self._clock.monotonic() - began > allowed:
            self._rounds_in_threads = _ROUNDS_IN_THREADS

    def close(self) -> None:
        for _ in self._threads:
            self._tasks.put(None)
        self._threads = []

    def _thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._serve, name="bucketline-work", daemon=True)
        thread.start()
        return thread

    def _serve(self) -> None:
        while (works := self._tasks.get()) is not None:
            self._do(works)

    def _do(self, works: list[tuple[Work, Any]]) -> None:
        for work, ticket in works:
            self._done.append((work, ticket, *perform(work)))
        self._wake()


class Inline:
    """Workers that are the calling thread itself."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._done: list[tuple[Any, Any, Exception | None]] = []

    def submit(self, works: list[tuple[Work, Any]]) -> None:
        self._done += [(ticket, *perform(work)) for work, ticket in works]
        self._wake()

    def finished(self) -> Iterable[tuple[Any, Any, Exception | None]]:
        done, self._done = self._done, []
        return done

    def close(self) -> None: ...


def perform(work: Work) -> tuple[Any, Exception | None]:
    """The work's value or its error."""
    try:
        return work.call(), None
    except Exception as error:
        return None, error


class Brief:
    """Performs brief works on the spot: a hand-over to a thread costs more than the work.

    Only as long as they prove to be brief. After one that was not, the next ones go to threads, so
    a slow disk holds up the loop once in a while and not at each file.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._to_pass_on = 0

    def takes(self, work: Work) -> bool:
        if not work.is_brief:
            return False
        if self._to_pass_on:
            self._to_pass_on -= 1
            return False
        return True

    def perform(self, work: Work) -> tuple[Any, Exception | None]:
        began = self._clock.monotonic()
        done = perform(work)
        if self._clock.monotonic() - began > _BRIEF_SECONDS:
            self._to_pass_on = _PASSED_ON
        return done
