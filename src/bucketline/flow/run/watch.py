"""Run again and again: two sides kept equal, through outages of either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bucketline.clock import Clock
from bucketline.errors import Remedy, StoreError
from bucketline.flow.run.terms import Ran, Stop
from bucketline.model import Tally
from bucketline.sizes import show_seconds

_FIRST_PAUSE_SECONDS = 5.0  # After a failure; each further one takes twice as long.
_PAUSE_MAX_SECONDS = 300.0
_NAP_SECONDS = 0.2  # A wish to stop is heard at least so often.


class Absent(StoreError):
    """What a pass needs is not there now; it may come back."""

    remedy = Remedy.RETRY


@dataclass(frozen=True, slots=True)
class Watch:
    """How to watch."""

    clock: Clock
    stop: Stop
    say: Callable[[str], None]
    every_seconds: float = 60.0
    ends: float | None = None  # By the monotonic clock; None = when somebody asks for it.


def watch(once: Callable[[], Ran], terms: Watch) -> Ran:
    """The end of the last pass.

    What may pass by itself is waited out. What is wrong with the settings ends it, but only before
    the first good pass: later it is the world that has changed, and may change back.
    """
    has_worked, failures = False, 0
    while True:
        ran = Ran("failed", Tally())
        try:
            ran = once()
            has_worked, failures = True, 0
        except StoreError as error:
            if not has_worked and error.remedy is not Remedy.RETRY:
                raise
            failures += 1
            pause = _pause(failures, terms.every_seconds)
            terms.say(f"{error}; watching goes on, next look in {show_seconds(pause)}")
        if terms.stop.drain or rest(terms, _pause(failures, terms.every_seconds)):
            return ran


def _pause(failures: int, every_seconds: float) -> float:
    if not failures:
        return every_seconds
    longest: float = max(every_seconds, _PAUSE_MAX_SECONDS)
    pause: float = _FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 10)
    return min(longest, pause)


def rest(terms: Watch, seconds: float) -> bool:
    """Let time pass; whether it is time to end."""
    until = terms.clock.monotonic() + seconds
    while not terms.stop.drain:
        now = terms.clock.monotonic()
        if terms.ends is not None and now >= terms.ends:
            return True
        if now >= until:
            return False
        terms.clock.sleep(min(_NAP_SECONDS, until - now))
    return True
