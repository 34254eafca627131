"""How many steps are under way at once: so many, or as many as prove to be of use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import ceil
from typing import NamedTuple, Protocol

WIDTH = 64
WIDTH_MIN, WIDTH_MAX = 4, 512
_STEP_BYTES = 64 << 10  # What a step costs beside its bytes, in bytes: rates of any mix compare.
_ROUND_SECONDS, _ROUND_SECONDS_MAX = 1.0, 8.0
_UP, _DOWN, _BACK_OFF = 1.5, 0.7, 0.6
_GAIN, _LOSS = 1.08, 0.97  # Less than that may be chance.
_REST_ROUNDS = 6  # After a trial that was of no use.
_REST_ROUNDS_BUSY = 20  # After a server asked for less.
_CPU_FULL = 0.9  # Of a core: more at once could only wait for us.


class Pace(Protocol):
    """Asked by the loop all the time; told of each step that ended well."""

    @property
    def width(self) -> int:
        """So many at once, at most."""

    def ended(self, size: int) -> None:
        """A step ended that moved so many bytes."""

    def adjust(self, now: float, *, is_full: bool) -> None:
        """Called now and then; `is_full` when every place was taken."""


@dataclass(frozen=True, slots=True)
class Steady:
    """As many as a person said."""

    width: int = WIDTH

    def ended(self, size: int) -> None: ...

    def adjust(self, now: float, *, is_full: bool) -> None: ...


class _Trial(Enum):
    NONE = 0
    UP = 1
    DOWN = 2


class _Round(NamedTuple):
    """What the world's counters said when a round began."""

    since: float
    cpu: float
    busy: int


@dataclass(slots=True)
class Adaptive:
    """Tries more at once as long as that moves more, and fewer when a server asks for it.

    A round is as long as it takes every place to be used once or so. After each the rate is
    compared with the one before the last change: a trial that brought nothing is taken back.
    """

    busy: Callable[[], int] = int  # How often a server said "slow down" so far.
    cpu: Callable[[], float] = float  # CPU seconds that this process has used so far.
    width: int = WIDTH
    _work: int = 0
    _steps: int = 0
    _was_full: bool = False
    _round: _Round | None = None
    _trial: _Trial = _Trial.NONE
    _before: tuple[int, float] = (WIDTH, 0.0)  # Width and rate before the trial.
    _rest: int = 0
    _next: _Trial = field(default=_Trial.UP)

    def ended(self, size: int) -> None:
        self._work += size + _STEP_BYTES
        self._steps += 1

    def adjust(self, now: float, *, is_full: bool) -> None:
        begun = self._round
        self._was_full = self._was_full or is_full
        if begun is None:
            self._begin(now)
            return
        seconds = now - begun.since
        is_over = seconds >= _ROUND_SECONDS and self._steps >= self.width
        if not is_over and seconds < _ROUND_SECONDS_MAX:
            return
        if self.busy() > begun.busy:
            self._back_off()
        elif self._was_full and self._steps:
            is_spent = (self.cpu() - begun.cpu) / seconds >= _CPU_FULL
            self._judge(self._work / seconds, is_spent=is_spent)
        self._begin(now)

    def _begin(self, now: float) -> None:
        self._round = _Round(now, self.cpu(), self.busy())
        self._work = self._steps = 0
        self._was_full = False

    def _back_off(self) -> None:
        self.width = max(WIDTH_MIN, int(self.width * _BACK_OFF))
        self._trial, self._next, self._rest = _Trial.NONE, _Trial.UP, _REST_ROUNDS_BUSY

    def _judge(self, rate: float, *, is_spent: bool) -> None:
        width, before = self._before
        if self._trial is _Trial.UP and rate < before * _GAIN:
            self._take_back(width, _Trial.DOWN)
        elif self._trial is _Trial.DOWN and rate < before * _LOSS:
            self._take_back(width, _Trial.UP)
        elif self._trial is not _Trial.NONE:  # It was of use: further that way.
            # On the way down small losses must not add up.
            rate = max(rate, before) if self._trial is _Trial.DOWN else rate
            self._try(self._trial, rate, is_spent=is_spent)
        elif self._rest:
            self._rest -= 1
        else:
            self._try(self._next, rate, is_spent=is_spent)

    def _take_back(self, width: int, then: _Trial) -> None:
        self.width, self._trial, self._next, self._rest = width, _Trial.NONE, then, _REST_ROUNDS

    def _try(self, trial: _Trial, rate: float, *, is_spent: bool) -> None:
        self._before = (self.width, rate)
        if trial is _Trial.UP:
            wanted = self.width if is_spent else min(WIDTH_MAX, ceil(self.width * _UP))
        else:
            wanted = max(WIDTH_MIN, int(self.width * _DOWN))
        if wanted == self.width:  # As far as it goes.
            other = _Trial.DOWN if trial is _Trial.UP else _Trial.UP
            self._trial, self._next, self._rest = _Trial.NONE, other, _REST_ROUNDS
            return
        self.width, self._trial = wanted, trial
