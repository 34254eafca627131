"""How it goes, on stderr: a bar for a person, a line now and then, or JSON for a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bucketline.cli.endpoints import Down, Meter
from bucketline.cli.printer import Printer, as_json
from bucketline.clock import Clock
from bucketline.errors import printable
from bucketline.flow.run.terms import Stop
from bucketline.model import Action, Tally
from bucketline.sizes import show_seconds, show_size

if TYPE_CHECKING:
    from bucketline.cli.progress_rich import Screen

PLAIN_SECONDS = 30.0
JSON_SECONDS = 1.0
SCREEN_SECONDS = 0.2
_SLOW_SECONDS = 5.0
_WINDOW_SECONDS = 10.0  # Rates are of so much of the past.


class Moment(NamedTuple):
    """How a run stands."""

    tally: Tally
    found: int  # How many objects the source is known to hold by now.
    objects_per_second: float
    bytes_per_second: float
    slow: tuple[str, float] | None  # The object that has been under way longest, and how long.
    down: Sequence[Down] = ()  # Sides that are waited for.

    @property
    def handled(self) -> int:
        return self.tally.listed - self.tally.under_way

    @property
    def seconds_left(self) -> float | None:
        """None = there is nothing to tell it by."""
        left = self.found - self.handled
        return left / self.objects_per_second if left > 0 and self.objects_per_second else None

    def __str__(self) -> str:
        tally = self.tally
        parts = [
            f"{self.handled:,} of {max(self.found, self.handled):,} found",
            f"done {tally.done:,}",
            *([f"failed {tally.failed:,}"] if tally.failed else []),
            *([f"waiting {tally.waiting:,}"] if tally.waiting else []),
            show_size(tally.bytes_done),
            f"{show_size(self.bytes_per_second)}/s",
            f"{self.objects_per_second:,.0f} objects/s",
        ]
        if self.seconds_left is not None:
            parts.append(f"about {show_seconds(self.seconds_left)} left")
        if self.slow:
            parts.append(f"slow: {printable(self.slow[0])} ({show_seconds(self.slow[1])})")
        parts += map(str, self.down)
        return " · ".join(parts)


class Face(Protocol):
    """One way to show it."""

    def show(self, moment: Moment) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


@dataclass
class Watcher:
    """Takes what the loop shows and paces it for a face."""

    face: Face
    every_seconds: float
    clock: Clock
    stop: Stop
    found: Callable[[], int]
    meter: Meter
    _shown: float = 0.0
    _past: list[tuple[float, int, int]] = field(default_factory=list)
    _said_draining: bool = False
    _latest: tuple[Tally, Mapping[Action, float]] | None = None

    def seen(self, tally: Tally, running: Mapping[Action, float]) -> None:
        now = self.clock.monotonic()
        if self.stop.drain and not self._said_draining:
            self._said_draining = True
            self.face.say("finishing what is under way; once more stops at once (safe too)")
        for news in self.meter.endpoints.news():
            self.face.say(news)
        self.meter.tick()
        self._latest = (tally, running)
        self._shown = self._shown or now
        self._past.append((now, tally.listed - tally.under_way, tally.bytes_done))
        if now - self._shown >= self.every_seconds:
            self._shown = now
            self.face.show(self._moment(now, tally, running))

    def end(self) -> None:
        """Show how it stands at the end, where that stays to be seen."""
        if self._latest is not None:
            tally, _ = self._latest
            self.face.show(self._moment(self.clock.monotonic(), tally, {}))

    def _moment(self, now: float, tally: Tally, running: Mapping[Action, float]) -> Moment:
        while len(self._past) > 2 and now - self._past[0][0] > max(
            _WINDOW_SECONDS, self.every_seconds
        ):
            del self._past[0]
        then, objects, size = self._past[0]
        seconds = max(now - then, 0.001)
        slow = None
        if running:
            action, since = min(running.items(), key=lambda item: item[1])
            slow = (action.key, now - since) if now - since >= _SLOW_SECONDS else None
        return Moment(
            tally,
            self.found(),
            (tally.listed - tally.under_way - objects) / seconds,
            (tally.bytes_done - size) / seconds,
            slow,
            self.meter.endpoints.down(),
        )


class Plain:
    """A line now and then."""

    def __init__(self, printer: Printer, hop: str) -> None:
        self._printer = printer
        self._hop = f"{hop}: " if hop else ""

    def show(self, moment: Moment) -> None:
        self._printer.notice(f"{self._hop}{moment}")

    def say(self, text: str) -> None:
        self._printer.notice(f"{self._hop}{text}")

    def close(self) -> None:
        """Lines need no end."""


class Json:
    """One JSON object a line."""

    def __init__(self, printer: Printer, clock: Clock, run: str, hop: str) -> None:
        self._printer = printer
        self._clock = clock
        self._run = run
        self._hop = {"hop": hop} if hop else {}

    def show(self, moment: Moment) -> None:
        tally, left = moment.tally, moment.seconds_left
        self._send(
            "progress",
            found=moment.found,
            listed=tally.listed,
            skipped=tally.skipped,
            done=tally.done,
            failed=tally.failed,
            waiting=tally.waiting,
            under_way=tally.under_way,
            bytes=tally.bytes_done,
            objects_per_second=round(moment.objects_per_second, 1),
            bytes_per_second=round(moment.bytes_per_second),
            seconds_left=None if left is None else round(left, 1),
            slow=moment.slow and {"key": moment.slow[0], "seconds": round(moment.slow[1], 1)},
            down=[down.as_record() for down in moment.down],
        )

    def say(self, text: str) -> None:
        self._send("note", message=text)

    def close(self) -> None:
        """Lines need no end."""

    def _send(self, event: str, **fields: Any) -> None:
        head = {"event": event, "time": round(self._clock.now(), 3), "run": self._run}
        self._printer.notice(as_json({**head, **self._hop, **fields}))


class Nothing:
    """Silence."""

    def show(self, moment: Moment) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


@contextmanager
def watching(
    kind: str | Screen,
    printer: Printer,
    *,
    stop: Stop,
    run: str,
    found: Callable[[], int],
    meter: Meter,
    hop: str = "",
) -> Iterator[Watcher]:
    """A watcher for the loop; `kind` as --progress says it, or what several runs share."""
    clock = meter.endpoints.clock
    if isinstance(kind, str):
        face, every_seconds = _face(kind, printer, clock, run, hop)
    else:
        face, every_seconds = kind.face(hop), SCREEN_SECONDS
    watcher = Watcher(face, every_seconds, clock, stop, found, meter)
    try:
        yield watcher
    finally:
        if not isinstance(kind, str):
            watcher.end()
        face.close()


@contextmanager
def one_screen(
    kind: str, hops: Sequence[str], between: Callable[[], Sequence[str]]
) -> Iterator[Screen | None]:
    """One screen for several runs side by side, where a person looks at it."""
    if not is_watched(kind):
        yield None
        return
    from bucketline.cli.progress_rich import Screen

    screen = Screen(hops, between)
    try:
        yield screen
    finally:
        screen.close()


def is_watched(kind: str) -> bool:
    return kind == "auto" and sys.stderr.isatty()


def _face(kind: str, printer: Printer, clock: Clock, run: str, hop: str) -> tuple[Face, float]:
    if is_watched(kind) and not hop:  # Two bars would fight for the screen.
        # Imported here: rich costs a tenth of a second that nobody off a screen should pay.
        from bucketline.cli.progress_rich import Bar

        return Bar(), SCREEN_SECONDS
    if kind == "json":
        return Json(printer, clock, run, hop), JSON_SECONDS
    if kind == "none":
        return Nothing(), PLAIN_SECONDS
    return Plain(printer, hop), PLAIN_SECONDS
