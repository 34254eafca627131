"""Compare two places and change nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bucketline.errors import DiskError
from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.compare.pairs import Judged, Verdict, judged, never
from bucketline.flow.compare.sides import Look, Side, Sides
from bucketline.flow.look.listing import Caller, Unsorted
from bucketline.model import Skip


class Symbol(Enum):
    """The signs of rclone's combined report, and one more."""

    EQUAL = "="
    ONLY_TARGET = "-"  # Missing at the source.
    ONLY_SOURCE = "+"  # Missing at the target.
    DIFFERS = "*"
    UNKNOWN = "!"  # Could not be compared.
    VOID = "~"  # A listing came without order: the lines before this one do not count.


@dataclass(frozen=True, slots=True)
class Line:
    """What was found out about one key."""

    symbol: Symbol
    key: str  # Behind the prefix.
    reason: str = ""
    source_size: int | None = None
    target_size: int | None = None

    def as_json(self) -> str:
        """One line of a report; a failure file's reader finds the key in it."""
        row = {
            "symbol": self.symbol.value,
            "key": self.key,
            "reason": self.reason,
            "source_size": self.source_size,
            "target_size": self.target_size,
        }
        return json.dumps({name: value for name, value in row.items() if value not in ("", None)})


@dataclass(frozen=True, slots=True)
class Summary:
    """How many keys were found in which state."""

    equal: int = 0
    only_source: int = 0
    only_target: int = 0
    differs: int = 0
    unknown: int = 0

    @property
    def exit_code(self) -> int:
        """3 = differences; 1 = none, but some keys could not be compared; 0 = the same."""
        if self.only_source or self.only_target or self.differs:
            return 3
        return 1 if self.unknown else 0


_SYMBOLS = {
    Verdict.SAME: Symbol.EQUAL,
    Verdict.MISSING: Symbol.ONLY_SOURCE,
    Verdict.EXTRA: Symbol.ONLY_TARGET,
    Verdict.DOUBT: Symbol.UNKNOWN,
}


class Check:
    """One comparison of two sides."""

    def __init__(
        self, source: Side, target: Side, look: Look, drive: Caller, ledger_known: Lookup
    ) -> None:
        self._sides = Sides(source, target, drive, look)
        self._ledger_known = ledger_known
        self._found: Counter[Symbol] = Counter()

    @property
    def compare_said(self) -> str:
        """What the comparison rests on, for the output."""
        return self._sides.rule.said

    @property
    def notes(self) -> list[str]:
        """What a person should know of the listings."""
        return self._sides.notes

    @property
    def summary(self) -> Summary:
        """Final when the lines have ended."""
        found = self._found
        return Summary(
            equal=found[Symbol.EQUAL],
            only_source=found[Symbol.ONLY_SOURCE],
            only_target=found[Symbol.ONLY_TARGET],
            differs=found[Symbol.DIFFERS],
            unknown=found[Symbol.UNKNOWN],
        )

    def lines(self, *, every: bool = False) -> Iterator[Line]:
        """What differs, in key order; with `every`, what is equal too."""
        self._sides.resolve()
        while True:
            self._found.clear()
            try:
                yield from self._look(every=every)
            except Unsorted as error:
                self._sides.sort_after(error)
                yield Line(Symbol.VOID, "", f"started over: {error}")
            else:
                return

    def _look(self, *, every: bool) -> Iterator[Line]:
        sides = self._sides
        pairs = sides.differences(never if every else sides.rule.is_same)
        for one in judged(pairs, sides.rule, sides.settle(self._ledger_known)):
            if isinstance(one, Skip):
                self._found[Symbol.EQUAL] += one.count
                continue
            line = self._line(one)
            self._found[line.symbol] += 1
            if every or line.symbol is not Symbol.EQUAL:
                yield line
        for name, why in sides.refused_anywhere():
            self._found[Symbol.UNKNOWN] += 1
            yield Line(Symbol.UNKNOWN, name, why)

    def _line(self, one: Judged) -> Line:
        source, target = one.pair
        symbol = _SYMBOLS.get(one.verdict, Symbol.DIFFERS)
        return Line(
            symbol,
            self._sides.tail(one.pair),
            one.verdict.value if symbol in (Symbol.DIFFERS, Symbol.UNKNOWN) else "",
            source.size if source else None,
            target.size if target else None,
        )


def reported(lines: Iterable[Line], path: Path) -> Iterator[Line]:
    """The same lines, written as JSON lines to a file that appears when all are in it."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for line in lines:
                if line.symbol is Symbol.VOID:
                    file.truncate(file.seek(0))
                else:
                    file.write(f"{line.as_json()}\n")
                yield line
        unfinished.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write the report {path}: {error.strerror}") from error
