"""Compare what a proof of delivery says with what a place holds; change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from bucketline.errors import BucketDenied, Remedy, StoreError, Unsupported
from bucketline.flow.compare.lines import Line, Summary, Symbol, summed
from bucketline.flow.look.listing import Caller, Listing, Unsorted
from bucketline.flow.proof.again import Method, Seen, State, look_again
from bucketline.flow.report.delivered import Delivered
from bucketline.model import Entry
from bucketline.settings import holds
from bucketline.stores.base import Flow, Store, Together

_TOGETHER = 256  # Keys that are settled at once.
_WIDTH = 16
Objects = Callable[[], Iterator[Delivered]]  # In key order, as often as it is asked.


@dataclass(frozen=True, slots=True)
class Where:
    """A store, and which keys of it take part: `p/`, or `p` for the object p and all below p/."""

    store: Store
    prefix: str = ""
    strip: str | None = None  # What the proof's keys begin with instead.

    def key_of(self, key: str) -> str:
        """The key at this place; "" = it has none here."""
        if self.strip is None:
            return key if self.holds(key) else ""
        return self.prefix + key.removeprefix(self.strip) if key.startswith(self.strip) else ""

    def holds(self, key: str) -> bool:
        return holds(self.prefix, key)


class _Pair(NamedTuple):
    """What the proof says of a key, and what the place's listing does."""

    key: str
    told: Delivered | None
    entry: Entry | None


class Against:
    """One comparison. The proof stands where `check` has the source."""

    def __init__(
        self,
        where: Where,
        drive: Caller,
        *,
        reads: bool = False,
        chosen: Callable[[str], bool] | None = None,
    ) -> None:
        self._where = where
        self._drive = drive
        self._reads = reads  # Every byte, whatever the place says.
        self._chosen = chosen  # None = all; then the place is listed, and strangers are told.
        self._found: Counter[Symbol] = Counter()
        self.outside = 0  # Objects of the proof that cannot be at this place.
        self.left_out = 0  # Not chosen.

    @property
    def summary(self) -> Summary:
        """Final when the lines have ended."""
        return summed(self._found)

    def lines(self, objects: Objects) -> Iterator[Line]:
        """What became of each key, in key order."""
        try:
            yield from self._look(objects, sort=False)
        except Unsorted as error:
            yield Line(Symbol.VOID, "", f"started over: {error}")
            yield from self._look(objects, sort=True)

    def _look(self, objects: Objects, *, sort: bool) -> Iterator[Line]:
        self._found.clear()
        self.outside = self.left_out = 0
        here = self._here(objects())
        if self._chosen is None:
            pairs = _paired(here, self._listed(sort=sort))
        else:
            self._knock()
            pairs = (_Pair(key, told, None) for key, told in here)
        while some := list(islice(pairs, _TOGETHER)):
            for line in self._drive.call(self._settled(some)):
                self._found[line.symbol] += 1
                yield line

    def _here(self, objects: Iterable[Delivered]) -> Iterator[tuple[str, Delivered]]:
        for one in objects:
            key = self._where.key_of(one.key)
            if not key:
                self.outside += 1
            elif self._chosen is not None and not self._chosen(one.key):
                self.left_out += 1
            else:
                yield key, one

    def _listed(self, *, sort: bool) -> Iterator[Entry]:
        where = self._where
        listing = Listing(where.store, where.prefix, self._drive, sort=sort)
        return (entry for entry in listing.entries() if where.holds(entry.key))

    def _knock(self) -> None:
        try:
            self._drive.call(self._where.store.page())
        except BucketDenied:
            return  # To list is more than a sample needs.

    def _settled(self, pairs: list[_Pair]) -> Flow[list[Line]]:
        lines: list[Line] = yield Together([self._line(pair) for pair in pairs], width=_WIDTH)
        return lines

    def _line(self, pair: _Pair) -> Flow[Line]:
        key, told, entry = pair
        if told is None:
            return Line(Symbol.ONLY_TARGET, key, target_size=entry.size if entry else None)
        if entry is None and self._chosen is None:
            return Line(Symbol.ONLY_SOURCE, key, source_size=told.size)
        if entry is not None and not self._reads:
            if entry.size != told.size:
                return Line(Symbol.DIFFERS, key, "size", told.size, entry.size)
            if self._is_told_same(told, entry):
                return Line(Symbol.EQUAL, key, "", told.size, entry.size)
        return (yield from self._looked_at(key, told))

    def _is_told_same(self, told: Delivered, entry: Entry) -> bool:
        """By an etag that is a hash of the bytes, or that the place gave to them then."""
        if entry.stamp or not entry.etag:
            return False
        known = {told.target_etag}
        if self._where.store.able.etag_is_md5:
            known |= {told.hashes.get("md5", ""), told.hashes.get("md5-parts", "")}
        return entry.etag in known

    def _looked_at(self, key: str, told: Delivered) -> Flow[Line]:
        try:
            seen = yield from self._seen(key, told)
        except StoreError as error:
            if error.remedy is Remedy.STOP:
                raise
            return Line(Symbol.UNKNOWN, key, error.message, told.size)
        if seen.state is State.OK:
            return Line(Symbol.EQUAL, key, "", told.size, told.size)
        if seen.state is State.MISSING:
            return Line(Symbol.ONLY_SOURCE, key, source_size=told.size)
        return Line(Symbol.DIFFERS, key, seen.why, told.size)

    def _seen(self, key: str, told: Delivered) -> Flow[Seen]:
        wanted = told.to_verify(key)
        if not self._reads:
            try:
                return (yield from look_again(wanted, self._where.store, Method.CHECKSUM))
            except Unsupported:
                pass  # What it says does not tell: its bytes will.
        return (yield from look_again(wanted, self._where.store, Method.READ))


def _paired(objects: Iterator[tuple[str, Delivered]], entries: Iterator[Entry]) -> Iterator[_Pair]:
    """Each key on either side once, in key order."""
    told, entry = next(objects, None), next(entries, None)
    while told is not None or entry is not None:
        if entry is None or (told is not None and told[0] < entry.key):
            assert told is not None
            yield _Pair(*told, None)
            told = next(objects, None)
        elif told is None or entry.key < told[0]:
            yield _Pair(entry.key, None, entry)
            entry = next(entries, None)
        else:
            yield _Pair(*told, entry)
            told, entry = next(objects, None), next(entries, None)
