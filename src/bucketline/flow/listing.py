"""Pages of a store become entries in key order, fetched ahead, and never trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from operator import lt
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Protocol, TypeVar

from bucketline.errors import BadListing, printable
from bucketline.flow.sorting import Sorter, key_of
from bucketline.model import Entry
from bucketline.stores.base import Flow, Page, Store

T = TypeVar("T")

Entries = list[Entry]

_AHEAD = 2  # Pages that may be fetched, or under way, before anyone asks for them.
_EMPTY_PAGES_MAX = 1_000  # In a row; a server that filters may send some, a broken one never stops.


class Caller(Protocol):
    """The part of a drive that a listing needs."""

    def call(self, flow: Flow[T]) -> T: ...


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
        raw = _raw_pages(self._store, self._prefix, self._drive)
        if self._ahead:
            raw = _fetched_ahead(raw)
        pages = self._sorted(raw) if self._sort else self._checked(raw)
        for page in pages:
            self._check_prefix(page)
            self.count += len(page)
            yield page

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


def _raw_pages(store: Store, prefix: str, drive: Caller) -> Iterator[Entries]:
    """Pages as the server sends them, for as long as it gets anywhere."""
    loop, empty_pages, previous = _LoopCheck(), 0, Page([], "")
    while True:
        page = drive.call(store.page(prefix, token=previous.token))
        empty_pages = 0 if page.entries else empty_pages + 1
        is_same_page = bool(page.entries) and page.entries == previous.entries
        if is_same_page or empty_pages > _EMPTY_PAGES_MAX or loop.is_closed_by(page.token):
            raise BadListing(
                "the listing does not end: the server sends the same again", store=store.name
            )
        yield page.entries
        if not page.token:
            return
        previous = page


class _LoopCheck:
    """Finds out that tokens repeat, remembering one of them only (Brent's algorithm)."""

    def __init__(self) -> None:
        self._mark = ""
        self._steps = 0
        self._stride = 1

    def is_closed_by(self, token: str) -> bool:
        if token and token == self._mark:
            return True
        self._steps += 1
        if self._steps == self._stride:
            self._mark, self._steps, self._stride = token, 0, 2 * self._stride
        return False


class _End:
    """What the fetching thread says last: how it ended."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _fetched_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, produced in a thread of their own, at most `_AHEAD` of them too early."""
    ready: SimpleQueue[T | _End] = SimpleQueue()
    room = Semaphore(_AHEAD)
    is_over = Event()

    def produce() -> None:
        try:
            for item in items:
                ready.put(item)
                room.acquire()
                if is_over.is_set():
                    return
            ready.put(_End())
        except BaseException as error:  # Whatever it is, it belongs to the consumer.
            ready.put(_End(error))

    Thread(target=produce, name="listing", daemon=True).start()
    try:
        while not isinstance(item := ready.get(), _End):
            room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        is_over.set()
        room.release()
