"""How far a run of the ring fsck is, on stderr: a line that changes, one now and then, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bucketline.cli.invocation import Invocation
from bucketline.cli.printer import as_json
from bucketline.cli.progress import JSON_SECONDS, PLAIN_SECONDS, SCREEN_SECONDS, is_watched
from bucketline.clock import Clock
from bucketline.engines.ring.going import Going

_ERASE = "\r\033[K"


class Shown:
    """Takes every change, and shows some."""

    def __init__(self, invocation: Invocation, clock: Clock) -> None:
        self._printer = invocation.printer
        self._clock = clock
        kind = invocation.progress
        self._is_line = is_watched(kind)
        kinds: dict[str, tuple[float, Callable[[Going], None]]] = {
            "json": (JSON_SECONDS, self._json),
            "none": (0.0, lambda _: None),
        }
        usual = (SCREEN_SECONDS, self._line) if self._is_line else (PLAIN_SECONDS, self._plain)
        self._every_seconds, self._show = kinds.get(kind, usual)
        self._last = clock.monotonic()

    def __call__(self, going: Going) -> None:
        now = self._clock.monotonic()
        if not going.phase:
            self._clear()
        elif now - self._last >= self._every_seconds:
            self._last = now
            self._show(going)

    def _clear(self) -> None:
        """Something else is printed next."""
        if self._is_line:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    def _line(self, going: Going) -> None:
        sys.stderr.write(f"{_ERASE}{going}")
        sys.stderr.flush()

    def _plain(self, going: Going) -> None:
        self._printer.notice(str(going))

    def _json(self, going: Going) -> None:
        head = {"event": "progress", "time": round(self._clock.now(), 3), "phase": going.phase}
        count = {"done": going.done, "total": going.total, "unit": going.unit}
        self._printer.notice(as_json({**head, **count, "rows": going.rows}))
