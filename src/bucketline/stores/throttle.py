"""Keeps to a rate: so many bytes a second that are read and written, so many verbs a second."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from bucketline.clock import Clock
from bucketline.stores.base import Flow, Pause, Piece, Request, Store
from bucketline.stores.wrap import Around

T = TypeVar("T")
Rate = Callable[[float], float | None]  # So much a second at that time (epoch); None = no limit.

_NAP_SECONDS = 1.0  # A rate may change while somebody waits.
_WITH_BYTES = ("read", "write", "part")
_MEMORY = 0.8  # How much the sizes of the past count.


class TokenBucket:
    """So much a second, for all who share it; a second's worth can be saved up. For any thread.

    Who takes gets a mark and waits until so much has been earned: first come, first served.
    """

    def __init__(self, rate: float | Rate, clock: Clock) -> None:
        self._rate: Rate = rate if callable(rate) else lambda _: rate
        self._clock = clock
        self._taken = 0.0
        self._earned = self._rate(clock.now()) or 0.0
        self._filled = clock.monotonic()
        self._lock = Lock()

    def take(self, amount: float) -> float:
        """The mark at which it is paid for."""
        with self._lock:
            self._earn()
            self._taken += amount
            return self._taken

    @property
    def is_shut(self) -> bool:
        """Nothing may pass now."""
        return self._rate(self._clock.now()) == 0

    def give_back(self, amount: float) -> None:
        """It was not needed after all."""
        with self._lock:
            self._earned += amount

    def wait(self, mark: float) -> float:
        """How many seconds it will be until the mark is reached, at today's rate."""
        with self._lock:
            rate, lacking = self._earn(), mark - self._earned
            if rate is None or lacking <= 0:
                return 0.0
            return lacking / rate if rate else _NAP_SECONDS  # Nothing moves; it may change.

    def _earn(self) -> float | None:
        rate, now = self._rate(self._clock.now()), self._clock.monotonic()
        gained, self._filled = now - self._filled, now
        if rate is None:  # What was owed is forgiven.
            self._earned = max(self._earned, self._taken)
        else:
            self._earned = min(self._earned + gained * rate, self._taken + rate)
        return rate


class Throttled(Around):
    """Keeps to a rate: bytes a second that are read and written, verbs a second.

    Bytes are paid for before they pass. How many a read will bring is not always known: then as
    many as usual, and the difference is settled afterwards.
    """

    def __init__(
        self,
        store: Store,
        *,
        bandwidth: TokenBucket | None = None,
        verbs: TokenBucket | None = None,
    ) -> None:
        super().__init__(store)
        self._bandwidth = bandwidth
        self._verbs = verbs
        self._usual = 0.0

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        if self._verbs:
            yield from _paid(self._verbs, 1)
        bandwidth = self._bandwidth
        if bandwidth is None:
            return (yield from flow)
        expected = _size_to_write(verb, call)
        if verb in _WITH_BYTES:
            while bandwidth.is_shut:
                yield Pause(_NAP_SECONDS)
        if verb == "read":
            asked = call.keywords.get("size")
            expected = self._usual if asked is None else asked
        if expected:
            yield from _paid(bandwidth, expected)
        answer = yield from flow
        if isinstance(answer, Piece):
            size = len(answer.body)
            self._usual = _MEMORY * self._usual + (1 - _MEMORY) * size
            if size < expected:
                bandwidth.give_back(expected - size)
            elif size > expected:
                bandwidth.take(size - expected)
        return answer


class Capped(Around):
    """No single exchange goes faster than all of them together may."""

    def __init__(self, store: Store, rate: Rate, clock: Clock) -> None:
        super().__init__(store)
        self._rate = rate
        self._clock = clock

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        del verb, call
        result: Any = None
        error: Exception | None = None
        while True:
            try:
                effect = flow.send(result) if error is None else flow.throw(error)
            except StopIteration as stop:
                value: T = stop.value
                return value
            if type(effect) is Request:
                rate = self._rate(self._clock.now())
                # While nothing may move, bodies are held back before; a listing goes its way.
                effect.speed_max = max(1, int(rate)) if rate else 0
            error = result = None
            try:
                result = yield effect
            except Exception as failure:  # On its way through us, to the flow within.
                error = failure


def _paid(bucket: TokenBucket, amount: float) -> Flow[None]:
    mark = bucket.take(amount)
    while wait := bucket.wait(mark):
        yield Pause(min(wait, _NAP_SECONDS))


def _size_to_write(verb: str, call: partial[Any]) -> float:
    if verb not in ("write", "part"):
        return 0
    body = call.keywords.get("body")
    return len(call.args[1 if verb == "write" else 3] if body is None else body)
