"""What a backup holds for a restore: as it is now, or as its catalogue says that it was."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, TypeVar, cast

from bucketline.engines.backup.catalogue import RESERVED, Catalogue
from bucketline.engines.backup.marks import deleted_at, unmarked
from bucketline.engines.backup.rows import Row
from bucketline.errors import NeedsThaw, NotFound, UsageError
from bucketline.flow.compare.sides import Listed
from bucketline.flow.look.listing import Caller
from bucketline.model import Entry, Found
from bucketline.stores.base import Flow, Piece, Store, Together
from bucketline.stores.wrap import Around

T = TypeVar("T")

_AT_ONCE = 32
_PAGE = 1_000


class Origins:
    """The etags that objects had at the source, where those at the backup are others.

    Filled by a listing, asked in key order.
    """

    def __init__(self) -> None:
        # A listing is some pages ahead, at most; what is behind may go, as nobody asks again.
        self._told: deque[tuple[str, str]] = deque(maxlen=100 * _PAGE)

    def add(self, row: Row) -> None:
        if row.source_etag not in ("", row.etag):
            self._told.append((row.key, row.source_etag))

    def has(self, key: str, etag: str) -> bool:
        while self._told and self._told[0][0] < key:
            self._told.popleft()
        return bool(self._told) and self._told[0] == (key, etag)


class Kept:
    """Its listing, without what is reserved and, unless wanted, without what is called deleted.

    Of what the catalogue does not tell as it is, the tags are asked for: it may be of older tools,
    or of a run that was killed.
    """

    def __init__(
        self,
        listing: Listed,
        store: Store,
        catalogue: Catalogue,
        drive: Caller,
        *,
        includes_deleted: bool,
        origins: Origins,
    ) -> None:
        self._origins = origins
        self._listing = listing
        self._store = store
        self._reserved = catalogue.prefix + RESERVED
        self._drive = drive
        self._includes_deleted = includes_deleted
        self._rows = catalogue.rows()
        self._row: Row | None = next(self._rows, None)
        self.deleted = 0  # How many were left out.
        self.to_ask = 0  # Whose tags are being asked for.

    @property
    def is_disordered(self) -> bool:
        return self._listing.is_disordered

    @property
    def notes(self) -> list[str]:
        return self._listing.notes

    def pages(self) -> Iterator[list[Entry]]:
        for told in self._listing.pages():
            page = [one for one in told if not one.key.startswith(self._reserved)]
            gone = set() if self._includes_deleted else self._gone(page)
            self.deleted += len(gone)
            yield [one for one in page if one.key not in gone]

    def _gone(self, page: Sequence[Entry]) -> set[str]:
        gone, unknown = set(), list[Entry]()
        for entry in page:
            while self._row is not None and self._row.key < entry.key:
                self._row = next(self._rows, None)
            row = self._row
            if row is None or row.key != entry.key or row.etag != entry.etag:
                unknown.append(entry)
            elif row.deleted:
                gone.add(entry.key)
            else:
                self._origins.add(row)
        return gone | self._by_tags(unknown)

    def _by_tags(self, page: Sequence[Entry]) -> set[str]:
        def flow() -> Flow[list[bool]]:
            found: list[bool] = yield Together([self._is_gone(one) for one in page], _AT_ONCE)
            return found

        self.to_ask = len(page)
        told = self._drive.call(flow()) if page else []
        self.to_ask = 0
        return {entry.key for entry, is_gone in zip(page, told, strict=True) if is_gone}

    def _is_gone(self, entry: Entry) -> Flow[bool]:
        try:
            return bool(deleted_at((yield from self._store.tags(entry.key))))
        except (NotFound, NeedsThaw):  # Some give no tags of what is archived.
            return False


class KeptThen:
    """The rows of an earlier state of the catalogue, as a listing."""

    is_disordered = False

    def __init__(
        self,
        catalogue: Catalogue,
        prefix: str,
        *,
        includes_deleted: bool,
        origins: Origins,
        at: float | None = None,
    ) -> None:
        if catalogue.is_new:
            raise UsageError("the backup has no catalogue of that time; choose a later one")
        self._prefix = prefix
        self._origins = origins
        self.notes: list[str] = []
        self.deleted = self.to_ask = 0
        self._catalogue = catalogue
        self._includes_deleted = includes_deleted
        self._at = at  # Of the source's clock, where the catalogue holds every version.

    def pages(self) -> Iterator[list[Entry]]:
        entries = map(_then, self._taken())
        while page := list(islice(entries, _PAGE)):
            yield page

    def _taken(self) -> Iterator[Row]:
        for told in self._catalogue.rows():
            row = told if self._at is None else told.then(self._at)
            if row is None or not row.key.startswith(self._prefix):
                continue
            if row.deleted and not self._includes_deleted:
                self.deleted += 1
                continue
            self._origins.add(row)
            yield row


def _then(row: Row) -> Entry:
    return Entry(row.key, row.size, row.modified, row.etag, row.version, row.attributes.tier)


class Unmarked(Around):
    """Its objects without our tags, for where nobody could take them off again."""

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        del call
        answer: Any = yield from flow
        if verb == "tags":
            answer = unmarked(answer)
        elif isinstance(answer, Piece):
            answer = answer._replace(found=_plain(answer.found))
        elif isinstance(answer, Found):
            answer = _plain(answer)
        return cast("T", answer)


def _plain(found: Found) -> Found:
    return replace(
        found, attributes=replace(found.attributes, tags=unmarked(found.attributes.tags))
    )
