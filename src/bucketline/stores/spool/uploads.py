"""Objects that come to the spool in parts: each part a file, which tells itself what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bucketline.clock import Clock
from bucketline.errors import BadRequest, NotFound
from bucketline.model import Attributes
from bucketline.stores.base import Flow, Part, Receipt
from bucketline.stores.digests import MD5, etag_of_parts
from bucketline.stores.spool import names
from bucketline.stores.spool.index import Index
from bucketline.stores.spool.shelves import Shelves
from bucketline.stores.spool.sidecar import Growing, Origin, PartFile, Sidecar


class Home(Protocol):
    """Of the spool, what an upload needs."""

    name: str
    clock: Clock
    shelves: Shelves
    index: Index

    def check(self, key: str) -> None: ...
    def origin(self, key: str) -> Origin: ...
    def stage(self, sidecar: Sidecar) -> Flow[Receipt]: ...


class Uploads:
    """Those of one spool. They outlast the process: markers and parts are found by `load`."""

    def __init__(self, spool: Home) -> None:
        self._spool = spool

    def begin(self, key: str, size: int, attributes: Attributes) -> Flow[str]:
        """The name of a new upload, which is its generation."""
        spool = self._spool
        spool.check(key)
        now = spool.clock.now()
        generation = spool.index.generation(now)
        one = Growing(key, size, generation, now, "", attributes, spool.origin(key))
        name, text = names.begin(names.of_key(key), generation), one.packed()
        one.volume = (yield from spool.shelves.put(key, name, text, MD5.digest(text))).identity
        spool.index.begin(one)
        return generation

    def part(self, key: str, upload: str, number: int, body: bytes, md5: bytes) -> Flow[Receipt]:
        """Part `number`; one that came before gives way."""
        one, shelves = self._get(key, upload), self._spool.shelves
        digest = md5 or (yield from MD5.of(body))
        name = names.part(names.of_key(key), upload, number, digest.hex())
        before = one.parts.get(number)
        volume = yield from shelves.put(key, name, body, digest)
        one.parts[number] = PartFile(volume.identity, name, len(body), digest.hex())
        if before is not None and before != one.parts[number]:
            yield from shelves.remove(before.volume, [(before.name, before.size)])
        return Receipt(digest.hex())

    def finish(self, key: str, upload: str, etags: Sequence[str]) -> Flow[Receipt]:
        """The parts, in order, become a staged object."""
        spool = self._spool
        there = spool.index.get(key)
        if there is not None and there.generation == upload:
            return Receipt(there.entry.etag)
        one = self._get(key, upload)
        parts = [one.parts.get(number) for number in range(1, len(etags) + 1)]
        found = [part for part in parts if part is not None]
        if not found or [part.md5 for part in found] != list(etags):
            raise self._bad(key, "a part is missing or another one")
        if sum(part.size for part in found) != one.size:
            raise self._bad(key, "the parts do not make the whole")
        receipt = yield from spool.stage(
            Sidecar(
                *(key, one.size, etag_of_parts(etags), upload, spool.clock.now()),
                *(tuple(found), one.attributes, one.origin),
            )
        )
        spool.index.end(upload)
        marker = names.begin(names.of_key(key), upload)
        yield from spool.shelves.remove(one.volume, [(marker, 0)])
        return receipt

    def abandon(self, key: str, upload: str) -> Flow[None]:
        """Its parts first: as long as the marker is there, they are known to be of an upload."""
        one = self._spool.index.growing(key, upload)
        if one is None:
            return
        for part in list(one.parts.values()):
            yield from self._spool.shelves.remove(part.volume, [(part.name, part.size)])
        marker = names.begin(names.of_key(key), upload)
        yield from self._spool.shelves.remove(one.volume, [(marker, 0)])
        self._spool.index.end(upload)

    def held(self, key: str, upload: str) -> list[Part]:
        """What has come so far."""
        parts = self._get(key, upload).parts
        return sorted(Part(number, one.size, one.md5) for number, one in parts.items())

    def _get(self, key: str, upload: str) -> Growing:
        one = self._spool.index.growing(key, upload)
        if one is None:
            raise NotFound("there is no such upload", store=self._spool.name, key=key)
        return one

    def _bad(self, key: str, said: str) -> BadRequest:
        return BadRequest(said, store=self._spool.name, key=key)
