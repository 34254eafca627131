"""The loop on Spark: steps of a run are performed by executors, in small partitions.

The ledger stays here, with its one owner. A partition's fates come back with the partition, so
one whose executor is lost is simply done again by Spark, on another: what is sent twice is at
most what was in flight. What crosses is bytes to us here: who packs them knows what they mean.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from bucketline.errors import BucketlineError, Unreachable
from bucketline.flow.drive import Ended
from bucketline.flow.query.session import first_line, session
from bucketline.flow.run.terms import Crew
from bucketline.model import Action, Copy

STEPS_MAX = 200  # Of a partition,
BYTES_MAX = 1 << 30  # and of its objects together.
AHEAD = 2  # Partitions under way for each core: one is at work, one waits beside it.
# Every way of giving a partition up has been tried by Spark itself, four times.
_GIVEN_UP = "the executors gave a partition up: {}; run again to go on"


Ends = Sequence[tuple[Any, Exception | None]]  # Of each step of a partition, in their order.


class Work(NamedTuple):
    """How steps become bytes, what an executor does with them, and what its answer means."""

    pack: Callable[[Sequence[Action]], bytes]
    perform: Callable[[bytes], bytes]  # Runs in an executor's Python: found there by its name.
    unpack: Callable[[bytes], Ends]


def slots_of(master: str) -> int:
    """How many partitions the cluster works on at once; starts it."""
    return max(1, int(session(master).sparkContext.defaultParallelism))


class Cluster:
    """A crew of executors beside our own hands, which keep deletes and what is large.

    The parts of a large object are remembered for the next run, and that memory has one owner.
    """

    def __init__(
        self, own: Crew, master: str, work: Work, wake: Callable[[], None], *, small: int
    ) -> None:
        self._own = own
        self._work = work
        self._wake = wake
        self._small = small
        self._context = session(master).sparkContext
        self._slots = slots_of(master)
        self._waiting: deque[Action] = deque()
        self._ended: deque[Ended] = deque()
        self._under_way = 0  # Steps, of all partitions.
        self._partitions = 0
        self._is_closed = False
        self._lock = threading.Lock()

    @property
    def busy(self) -> int:
        return self._own.busy + len(self._waiting) + self._under_way

    def start(self, action: Action) -> None:
        is_small = isinstance(action, Copy) and not action.refused
        if is_small and action.intent.size <= self._small:
            self._waiting.append(action)
        else:
            self._own.start(action)

    def step(self, timeout_seconds: float) -> list[Ended]:
        while self._waiting and self._partitions < AHEAD * self._slots:
            self._send(self._partition())
        ended = self._own.step(timeout_seconds)
        while self._ended:
            ended.append(self._ended.popleft())
        return ended

    def close(self) -> None:
        """What is under way stays in doubt, and the executors let go of it."""
        self._is_closed = True
        if self._partitions:
            with suppress(Exception):  # It may be gone already.
                self._context.cancelAllJobs()
        self._own.close()

    def _partition(self) -> list[Action]:
        """The next ones that go together; while there are few, they are spread over all cores."""
        most = min(STEPS_MAX, -(-len(self._waiting) // self._slots))
        taken: list[Action] = []
        size = 0
        while self._waiting and len(taken) < most:
            size += self._waiting[0].intent.size
            if taken and size > BYTES_MAX:
                break
            taken.append(self._waiting.popleft())
        return taken

    def _send(self, actions: list[Action]) -> None:
        with self._lock:
            self._partitions += 1
            self._under_way += len(actions)
        name = "bucketline-partition"
        threading.Thread(target=self._carry, args=(actions,), name=name, daemon=True).start()

    def _carry(self, actions: list[Action]) -> None:
        """One partition from here to its fates; in a thread of its own."""
        ends: Ends
        try:
            packed = self._work.pack(actions)
            (answer,) = self._context.parallelize([packed], 1).map(self._work.perform).collect()
            ends = self._work.unpack(answer)
        except BucketlineError as error:
            ends = [(None, error)] * len(actions)
        except Exception as error:
            said = Unreachable(_GIVEN_UP.format(first_line(error)))
            ends = [(None, said)] * len(actions)
        with self._lock:
            self._partitions -= 1
            self._under_way -= len(actions)
        if not self._is_closed:
            for action, (value, failed) in zip(actions, ends, strict=True):
                self._ended.append(Ended(action, value, failed))
            self._wake()
