"""How far a run of the ring fsck is: phase by phase, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class Going:
    """What is done of a phase; each change is told at once, and paced by who shows it."""

    def __init__(self, show: Callable[[Going], None] = lambda _: None) -> None:
        self._show = show
        self.phase = ""  # "" = nothing is under way.
        self.unit = ""  # Of what `done` and `total` count; "" = nobody can tell before the end.
        self.done = 0
        self.total = 0
        self.rows = 0  # Of its dataset, written by now.

    def through(self, phase: str, unit: str, items: Sequence[T]) -> Iterator[T]:
        """The items, one after the other, each told once it is done with."""
        self.begin(phase, unit, len(items))
        for item in items:
            yield item
            self.step(1)

    def begin(self, phase: str, unit: str = "", total: int = 0) -> None:
        if phase != self.phase:
            self.rows = 0
        self.phase, self.unit, self.done, self.total = phase, unit, 0, total
        self._show(self)

    def step(self, count: int) -> None:
        self.done += count
        self._show(self)

    def wrote(self, name: str, rows: int) -> None:
        """Of a dataset; another than the phase's own is written beside it, and not counted."""
        if name == self.phase:
            self.rows += rows
            self._show(self)

    def end(self) -> None:
        """Something else is told now."""
        self.begin("")

    def __str__(self) -> str:
        parts: Iterable[str] = (
            f"{self.done:,} of {self.total:,} {self.unit}" if self.unit else "",
            f"{self.rows:,} rows" if self.rows else "",
        )
        return f"{self.phase}: {', '.join(filter(None, parts)) or 'begun'}"
