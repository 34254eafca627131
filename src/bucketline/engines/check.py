"""Compare two places and change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.compare.lines import Line, Summary, Symbol, summed
from bucketline.flow.compare.pairs import Judged, Verdict, judged, never
from bucketline.flow.compare.sides import Look, Side, Sides
from bucketline.flow.look.listing import Caller, Unsorted
from bucketline.model import Skip

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
        return summed(self._found)

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
