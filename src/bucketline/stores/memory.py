"""The reference store: a dict that answers as S3 does, without a network."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, count
from typing import TypeVar

from bucketline.errors import (
    BadRequest,
    Changed,
    Conflict,
    Mismatch,
    NoBucket,
    NotFound,
    Unholdable,
)
from bucketline.model import NOTHING, PLAIN, Attributes, Checksum, Entry, Found
from bucketline.stores.base import Abilities, Flow, Page, Piece, Receipt, Sums, Work
from bucketline.stores.digests import VOUCHED

T = TypeVar("T")

_KEY_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class Held:
    """An object, whole."""

    body: bytes
    etag: str
    attributes: Attributes = PLAIN
    modified: float = 0.0
    part_sizes: tuple[int, ...] = ()  # Of an object that was written in parts.
    checksum: Checksum | None = None  # Told when it was written; what the bytes were then.

    def found(self, key: str) -> Found:
        attributes = self.attributes
        entry = Entry(key, len(self.body), self.modified, self.etag, "", attributes.tier)
        return Found(
            entry,
            replace(attributes, tags=NOTHING),
            checksums=_told(self.checksum),
            tag_count=len(attributes.tags),
        )


@dataclass(slots=True)
class _Upload:
    key: str
    size: int
    attributes: Attributes
    algorithm: str = ""
    parts: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # number -> offset, bytes.


class MemoryStore:
    """Every verb is one `Work` that bears its name: where a simulation fails, loses or stops it.

    Its clock is a counter of writes: `modified` tells what came after what, and nothing else.
    """

    def __init__(
        self,
        name: str = "memory",
        objects: Mapping[str, bytes] | None = None,
        *,
        page_size: int = 1000,
        checksums: Collection[str] = (),
    ) -> None:
        self.name = f"{name}:"
        self.able = Abilities(
            tags=True,
            conditional_write=True,
            checksums=frozenset(checksums),
            part_size_min=1,
        )
        self.page_size = page_size
        self.is_there = True  # A test may take the bucket away.
        self.objects: dict[str, Held] = {}
        self.uploads: dict[str, _Upload] = {}
        self._finished: dict[str, Receipt] = {}
        self._ticks = count(1)
        for key, body in (objects or {}).items():
            self.objects[key] = Held(body, _md5(body), modified=next(self._ticks))

    def snapshot(self) -> dict[str, tuple[bytes, Attributes]]:
        """All that it holds, for comparing: two stores with equal ones hold the same."""
        return {key: (held.body, held.attributes) for key, held in self.objects.items()}

    def bodies(self) -> dict[str, bytes]:
        """The bytes alone."""
        return {key: held.body for key, held in self.objects.items()}

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        return (yield from self._do("page", prefix, lambda: self._page(prefix, token or after)))

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        return (yield from self._do("stat", key, lambda: self._held(key, version).found(key)))

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        def call() -> Piece:
            held = self._held(key, version)
            if etag and etag != held.etag:
                raise Changed("the object is another one now", store=self.name, key=key)
            end = None if size is None else start + size
            return Piece(held.found(key), held.body[start:end])

        return (yield from self._do("read", key, call))

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
        def call() -> Receipt:
            self._check(key, body, md5, checksum)
            if if_absent and key in self.objects:
                raise Conflict("there is an object of that name", store=self.name, key=key)
            return self._put(key, Held(bytes(body), _md5(body), attributes, checksum=checksum))

        return (yield from self._do("write", key, call))

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        def call() -> None:
            if not version:
                self.objects.pop(key, None)

        yield from self._do("delete", key, call)

    def delete_many(self, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
        def call() -> dict[str, Exception]:
            for key in keys:
                self.objects.pop(key, None)
            return {}

        return (yield from self._do("delete_many", keys[0] if keys else "", call))

    def tags(self, key: str, *, version: str = "") -> Flow[dict[str, str]]:
        def call() -> dict[str, str]:
            return dict(self._held(key, version).attributes.tags)

        return (yield from self._do("tags", key, call))

    def begin(
        self, key: str, size: int, *, attributes: Attributes = PLAIN, algorithm: str = ""
    ) -> Flow[str]:
        def call() -> str:
            self._check(key, b"", b"")
            upload = f"upload-{next(self._ticks)}"
            self.uploads[upload] = _Upload(key, size, attributes, algorithm)
            return upload

        return (yield from self._do("begin", key, call))

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
        def call() -> Receipt:
            self._check(key, body, md5, checksum)
            there = self._upload(key, upload)
            if there.algorithm != (checksum.algorithm if checksum else ""):
                raise BadRequest("not the checksum it began with", store=self.name, key=key)
            there.parts[number] = (offset, bytes(body))
            return Receipt(_md5(body), checksums=_told(checksum))

        return (yield from self._do("part", key, call))

    def finish(
        self, key: str, upload: str, etags: Sequence[str], *, sums: Sums | None = None
    ) -> Flow[Receipt]:
        return (yield from self._do("finish", key, lambda: self._finish(key, upload, etags, sums)))

    def abandon(self, key: str, upload: str) -> Flow[None]:
        def call() -> None:
            self.uploads.pop(upload, None)

        yield from self._do("abandon", key, call)

    def _do(self, verb: str, key: str, call: Callable[[], T]) -> Flow[T]:
        done: T = yield Work(call, verb, key)
        return done

    def _page(self, prefix: str, after: str) -> Page:
        if not self.is_there:
            raise NoBucket("there is no such bucket", store=self.name)
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        first = bisect_right(keys, after) if after else 0
        chosen = keys[first : first + self.page_size]
        entries = [self.objects[key].found(key).entry for key in chosen]
        return Page(entries, chosen[-1] if first + self.page_size < len(keys) else "")

    def _held(self, key: str, version: str) -> Held:
        held = self.objects.get(key)
        if held is None or version:
            raise NotFound("there is no such object", store=self.name, key=key)
        return held

    def _upload(self, key: str, upload: str) -> _Upload:
        found = self.uploads.get(upload)
        if found is None or found.key != key:
            raise NotFound("there is no such upload", store=self.name, key=key)
        return found

    def _check(self, key: str, body: bytes, md5: bytes, checksum: Checksum | None = None) -> None:
        if not self.is_there:
            raise NoBucket("there is no such bucket", store=self.name)
        if not 0 < len(key.encode()) <= _KEY_BYTES_MAX:
            raise Unholdable("a key has 1 to 1,024 bytes", store=self.name, key=key)
        if md5 and md5.hex() != _md5(body):
            raise Mismatch("the bytes are not those of the digest", store=self.name, key=key)
        if checksum is None:
            return
        if checksum.algorithm not in self.able.checksums:
            raise BadRequest("not a checksum that is known here", store=self.name, key=key)
        if checksum != _checksum(checksum.algorithm, body):
            raise Mismatch("the bytes are not those of the checksum", store=self.name, key=key)

    def _put(self, key: str, held: Held) -> Receipt:
        self.objects[key] = replace(held, modified=next(self._ticks))
        return Receipt(held.etag, checksums=_told(held.checksum))

    def _finish(self, key: str, upload: str, etags: Sequence[str], sums: Sums | None) -> Receipt:
        if upload in self._finished:
            return self._finished[upload]
        there = self._upload(key, upload)
        parts = [there.parts.get(number, (0, b"")) for number in range(1, len(etags) + 1)]
        bodies = [body for _, body in parts]
        if not parts or [_md5(body) for body in bodies] != list(etags):
            raise BadRequest("a part is missing or another one", store=self.name, key=key)
        starts = [0, *accumulate(map(len, bodies))]
        if [*(offset for offset, _ in parts), there.size] != starts:
            raise BadRequest("the parts do not make the whole", store=self.name, key=key)
        digests = b"".join(bytes.fromhex(etag) for etag in etags)
        checksum = _checksum(there.algorithm, b"".join(bodies)) if there.algorithm else None
        if checksum != (sums.whole if sums else None):
            raise Mismatch("the whole is not that of the checksum", store=self.name, key=key)
        whole = Held(
            b"".join(bodies),
            f"{_md5(digests)}-{len(etags)}",
            there.attributes,
            part_sizes=tuple(map(len, bodies)),
            checksum=checksum,
        )
        del self.uploads[upload]
        self._finished[upload] = self._put(key, whole)
        return self._finished[upload]


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _checksum(algorithm: str, body: bytes) -> Checksum:
    known = VOUCHED[algorithm]
    return known.checksum(known.digest(body))


def _told(checksum: Checksum | None) -> Mapping[str, str]:
    return NOTHING if checksum is None else {checksum.algorithm: checksum.value}
