"""What a service manager hears of a relay: that it is ready, what it does, that it is alive."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bucketline.clock import SystemClock
from bucketline.settings import Environment


class Systemd:
    """Speaks systemd's protocol of notifications; without a manager, to nobody."""

    def __init__(self, environment: Environment) -> None:
        self._address = environment.first("NOTIFY_SOCKET")
        microseconds = environment.first("WATCHDOG_USEC") if self._address else ""
        self.watchdog_seconds = int(microseconds) / 1e6 if microseconds.isdigit() else 0.0

    def say(self, **words: str) -> None:
        """READY, STATUS, STOPPING, WATCHDOG. A manager that does not listen is no trouble."""
        if not self._address:
            return
        text = "\n".join(f"{name}={word}" for name, word in words.items())
        address = self._address
        if address.startswith("@"):  # One that is no file.
            address = "\0" + address[1:]
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.sendto(text.encode(), address)


class Pulse(SystemClock):
    """The machine's clock, which notes when a hop looks at it: each does, all the time.

    As long as each of them did lately, the watchdog hears that all is well; a hop that hangs makes
    it fall silent, and the manager starts the relay again.
    """

    def __init__(self, systemd: Systemd) -> None:
        self.systemd = systemd
        self._seconds = systemd.watchdog_seconds
        self._seen: dict[int, float] = {}
        self._said = 0.0

    def monotonic(self) -> float:
        now = super().monotonic()
        if self._seconds:
            self._beat(now)
        return now

    def sleep(self, seconds: float) -> None:
        self.monotonic()
        super().sleep(seconds)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The thread that calls is expected to look at the clock until the end of the block."""
        thread = threading.get_ident()
        self._seen[thread] = super().monotonic()
        try:
            yield
        finally:
            del self._seen[thread]

    def _beat(self, now: float) -> None:
        thread = threading.get_ident()
        if thread not in self._seen:  # One that plans may wait for long, and is none of a hop.
            return
        self._seen[thread] = now
        if now - self._said < self._seconds / 4:
            return
        if all(now - seen < self._seconds / 2 for seen in list(self._seen.values())):
            self._said = now
            self.systemd.say(WATCHDOG="1")
