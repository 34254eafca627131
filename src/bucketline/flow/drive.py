"""The kernel: keeps many flows in flight over one wire and a few threads, or runs one to its end.

A flow says what it needs by yielding effects; a `Drive` performs them and sends the results back.
Who answers is an argument: libcurl and threads in a real run, a seeded schedule in a simulation.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

from bucketline.clock import Clock, SystemClock
from bucketline.errors import StoreError
from bucketline.flow.workers import Brief, Inline, Threads
from bucketline.stores.base import Answer, Flow, Gate, Pause, Request, Together, Work
from bucketline.stores.s3.wire import Wire

T = TypeVar("T")


class Ended(NamedTuple):
    """How a flow ended: its value, unless there is an error."""

    tag: Any
    value: Any
    error: Exception | None


class Carrier(Protocol):
    """Who performs requests."""

    def start(self, request: Request, ticket: Any) -> None: ...
    def poll(self, timeout_seconds: float) -> Iterable[tuple[Any, Answer | StoreError]]: ...
    def wake(self) -> None: ...
    def close(self) -> None: ...


class Workers(Protocol):
    """Who performs works."""

    def submit(self, works: list[tuple[Work, Any]]) -> None: ...
    def finished(self) -> Iterable[tuple[Any, Any, Exception | None]]: ...
    def close(self) -> None: ...


class _Task:
    """A flow under way."""

    __slots__ = ("flow", "group", "tag")

    def __init__(self, flow: Flow[Any], tag: Any, group: _Group | None) -> None:
        self.flow = flow
        self.tag = tag
        self.group = group  # Whom to tell; None = whoever steps the drive.


class _Group:
    """The flows of one `Together`, and the task that waits for them."""

    __slots__ = ("error", "is_filling", "next", "owner", "results", "together", "under_way")

    def __init__(self, owner: _Task, together: Together) -> None:
        self.owner = owner
        self.together = together
        self.results: list[Any] = [None] * len(together.flows)
        self.next = 0
        self.under_way = 0
        self.error: Exception | None = None
        self.is_filling = False


_Resume = tuple[_Task, Any, Exception | None]  # Whom to send what.


class Drive:
    """Performs the effects of many flows at once. Belongs to one thread, except `wake`."""

    def __init__(self, carrier: Carrier, workers: Workers, clock: Clock) -> None:
        self._carrier = carrier
        self._workers = workers
        self._clock = clock
        self._brief = Brief(clock)
        self._works: list[tuple[Work, Any]] = []
        self._works_out = 0
        self._pauses: list[tuple[float, int, _Task]] = []
        self._pause_count = 0
        self._gated: list[tuple[Gate, _Task]] = []
        self._ended: list[Ended] = []
        self.busy = 0  # Flows started and not yet told as ended.
        self._requests: Counter[str] = Counter()
        self._called: Counter[str] = Counter()  # By `call`, from any thread.
        self._counting = threading.Lock()

    @property
    def requests(self) -> Counter[str]:
        """How many so far, by class, since operators pay by class."""
        with self._counting:
            return self._requests + self._called

    def count(self, requests: Counter[str]) -> None:
        """Add those that others made for us."""
        with self._counting:
            self._called += requests

    def start(self, flow: Flow[Any], tag: Any) -> None:
        """Begin a flow; a later `step` tells its end under `tag`."""
        self.busy += 1
        self._advance(_Task(flow, tag, None), None, None)

    def step(self, timeout_seconds: float) -> list[Ended]:
        """Wait until a flow ends, or `wake`, at most so long; tell what ended since last time."""
        self._pass_gates()
        if self._works:
            self._works_out += len(self._works)
            self._workers.submit(self._works)
            self._works = []
        wait = 0.0 if self._ended else self._wait(timeout_seconds)
        for task, answer in self._carrier.poll(wait):
            if isinstance(answer, Answer):
                self._advance(task, answer, None)
            else:
                self._advance(task, None, answer)
        if self._works_out:
            for task, value, error in self._workers.finished():
                self._works_out -= 1
                self._advance(task, value, error)
        self._end_pauses()
        self._pass_gates()
        ended, self._ended = self._ended, []
        self.busy -= len(ended)
        return ended

    def call(self, flow: Flow[T]) -> T:
        """One flow to its end, on a wire of the calling thread's own."""
        requests: Counter[str] = Counter()
        try:
            return _to_its_end(flow, requests)
        finally:
            with self._counting:
                self._called += requests

    @contextmanager
    def apart(self) -> Iterator[Drive]:
        """A drive for the calling thread alone, on a wire of its own; closed at the end."""
        wire = Wire()
        drive = Drive(wire, Inline(wire.wake), self._clock)
        try:
            yield drive
        finally:
            with self._counting:
                self._called += drive.requests
            drive.close()

    def wake(self) -> None:
        """Make a `step` that waits return. Safe in any thread."""
        self._carrier.wake()

    def close(self) -> None:
        """Abort what is under way; no flow is told."""
        self._carrier.close()
        self._workers.close()

    def _wait(self, timeout_seconds: float) -> float:
        due = self._pauses[0][0] - self._clock.monotonic() if self._pauses else timeout_seconds
        return max(0.0, min(timeout_seconds, due))

    def _end_pauses(self) -> None:
        while self._pauses and self._pauses[0][0] <= self._clock.monotonic():
            self._advance(heapq.heappop(self._pauses)[2], None, None)

    def _pass_gates(self) -> None:
        """Who goes on may open another one."""
        while any(gate.is_open for gate, _ in self._gated):
            waiting, self._gated = self._gated, []
            for gate, task in waiting:
                if gate.is_open:
                    self._advance(task, None, None)
                else:
                    self._gated.append((gate, task))

    def _advance(self, task: _Task, value: Any, error: Exception | None) -> None:
        """Send a result into a flow and take up the effect it yields next."""
        resume: _Resume | None
        while True:  # Not by recursion: ten thousand flows may end at once.
            try:
                effect = task.flow.send(value) if error is None else task.flow.throw(error)
            except StopIteration as stop:
                resume = self._finish(task, stop.value, None)
            except Exception as failure:  # The worker boundary: whoever started the flow gets it.
                resume = self._finish(task, None, failure)
            else:
                if type(effect) is Request:
                    self._requests[effect.kind] += 1
                    self._carrier.start(effect, task)
                    return
                resume = self._take_up(task, effect)
            if resume is None:
                return
            task, value, error = resume

    def _take_up(self, task: _Task, effect: object) -> _Resume | None:
        """Whatever is no request; who is to go on because of it, if anybody."""
        if type(effect) is Work:
            if self._brief.takes(effect):
                return task, *self._brief.perform(effect)
            self._works.append((effect, task))
        elif type(effect) is Pause:
            self._pause_count += 1
            due = self._clock.monotonic() + effect.seconds
            heapq.heappush(self._pauses, (due, self._pause_count, task))
        elif type(effect) is Gate:
            if effect.is_open:
                return task, None, None
            self._gated.append((effect, task))
        elif type(effect) is Together:
            return self._fan_out(_Group(task, effect))
        else:
            return task, None, TypeError(f"not an effect: {effect!r}")
        return None

    def _finish(self, task: _Task, value: Any, error: Exception | None) -> _Resume | None:
        group = task.group
        if group is None:
            self._ended.append(Ended(task.tag, value, error))
            return None
        group.under_way -= 1
        group.results[task.tag] = value
        if error is not None and group.error is None:
            group.error = error
        # A flow that ends at once brings us here from within `_fan_out`, which then goes on itself.
        return None if group.is_filling else self._fan_out(group)

    def _fan_out(self, group: _Group) -> _Resume | None:
        """Start what may start; when nothing is left under way, the owner goes on."""
        flows = group.together.flows
        group.is_filling = True
        while (
            group.error is None
            and group.next < len(flows)
            and group.under_way < group.together.width
        ):
            number = group.next
            group.next += 1
            group.under_way += 1
            self._advance(_Task(flows[number], number, group), None, None)
        group.is_filling = False
        if group.under_way:
            return None
        return group.owner, group.results, group.error


