"""Where an inventory lies, and how its files come here: whole, and with the MD5 that they had."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, NamedTuple

from bucketline.errors import (
    BadListing,
    Changed,
    DiskError,
    NoBucket,
    NotFound,
    StoreError,
    Unholdable,
    printable,
)
from bucketline.flow.look.inventory.manifest import CHECKSUM, NAME, DataFile, Manifest, parse
from bucketline.stores.base import Flow, Piece, Store, Together, Work

_PIECE = 8 << 20
_AT_ONCE = 4
_MANIFEST_MAX = 256 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """The store and the key of a manifest.json, and where the keys of its files may count from."""

    store: Store
    key: str
    roots: Iterable[Store]  # The likeliest first: a download need not begin at the bucket's root.

    @property
    def name(self) -> str:
        return f"{self.store.name}{printable(self.key)}"


class _Found(NamedTuple):
    store: Store
    key: str


def read_manifest(place: Place) -> Flow[Manifest]:
    """The manifest, which is what its checksum says; without one, the inventory is not whole."""
    body = yield from _small(place.store, place.key)
    try:
        told = yield from _small(place.store, place.key.removesuffix(NAME) + CHECKSUM)
    except NotFound:
        why = f"there is no {CHECKSUM} beside it: it is not complete yet, or was copied in part"
        raise BadListing(why, store=place.store.name, key=place.key) from None
    if told.decode(errors="replace").strip().lower() != _md5(body):
        why = f"it is damaged: its MD5 is not the one in {CHECKSUM}"
        raise BadListing(why, store=place.store.name, key=place.key)
    return parse(body, place.name)


def made(place: Place) -> Flow[float]:
    """When the bucket was looked at; 0 = unknown."""
    return (yield from read_manifest(place)).made


def fetch(place: Place, file: DataFile, out: IO[bytes]) -> Flow[None]:
    """All of one data file into `out`; raises `BadListing` unless it is what the manifest names."""
    found = yield from _find(place, file)
    entry = (yield from found.store.stat(found.key)).entry
    if entry.size != file.size:
        raise _damaged(found, f"it holds {entry.size} bytes, and the manifest says {file.size}")
    digest = hashlib.md5(usedforsecurity=False)
    starts = range(0, entry.size, _PIECE)
    for number in range(0, len(starts), _AT_ONCE):
        reads = [
            found.store.read(found.key, start=start, size=_PIECE, etag=entry.pin)
            for start in starts[number : number + _AT_ONCE]
        ]
        try:
            pieces: list[Piece] = yield Together(reads, width=_AT_ONCE)
        except Changed:
            raise _damaged(found, "it changed while it was read") from None
        yield Work(partial(_keep, out, digest, pieces), name="write", key=found.key)
    if digest.hexdigest() != file.md5:
        raise _damaged(found, "its MD5 is not the one in the manifest")


def _find(place: Place, file: DataFile) -> Flow[_Found]:
    """The first place where it is; a flat copy has its files beside the manifest."""
    beside = place.key.removesuffix(NAME) + file.key.rpartition("/")[2]
    for store, key in _candidates(place, file.key, beside):
        with suppress(NotFound, NoBucket, Unholdable):
            yield from store.stat(key)
            return _Found(store, key)
    raise _damaged(_Found(place.store, file.key), "the manifest names it, and it is not there")


def _candidates(place: Place, key: str, beside: str) -> Iterator[tuple[Store, str]]:
    yield from ((root, key) for root in place.roots)
    yield place.store, beside


def _small(store: Store, key: str) -> Flow[bytes]:
    found = yield from store.stat(key)
    if found.entry.size > _MANIFEST_MAX:
        raise BadListing("it is too large for a manifest", store=store.name, key=key)
    return (yield from store.read(key)).body


def _keep(out: IO[bytes], digest: Any, pieces: Sequence[Piece]) -> None:
    try:
        for piece in pieces:
            out.write(piece.body)
            digest.update(piece.body)
    except OSError as error:
        why = error.strerror or str(error)
        raise DiskError(f"cannot keep an inventory in a temporary file: {why}") from error


def _damaged(found: _Found, why: str) -> StoreError:
    return BadListing(f"the inventory is not whole: {why}", store=found.store.name, key=found.key)


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
