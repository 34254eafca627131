"""A rate that changes with the hour of the week, as people write it: "08:00,10M 19:00,off"."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from bucketline.errors import UsageError
from bucketline.sizes import parse_size

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
STOP = "stop"  # Nothing moves until the next change.
_CHANGE = re.compile(r"(?:([A-Za-z]{3})-)?(\d{1,2}):(\d{2}),(\S+)").fullmatch


@dataclass(frozen=True, slots=True)
class Timetable:
    """What holds when, in local time."""

    # Minute of the week from Monday 0:00, and the rate from then on (None = no limit), in order.
    # One alone holds for ever.
    changes: tuple[tuple[int, int | None], ...]

    def rate(self, now: float) -> int | None:
        """Bytes per second that hold at `now` (seconds since 1970); None = no limit."""
        if len(self.changes) == 1:
            return self.changes[0][1]
        local = time.localtime(now)
        return self.rate_at(local.tm_wday * _DAY_MINUTES + local.tm_hour * 60 + local.tm_min)

    def rate_at(self, minute: int) -> int | None:
        """The same, by the minute of the week."""
        index = bisect_right(self.changes, minute, key=lambda change: change[0]) - 1
        return self.changes[index][1]  # Before the first change the week's last one still holds.


def parse_timetable(text: str) -> Timetable:
    """`10M`, `off`, `08:00,10M 19:00,off` or `Mon-08:00,stop Fri-19:00,off`."""
    words = text.split()
    if words == [STOP]:
        raise UsageError(
            f"{text!r} alone moves nothing, ever; say until when: 08:00,stop 19:00,off"
        )
    if len(words) == 1 and "," not in words[0]:
        return Timetable(((0, _rate(words[0])),))
    changes: dict[int, int | None] = {}
    for word in words:
        for minute, rate in _changes(word):
            if changes.setdefault(minute, rate) != rate:
                raise UsageError(f"{text!r} says two rates for one time; leave one of them")
    if changes and not any(rate is None or rate for rate in changes.values()):
        raise UsageError(f"{text!r}: nothing would ever move; say a time at which it may")
    if not changes:
        raise UsageError(f"{text!r} is no rate; write 10M, off, or as in 08:00,10M 19:00,off")
    return Timetable(tuple(sorted(changes.items())))


def _changes(word: str) -> Iterator[tuple[int, int | None]]:
    """A time without a day is one of each day."""
    match = _CHANGE(word)
    hour, minute = (int(match[2]), int(match[3])) if match else (24, 0)
    day = (match[1] or "").lower() if match else ""
    if match is None or hour > 23 or minute > 59 or (day and day not in _DAYS):
        raise UsageError(
            f"{word!r} is no entry of a timetable; write HH:MM,RATE or Mon-HH:MM,RATE,"
            " as in 08:00,10M 19:00,off"
        )
    rate = _rate(match[4])
    for number, name in enumerate(_DAYS):
        if day in ("", name):
            yield number * _DAY_MINUTES + hour * 60 + minute, rate


def _rate(word: str) -> int | None:
    if word.lower() == STOP:
        return 0
    return None if word.lower() == "off" else parse_size(word)
