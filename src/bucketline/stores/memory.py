"""The reference store: a dict that answers as S3 does, without a network."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
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
from bucketline.model import PLAIN, Attributes, Checksum, Found
from bucketline.stores.base import (
    Abilities,
    Flow,
    OpenUpload,
    Page,
    Part,
    Piece,
    Receipt,
    Sums,
    Work,
)
from bucketline.stores.held import Growing, Held, checksum_of, md5_of, told

__all__ = ["Held", "MemoryStore"]

T = TypeVar("T")

_KEY_BYTES_MAX = 1024


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
        self.uploads: dict[str, Growing] = {}
        self._finished: dict[str, Receipt] = {}
        self._ticks = count(1)
        for key, body in (objects or {}).items():
            self.objects[key] = Held(body, md5_of(body), modified=next(self._ticks))

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
            return self._put(key, Held(bytes(body), md5_of(body), attributes, checksum=checksum))

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

    def retouch(
        self, key: str, attributes: Attributes, there: Found, *, part_size: int
    ) -> Flow[Receipt]:
        """Other attributes for an object whose bytes stay."""
        del part_size

        def call() -> Receipt:
            held = self._held(key, "")
            if held.etag != there.entry.etag:
                raise Changed("the object is another one now", store=self.name, key=key)
            return self._put(key, replace(held, attributes=attributes))

        return (yield from self._do("retouch", key, call))

    def begin(
        self, key: str, size: int, *, attributes: Attributes = PLAIN, algorithm: str = ""
    ) -> Flow[str]:
        def call() -> str:
            self._check(key, b"", b"")
            tick = next(self._ticks)
            upload = f"upload-{tick}"
            self.uploads[upload] = Growing(key, size, attributes, tick, algorithm)
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
            return Receipt(md5_of(body), checksums=told(checksum))

        return (yield from self._do("part", key, call))

    def finish(
        self, key: str, upload: str, etags: Sequence[str], *, sums: Sums | None = None
    ) -> Flow[Receipt]:
        return (yield from self._do("finish", key, lambda: self._finish(key, upload, etags, sums)))

    def abandon(self, key: str, upload: str) -> Flow[None]:
        def call() -> None:
            self.uploads.pop(upload, None)

        yield from self._do("abandon", key, call)

    def list_parts(self, key: str, upload: str) -> Flow[list[Part]]:
        def call() -> list[Part]:
            parts = self._upload(key, upload).parts.items()
            return sorted(Part(number, len(body), md5_of(body)) for number, (_, body) in parts)

        return (yield from self._do("list_parts", key, call))

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        def call() -> list[OpenUpload]:
            return [
                OpenUpload(one.key, upload, one.begun)
                for upload, one in self.uploads.items()
                if (one.key == prefix if is_key else one.key.startswith(prefix))
            ]

        return (yield from self._do("list_uploads", prefix, call))

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

    def _upload(self, key: str, upload: str) -> Growing:
        found = self.uploads.get(upload)
        if found is None or found.key != key:
            raise NotFound("there is no such upload", store=self.name, key=key)
        return found

    def _check(self, key: str, body: bytes, md5: bytes, checksum: Checksum | None = None) -> None:
        if not self.is_there:
            raise NoBucket("there is no such bucket", store=self.name)
        if not 0 < len(key.encode()) <= _KEY_BYTES_MAX:
            raise Unholdable("a key has 1 to 1,024 bytes", store=self.name, key=key)
        if md5 and md5.hex() != md5_of(body):
            raise Mismatch("the bytes are not those of the digest", store=self.name, key=key)
        if checksum is None:
            return
        if checksum.algorithm not in self.able.checksums:
            raise BadRequest("not a checksum that is known here", store=self.name, key=key)
        if checksum != checksum_of(checksum.algorithm, body):
            raise Mismatch("the bytes are not those of the checksum", store=self.name, key=key)

    def _put(self, key: str, held: Held) -> Receipt:
        self.objects[key] = replace(held, modified=next(self._ticks))
        return Receipt(held.etag, checksums=told(held.checksum))

    def _finish(self, key: str, upload: str, etags: Sequence[str], sums: Sums | None) -> Receipt:
        if upload in self._finished:
            return self._finished[upload]
        whole = self._upload(key, upload).assembled(etags, self.name)
        if whole.checksum != (sums.whole if sums else None):
            raise Mismatch("the whole is not that of the checksum", store=self.name, key=key)
        del self.uploads[upload]
        self._finished[upload] = self._put(key, whole)
        return self._finished[upload]
