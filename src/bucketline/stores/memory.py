"""The reference store: a dict that answers as S3 does, without a network."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
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
from bucketline.model import NOTHING, PLAIN, Attributes, Entry, Found
from bucketline.stores.base import Abilities, Flow, Page, Piece, Receipt, Work

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

    def found(self, key: str) -> Found:
        attributes = self.attributes
        entry = Entry(key, len(self.body), self.modified, self.etag, "", attributes.tier)
        return Found(entry, replace(attributes, tags=NOTHING), tag_count=len(attributes.tags))


@dataclass(slots=True)
class _Upload:
    key: str
    size: int
    attributes: Attributes
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
    ) -> None:
        self.name = f"{name}:"
        self.able = Abilities(tags=True, conditional_write=True, part_size_min=1)
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
        if_absent: bool = False,
    ) -> Flow[Receipt]:
        def call() -> Receipt:
            self._check(key, body, md5)
            if if_absent and key in self.objects:
                raise Conflict("there is an object of that name", store=self.name, key=key)
            return self._put(key, Held(bytes(body), _md5(body), attributes))

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

    def begin(self, key: str, size: int, *, attributes: Attributes = PLAIN) -> Flow[str]:
        def call() -> str:
            self._check(key, b"", b"")
            upload = f"upload-{next(self._ticks)}"
            self.uploads[upload] = _Upload(key, size, attributes)
            return upload

        return (yield from self._do("begin", key, call))

    def part(
        self, key: str, upload: str, number: int, body: bytes, *, offset: int, md5: bytes = b""
    ) -> Flow[Receipt]:
        def call() -> Receipt:
            self._check(key, body, md5)
            self._upload(key, upload).parts[number] = (offset, bytes(body))
            return Receipt(_md5(body))

        return (yield from self._do("part", key, call))

    def finish(self, key: str, upload: str, etags: Sequence[str]) -> Flow[Receipt]:
        return (yield from self._do("finish", key, lambda: self._finish(key, upload, etags)))

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

    def _check(self, key: str, body: bytes, md5: bytes) -> None:
        if not self.is_there:
            raise NoBucket("there is no such bucket", store=self.name)
        if not 0 < len(key.encode()) <= _KEY_BYTES_MAX:
            raise Unholdable("a key has 1 to 1,024 bytes", store=self.name, key=key)
        if md5 and md5.hex() != _md5(body):
            raise Mismatch("the bytes are not those of the digest", store=self.name, key=key)

    def _put(self, key: str, held: Held) -> Receipt:
        self.objects[key] = replace(held, modified=next(self._ticks))
        return Receipt(held.etag)

    def _finish(self, key: str, upload: str, etags: Sequence[str]) -> Receipt:
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
        sizes = tuple(map(len, bodies))
        whole = Held(
            b"".join(bodies), f"{_md5(digests)}-{len(etags)}", there.attributes, part_sizes=sizes
        )
        del self.uploads[upload]
        self._finished[upload] = self._put(key, whole)
        return self._finished[upload]


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