def open_drive(clock: Clock | None = None) -> Drive:
    """The drive of a real run: libcurl and threads."""
    wire = Wire()
    return Drive(wire, Threads(wire.wake), clock or SystemClock())


_own = threading.local()


def call(flow: Flow[T]) -> tuple[T, Counter[str]]:
    """Run one flow to its end, blocking; also how many requests that took. For any thread."""
    requests: Counter[str] = Counter()
    return _to_its_end(flow, requests), requests


def blocking(flow: Flow[T]) -> T:
    return call(flow)[0]


def _to_its_end(flow: Flow[T], requests: Counter[str]) -> T:
    """The flow's value or its error; `requests` are counted either way."""
    drive = _own_drive()
    before = drive.requests
    try:
        drive.start(flow, None)
        while not (ends := drive.step(60.0)):
            pass
    except BaseException:  # What is under way must not reach the next call.
        drive.close()
        _own.drive = None
        raise
    finally:
        requests += drive.requests - before
    if ends[0].error is not None:
        raise ends[0].error
    value: T = ends[0].value
    return value


def _own_drive() -> Drive:
    drive: Drive | None = getattr(_own, "drive", None)
    if drive is None:
        wire = Wire()
        drive = _own.drive = Drive(wire, Inline(wire.wake), SystemClock())
    return drive
