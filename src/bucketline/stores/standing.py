"""A store whose bytes are taken from folders where they lie already: left there by older tools."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from bucketline.errors import Changed, NotFound, StoreError
from bucketline.model import Found
from bucketline.stores.base import Flow, Piece, Store
from bucketline.stores.wrap import Around

T = TypeVar("T")


class Standing(Around):
    """What an object is, the store tells; its bytes come from a file of its name and size, if there
    is one. Whoever reads them holds them against what the store tells, and says which are not it.
    """

    def __init__(self, store: Store, folders: Sequence[Store], prefix: str) -> None:
        super().__init__(store)
        self._folders = folders
        self._cut = len(prefix)
        self._standing: dict[str, tuple[Store, Found]] = {}  # Keys under way.
        self._distrusted: set[str] = set()

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        """From the file, as long as it is one of the object's size."""
        stands = self._standing.get(key) or (yield from self._look(key, version))
        if stands is not None:
            folder, found = stands
            if etag and etag != found.entry.pin:
                raise Changed("the object changed since it was listed", store=self.name, key=key)
            piece = yield from folder.read(self._tail(key), start=start, size=size)
            if piece.found.entry.size != found.entry.size:
                self.distrust(key)  # And never half of one and half of the other:
                raise Changed("its file changed while it was read", store=self.name, key=key)
            return Piece(found, piece.body)
        words = {"start": start, "size": size, "version": version, "etag": etag}
        return (yield from self.store.read(key, **words))  # type: ignore[arg-type]

    def found(self, key: str) -> Found | None:
        """The object under way, if its bytes come from a file."""
        stands = self._standing.get(key)
        return stands[1] if stands else None

    def distrust(self, key: str) -> None:
        """The file is not the object: from now on its bytes come from the store."""
        self._standing.pop(key, None)
        self._distrusted.add(key)

    def arrived(self, key: str) -> Flow[None]:
        """The object is safe elsewhere: its file goes."""
        stands = self._standing.pop(key, None)
        if stands is not None:
            yield from stands[0].delete(self._tail(key))

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        del verb, call
        return (yield from flow)

    def _look(self, key: str, version: str) -> Flow[tuple[Store, Found] | None]:
        if key in self._distrusted:
            return None
        for folder in self._folders:
            try:
                there = yield from folder.stat(self._tail(key))
            except StoreError:  # None there, or a name that no file can have.
                continue
            try:
                found = yield from self.store.stat(key, version=version)
            except NotFound:
                return None
            if there.entry.size == found.entry.size:
                self._standing[key] = (folder, found)
                return folder, found
        self._distrusted.add(key)
        return None

    def _tail(self, key: str) -> str:
        return key[self._cut :]
