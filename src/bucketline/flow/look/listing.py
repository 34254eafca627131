"""Pages of a store become entries in key order, fetched ahead, and never trusted."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from operator import lt
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

from bucketline.errors import BadListing, printable
from bucketline.flow.look.raw_pages import Ajar, Always, Caller, Never, Pace, Watch, raw_pages
from bucketline.flow.look.sorting import Sorter, key_of
from bucketline.model import Entry
from bucketline.stores.base import Store
from bucketline.stores.beyond import may_lack

__all__ = ["Caller", "Listing", "Unsorted", "entries"]

T = TypeVar("T")

Entries = list[Entry]

_AHEAD = 2  # Pages that may be fetched, or under way, before anyone asks for them.


class Unsorted(BadListing):
    """Entries came out of order after others were handed on: only a new start, sorting, helps."""


class Listing:
    """One listing of the keys that start with `prefix`, and what was noticed while it was read.

    Pages that come in key order are handed on as they come. On the first disorder everything is
    sorted on disk, if nothing was handed on yet; else `Unsorted` asks for a new start with `sort`.
    `ahead` is for threads; without it pages are fetched when they are wanted, for simulations.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        drive: Caller,
        *,
        sort: bool = False,
        scratch: str | None = None,
        ahead: bool = True,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._drive = drive
        self._sort = sort or not store.able.sorted
        self._scratch = scratch
        self._ahead = ahead
        self._last: Entry | None = None
        self.is_disordered = False
        self.count = 0
        self.notes: list[str] = []

    def entries(self) -> Iterator[Entry]:
        """Each entry once, in the order of the keys' UTF-8 bytes."""
        return chain.from_iterable(self.pages())

    def pages(self) -> Iterator[Entries]:
        """The same as lists; ending early stops the fetching."""
        raw = self._raw()
        pages = self._sorted(raw) if self._sort else self._checked(raw)
        for page in pages:
            self._check_prefix(page)
            self.count += len(page)
            yield page
        if may_lack(self._store, self._prefix):
            self.notes.append(self._doubt())

    def _doubt(self) -> str:
        place = f"{self._store.name}{printable(self._prefix)}"
        return (
            f"{place}: the listing may lack objects: it ended after {self.count:,}, and the server"
            " does not tell whether more follow; name narrower prefixes"
        )

    def _raw(self) -> Iterator[Entries]:
        """Pages as the server sends them; only those in key order can be read at several places."""
        store, prefix, drive = self._store, self._prefix, self._drive
        if not self._ahead:
            pace: Pace = Never() if self._sort else Always()
            return raw_pages(store, prefix, drive, gate=Ajar(), pace=pace)
        gate = _Backlog()
        watch: Pace = Never() if self._sort else Watch()
        return _fetched_ahead(raw_pages(store, prefix, drive, gate=gate, pace=watch), gate)

    def _checked(self, raw: Iterator[Entries]) -> Iterator[Entries]:
        for entries in raw:
            page = self._without_repeat(entries)
            if not page:
                continue
            if not self._follows(page):
                self.is_disordered = True
                if self._last is not None:
                    raise self._unsorted(page)
                yield from self._sorted(chain([page], raw))
                return
            self._last = page[-1]
            yield page

    def _follows(self, page: Entries) -> bool:
        """Whether the page is in strict key order, and after everything before it."""
        if self._last is not None and page[0].key <= self._last.key:
            return False
        keys = list(map(key_of, page))
        return all(map(lt, keys, keys[1:]))

    def _without_repeat(self, page: Entries) -> Entries:
        """Some servers begin a page with the key that ended the one before."""
        if page and self._last is not None and page[0].key == self._last.key:
            if not _agree(page[0], self._last):
                raise self._contradiction(page[0])
            return page[1:]
        return page

    def _sorted(self, raw: Iterable[Entries]) -> Iterator[Entries]:
        sorter = Sorter(self._scratch)
        try:
            for page in raw:
                sorter.extend(page)
            self.notes.append(
                f"{self._store.name}: not listed in key order; {sorter.count} entries sorted here"
            )
            for block in sorter.blocks():
                if page := self._without_twins(block):
                    yield page
        finally:
            sorter.close()

    def _without_twins(self, block: Entries) -> Entries:
        """Equal twins become one; twins that contradict each other prove the listing wrong."""
        page: Entries = []
        for entry in block:
            if self._last is None or entry.key != self._last.key:
                page.append(entry)
            elif not _agree(entry, self._last):
                raise self._contradiction(entry)
            self._last = entry
        return page

    def _check_prefix(self, page: Entries) -> None:
        """In a sorted page, what lies between two keys with the prefix has it too."""
        for entry in (page[0], page[-1]):
            if not entry.key.startswith(self._prefix):
                raise BadListing(
                    f"listed under '{printable(self._prefix)}', where it does not belong",
                    store=self._store.name,
                    key=entry.key,
                )

    def _unsorted(self, page: Entries) -> Unsorted:
        before = self._last.key if self._last is not None else ""
        for entry in page:
            if entry.key <= before:
                break
            before = entry.key
        return Unsorted(
            f"the listing is not in key order: '{printable(entry.key)}'"
            f" comes after '{printable(before)}'",
            store=self._store.name,
        )

    def _contradiction(self, entry: Entry) -> BadListing:
        return BadListing(
            "listed twice, with different contents", store=self._store.name, key=entry.key
        )


def entries(store: Store, prefix: str, drive: Caller) -> Iterator[Entry]:
    """The entries whose keys start with `prefix`, in key order; raises `BadListing`."""
    return Listing(store, prefix, drive).entries()


def _agree(one: Entry, other: Entry) -> bool:
    return (one.size, one.etag, one.version) == (other.size, other.etag, other.version)


class _Backlog:
    """The pages that wait for the consumer."""

    def __init__(self) -> None:
        self.ready: SimpleQueue[Any] = SimpleQueue()
        self.taken = Event()
        self.is_over = False

    def backlog(self) -> int:
        return self.ready.qsize()

    def wait(self) -> bool:
        while not self.is_over:
            self.taken.clear()
            if self.ready.qsize() < _AHEAD:
                return True
            self.taken.wait()
        return False


class _End:
    """What the fetching thread says last: how it ended."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _fetched_ahead(items: Generator[T, None, None], gate: _Backlog) -> Iterator[T]:
    """The same items, produced in a thread of their own as far as the gate lets them."""
    ready = gate.ready

    def produce() -> None:
        try:
            with closing(items):  # Here, since what is under way belongs to this thread.
                for item in items:
                    ready.put(item)
                    if gate.is_over:
                        return
            ready.put(_End())
        except BaseException as error:  # Whatever it is, it belongs to the consumer.
            ready.put(_End(error))

    Thread(target=produce, name="listing", daemon=True).start()
    try:
        while not isinstance(item := ready.get(), _End):
            gate.taken.set()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        gate.is_over = True
        gate.taken.set()
