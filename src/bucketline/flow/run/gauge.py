"""Tells when one core is full and another one idle."""

from __future__ import annotations

import os
import time
from pathlib import Path

_WINDOW_SECONDS = 2.0
_FULL = 0.85  # Of the loop's own thread.
_IDLE_CORES = 0.6  # Less would be taken from whoever else uses this machine.


class Fixed:
    """So many other processes, from the start."""

    def __init__(self, count: int) -> None:
        self._count = count

    def wants_more(self, hands: int) -> bool:
        return hands < self._count


class Cores:
    """Looks at the loop's thread and at the machine, every two seconds."""

    def __init__(self) -> None:
        self._cores = os.cpu_count() or 1
        self._since = time.monotonic()
        self._used = time.thread_time()
        self._idle = _idle_seconds()

    def wants_more(self, hands: int) -> bool:
        now = time.monotonic()
        seconds = now - self._since
        if seconds < _WINDOW_SECONDS or hands + 1 >= self._cores:
            return False
        used, idle = time.thread_time(), _idle_seconds()
        is_full = (used - self._used) / seconds >= _FULL
        has_room = (idle - self._idle) / seconds >= _IDLE_CORES
        self._since, self._used, self._idle = now, used, idle
        return is_full and has_room


def _idle_seconds() -> float:
    """Of all cores together, since the machine started; 0 where nobody tells."""
    try:
        words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        return (int(words[4]) + int(words[5])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
