"""Whether an endpoint may be used: closed while it works, open after faults, then one probe.

Pure: time comes as an argument. What ends is told with the epoch in which it began, since what
was begun before an endpoint opened says nothing about the endpoint that came back.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

_ROW = 0b11111  # Five faults in a row …
_WINDOW = (1 << 20) - 1
_FAULTS_MAX = 10  # … or so many of the last twenty open it.
FIRST_SECONDS = 5.0
_LAST_SECONDS = 240.0  # With its random part, five minutes.
_RANDOM_SHARE = 0.25
_PROVEN = 20  # Successes in a row after which the next opening counts as the first.
_PROBE_SECONDS = 90.0  # A probe of which nothing was heard for so long leaves its place to another.


class Phase(Enum):
    """How a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """The judgement about one endpoint. Belongs to whoever holds the pool's lock."""

    __slots__ = (
        "_chance",
        "_is_suspected",
        "_level",
        "_opened_at",
        "_pause",
        "_proven",
        "_seconds_open",
        "_window",
        "due",
        "epoch",
        "is_closed",
        "phase",
        "times_opened",
    )

    def __init__(self, chance: Callable[[], float]) -> None:
        self.phase = Phase.CLOSED
        self.is_closed = True  # The same, for those who ask at each exchange.
        self.epoch = 0  # Grows at each opening and at each closing.
        self.times_opened = 0
        self.due = 0.0  # When the next probe may go.
        self._chance = chance
        self._window = 0  # The last twenty ends, a bit each, the latest lowest; 1 = a fault.
        self._level = 0  # How often it opened without proving itself in between.
        self._proven = 0
        self._pause = 0.0
        self._opened_at = 0.0
        self._is_suspected = False
        self._seconds_open = 0.0

    @property
    def is_calm(self) -> bool:
        """Whether another success would tell nothing."""
        return not (self._window or self._level) and self.is_closed

    def seconds_open(self, now: float) -> float:
        """How long it was not closed, all in all."""
        return self._seconds_open + (0.0 if self.is_closed else now - self._opened_at)

    def probes(self, now: float) -> bool:
        """Whether who asks is to be the probe; then nobody else is, until it has ended."""
        if self.is_closed or now < self.due:
            return False
        self.phase = Phase.HALF_OPEN
        self.due = now + _PROBE_SECONDS
        return True

    def ask_now(self, now: float, *, is_suspected: bool) -> None:
        """The next probe need not wait. If it succeeds, one that is only suspected never opened."""
        if not self.is_closed:
            self.due = min(self.due, now)
            self._is_suspected = is_suspected

    def success(self, epoch: int, now: float) -> None:
        """An exchange brought an answer."""
        if epoch != self.epoch:
            return
        if not self.is_closed:
            self._close(now)
        elif self._window or self._level:
            self._window = self._window << 1 & _WINDOW
            self._proven += 1
            is_long = now >= self.due + self._pause  # It has held for longer than it was shut.
            if self._proven >= _PROVEN and is_long:
                self._level = 0

    def fault(self, epoch: int, now: float, *, is_final: bool = False) -> bool:
        """An exchange brought none; whether that opened it. `is_final`: one such is enough."""
        if epoch != self.epoch:
            return False
        if not self.is_closed:
            self._shut(now)
            return False
        self._window = (self._window << 1 | 1) & _WINDOW
        self._proven = 0
        is_row = self._window & _ROW == _ROW
        if not (is_final or is_row or self._window.bit_count() >= _FAULTS_MAX):
            return False
        self.times_opened += 1
        self._opened_at = now
        self._shut(now)
        return True

    def _shut(self, now: float) -> None:
        self._is_suspected = False
        longest = min(_LAST_SECONDS, FIRST_SECONDS * 2 ** min(self._level, 10))
        self._pause = longest * (1.0 + _RANDOM_SHARE * self._chance())
        self._level += 1
        self.phase, self.is_closed = Phase.OPEN, False
        self.epoch += 1
        self.due = now + self._pause

    def _close(self, now: float) -> None:
        self._seconds_open += now - self._opened_at
        self.times_opened -= self._is_suspected
        self._level -= self._is_suspected
        self._is_suspected = False
        self.phase, self.is_closed = Phase.CLOSED, True
        self.epoch += 1
        self._window = self._proven = 0
        self.due = now
