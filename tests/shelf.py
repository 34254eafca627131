"""The smallest store that planning can be tried on; it lists in order, or as things came."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from bucketline.errors import Changed, NeedsThaw, NotFound
from bucketline.model import PLAIN, Attributes, Checksum, Entry, Found
from bucketline.stores.base import Abilities, Flow, OpenUpload, Page, Part, Piece, Receipt, Sums


@dataclass
class Shelf:
    """Keys and bodies; `unsorted` lists them as they were put in."""

    name: str = "s3://shelf/"
    able: Abilities = field(default_factory=Abilities)
    unsorted: bool = False
    page_size: int = 3
    frozen: set[str] = field(default_factory=set)  # Keys that must be thawed before they are read.
    entries: dict[str, Entry] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    checksums: dict[str, dict[str, str]] = field(default_factory=dict)
    reads: int = 0

    def put(self, key: str, body: bytes = b"x", *, modified: float = 1.0, etag: str = "") -> None:
        etag = etag or hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.entries[key] = Entry(key, len(body), modified, etag)
        self.bodies[key] = body

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        yield from ()
        keys = [key for key in self.entries if key.startswith(prefix)]
        if not self.unsorted:
            keys.sort()
        start = int(token or "0")
        page = list(islice(keys, start, start + self.page_size))
        end = start + len(page)
        return Page([self.entries[key] for key in page], str(end) if end < len(keys) else "")

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        yield from ()
        if key not in self.entries:
            raise NotFound("no such key", store=self.name, key=key)
        return Found(self.entries[key], checksums=self.checksums.get(key, {}))

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        found = yield from self.stat(key)
        if key in self.frozen:
            raise NeedsThaw("in an archive tier", store=self.name, key=key)
        if etag and etag != found.entry.etag:
            raise Changed("another object now", store=self.name, key=key)
        self.reads += 1
        end = None if size is None else start + size
        return Piece(found, self.bodies[key][start:end])

    def write(
        self,
        key: str,
        body: bytes,
        *,
        attributes: Attributes = PLAIN,
        md5: bytes = b"",
        checksum: Checksum | None = None,
        if_absent: bool = False,
    ) -> Flow[Receipt]:
        yield from ()
        self.put(key, body, modified=2.0)
        return Receipt(self.entries[key].etag)

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        yield from ()
        self.entries.pop(key, None)
        self.bodies.pop(key, None)

    def delete_many(self, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
        for key in keys:
            yield from self.delete(key)
        return {}

    def tags(self, key: str, *, version: str = "") -> Flow[dict[str, str]]:
        raise NotImplementedError

    def begin(
        self, key: str, size: int, *, attributes: Attributes = PLAIN, algorithm: str = ""
    ) -> Flow[str]:
        raise NotImplementedError

    def part(
        self,
        key: str,
        upload: str,
        number: int,
        body: bytes,
        *,
        offset: int,
        md5: bytes = b"",
        checksum: Checksum | None = None,
    ) -> Flow[Receipt]:
        raise NotImplementedError

    def finish(
        self, key: str, upload: str, etags: Sequence[str], *, sums: Sums | None = None
    ) -> Flow[Receipt]:
        raise NotImplementedError

    def abandon(self, key: str, upload: str) -> Flow[None]:
        raise NotImplementedError

    def list_parts(self, key: str, upload: str) -> Flow[list[Part]]:
        raise NotImplementedError

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        raise NotImplementedError


def shelf(keys: str, *, prefix: str = "", unsorted: bool = False) -> Shelf:
    """One object a word; its body is its key without the prefix."""
    made = Shelf(unsorted=unsorted)
    for key in keys.split():
        made.put(prefix + key, key.encode())
    return made
