"""Two places looked at together: resolved, listed, filtered, compared; over again if need be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol

from bucketline.errors import NoBucket, NotFound
from bucketline.flow.compare.content import by_content
from bucketline.flow.compare.doubts import Lookup, by_ledger
from bucketline.flow.compare.guard import Counts
from bucketline.flow.compare.pairs import Mode, Pair, Rule, Same, Settle, differences
from bucketline.flow.compare.unhashed import hashed_first
from bucketline.flow.look.filters import EVERYTHING, Filter, Keep
from bucketline.flow.look.listing import Caller, Listing, Unsorted
from bucketline.model import Copy, Entry, Skip
from bucketline.settings import as_folder
from bucketline.stores.base import Store
from bucketline.stores.beyond import may_lack, refused


class Listed(Protocol):
    """Entries in key order, as a `Listing` gives them."""

    @property
    def is_disordered(self) -> bool: ...  # Not in key order, and only a new start helps.
    @property
    def notes(self) -> list[str]: ...

    def pages(self) -> Iterator[list[Entry]]: ...


@dataclass(frozen=True, slots=True)
class Side:
    """A store and where in it: `p/` is a folder, `p` the object p if there is one, else `p/`; or,
    where the prefix `is_plain`, all that begins with it.
    """

    store: Store
    prefix: str = ""
    sort: bool = False  # Its listing is known not to come in key order.
    is_plain: bool = False
    may_be_missing: bool = False  # A folder that the first write makes; until then it is empty.
    # Told by another than the store: what it tells may be old. Prefix, drive, scratch -> entries.
    told: Callable[[str, Caller, str | None], Listed] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """How to look at two sides."""

    mode: Mode = Mode.AUTO
    filter: Filter = EVERYTHING
    scratch: str | None = None  # The folder for temporary files; None = the system's.
    ahead: bool = True  # Fetch pages in threads of their own; a simulation has none.


@dataclass(slots=True)
class Sides:
    """The two sides of one comparison, and what came out while looking."""

    source: Side
    target: Side
    drive: Caller
    look: Look
    counts: Counts = field(default_factory=Counts)  # Of the entries that take part.
    notes: list[str] = field(default_factory=list)
    _object: Entry | None = None  # The source is this one object.
    _listings: tuple[Listed, ...] = ()

    @property
    def rule(self) -> Rule:
        stores = (self.source.store, self.target.store)
        return Rule(
            self.look.mode,
            all(store.able.etag_is_md5 for store in stores),
            all(store.able.checksums for store in stores),
        )

    def settle(self, lookup: Lookup) -> Settle:
        """How doubts end in this mode."""
        stores = (self.source.store, self.target.store)
        if self.look.mode in (Mode.CHECKSUM, Mode.BYTES):
            return by_content(*stores, self.drive, reads=self.look.mode is Mode.BYTES)
        return hashed_first(by_ledger(lookup, self.rule), *stores, self.drive)

    def resolve(self) -> None:
        """Find out whether the source is an object or a folder; the target follows it."""
        if self.source.is_plain:
            return
        prefix = self.source.prefix
        if prefix and not prefix.endswith("/"):
            try:
                self._object = self.drive.call(self.source.store.stat(prefix)).entry
            except NotFound:
                self.source = replace(self.source, prefix=f"{prefix}/")
        self.target = replace(self.target, prefix=self._target_prefix())

    @property
    def is_one_object(self) -> bool:
        """Whether the source is an object and no folder; known once it is resolved."""
        return self._object is not None

    def rename(self, key: str) -> str:
        """The target's key for a source's."""
        return self.target.prefix + key[len(self.source.prefix) :]

    def tail(self, pair: Pair) -> str:
        """The key without the prefix; of a single object, its name."""
        side, entry = (self.source, pair.source) if pair.source else (self.target, pair.target)
        assert entry is not None
        return entry.key[len(side.prefix) :] or entry.key.rpartition("/")[2]

    def differences(self, is_same: Same) -> Iterator[Pair | Skip]:
        """Each key once, as `compare.differences` tells them; raises `Unsorted`, `BadListing`."""
        self.counts.source = self.counts.target = 0
        one = self._object
        source, target = self._folders() if one is None else self._one_object(one)
        cuts = (len(self.source.prefix), len(self.target.prefix))
        yield from differences(source, target, cuts=cuts, is_same=is_same)
        for side, listing in zip((self.source, self.target), self._listings, strict=False):
            self.notes += listing.notes
            if side.told is None and may_lack(side.store, side.prefix):
                self.counts.doubtful = side.store.name

    def refused(self) -> Iterator[Copy]:
        """Of the source, what no key can stand for: copies that will fail, so that they are told.

        Known when the listings have ended.
        """
        for name, why in self._refused(self.source, self.target):
            yield Copy(Entry(name, 0), self.rename(name), reason="refused", refused=why)

    def refused_anywhere(self) -> Iterator[tuple[str, str]]:
        """The same for both sides: each name once, behind the prefix, and why."""
        told: dict[str, str] = {}
        for side, other in ((self.target, self.source), (self.source, self.target)):
            told |= {name[len(side.prefix) :]: why for name, why in self._refused(side, other)}
        yield from sorted(told.items())

    def sort_after(self, error: Unsorted) -> None:
        """Prepare a new start that sorts what came without order."""
        source, target = self._listings
        self.source = replace(self.source, sort=self.source.sort or source.is_disordered)
        self.target = replace(self.target, sort=self.target.sort or target.is_disordered)
        self.notes.append(f"{error}; started over, sorting on disk")

    def _target_prefix(self) -> str:
        prefix = self.target.prefix
        if self._object is None:
            return as_folder(prefix)
        name = self._object.key.rpartition("/")[2]
        return prefix if prefix and not prefix.endswith("/") else prefix + name

    def _one_object(self, entry: Entry) -> tuple[Iterator[Entry], Iterator[Entry]]:
        try:
            target = [self.drive.call(self.target.store.stat(self.target.prefix)).entry]
        except NotFound:
            target = []
        except NoBucket:
            if not self.target.may_be_missing:
                raise
            target = []
        self.counts.source, self.counts.target = 1, len(target)
        return iter([entry]), iter(target)

    def _folders(self) -> tuple[Iterator[Entry], Iterator[Entry]]:
        source, target = self.source.prefix, self.target.prefix
        self._listings = (self._listing(self.source), self._listing(self.target))
        keep = self.look.filter.keeper(source, target)
        keep_target = self.look.filter.keeper(target, source)
        pages = self._pages(self._listings[0], keep, "source")
        target_pages = self._pages(self._listings[1], keep_target, "target")
        if self.target.may_be_missing:
            target_pages = _or_nothing(target_pages)
        return chain.from_iterable(pages), chain.from_iterable(target_pages)

    def _refused(self, side: Side, other: Side) -> list[tuple[str, str]]:
        found = dict(refused(side.store, side.prefix) if self._object is None else ())
        keep = self.look.filter.keeper(side.prefix, other.prefix)
        if keep is None:
            return list(found.items())
        return [(one.key, found[one.key]) for one in keep([Entry(name, 0) for name in found])]

    def _listing(self, side: Side) -> Listed:
        look = self.look
        if side.told is not None:
            return side.told(side.prefix, self.drive, look.scratch)
        return Listing(
            side.store,
            side.prefix,
            self.drive,
            sort=side.sort,
            scratch=look.scratch,
            ahead=look.ahead,
        )

    def _pages(self, listing: Listed, keep: Keep | None, name: str) -> Iterator[list[Entry]]:
        for page in listing.pages():
            kept = page if keep is None else keep(page)
            setattr(self.counts, name, getattr(self.counts, name) + len(kept))
            yield kept


def _or_nothing(pages: Iterator[list[Entry]]) -> Iterator[list[Entry]]:
    """The pages of a place that may not be there; one that goes away under way is an error."""
    has_begun = False
    try:
        for page in pages:
            has_begun = True
            yield page
    except NoBucket:
        if has_begun:
            raise
