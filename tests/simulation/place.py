"""A store of the simulated world: each verb is one effect, performed whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bucketline.errors import BadRequest, Changed, Mismatch, NotFound, Unsupported
from bucketline.model import NOTHING, PLAIN, Attributes, Checksum, Entry, Found
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
from bucketline.stores.digests import CRC64NVME
from simulation.things import Habits, Thing, Upload, flipped, md5

PART_SIZE = 8  # Bytes. A world of small things has small parts, so that runs are short.


@dataclass(slots=True, eq=False)
class Deed:
    """What a Work of the simulation does when it is performed."""

    place: Place
    verb: str
    key: str
    arguments: tuple[Any, ...]

    def __call__(self) -> Any:
        return getattr(self.place, f"do_{self.verb}")(self.key, *self.arguments)

    @property
    def is_effectful(self) -> bool:
        return self.verb in {"write", "delete", "begin", "part", "finish", "abandon"}

    def damaged(self, number: int) -> Deed:
        """The same, with its body damaged on the way up."""
        body, *rest = self.arguments
        return replace(self, arguments=(flipped(body, number), *rest))


@dataclass(slots=True, eq=False)
class Place:
    """Buckets are dictionaries. `tick` tells the server's time, later each time it is asked."""

    name: str
    habits: Habits
    tick: Callable[[], float]
    now: Callable[[], float]  # By the clock of those who ask.
    things: dict[str, Thing] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    finished: dict[str, Receipt] = field(default_factory=dict)
    history: dict[tuple[str, str], bytes] = field(default_factory=dict)  # (key, etag) -> bytes.
    count: int = 0

    @property
    def able(self) -> Abilities:
        return Abilities(
            sorted=self.habits.says_sorted,
            etag_is_md5=self.habits.etags == "md5",
            checksums=frozenset() if self.habits.sums == "none" else frozenset({"crc64nvme"}),
            part_size_min=1,
            part_size_max=PART_SIZE,
        )

    # What stores promise.

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        return (yield self._work("page", prefix, token or after))

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        return (yield self._work("stat", key))

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        return (yield self._work("read", key, start, size, etag))

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
        return (yield self._work("write", key, body, md5, checksum))

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        return (yield self._work("delete", key))

    def tags(self, key: str, *, version: str = "") -> Flow[dict[str, str]]:
        raise Unsupported("no tags here", store=self.name, key=key)
        yield

    def begin(
        self, key: str, size: int, *, attributes: Attributes = PLAIN, algorithm: str = ""
    ) -> Flow[str]:
        return (yield self._work("begin", key, algorithm))

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
        return (yield self._work("part", key, body, upload, number, md5, checksum))

    def finish(
        self, key: str, upload: str, etags: Any, *, sums: Sums | None = None
    ) -> Flow[Receipt]:
        return (yield self._work("finish", key, upload, tuple(etags), sums))

    def abandon(self, key: str, upload: str) -> Flow[None]:
        return (yield self._work("abandon", key, upload))

    def list_parts(self, key: str, upload: str) -> Flow[list[Part]]:
        return (yield self._work("list_parts", key, upload))

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        return (yield self._work("list_uploads", prefix, is_key))

    def _work(self, verb: str, key: str, *arguments: Any) -> Work:
        return Work(Deed(self, verb, key, arguments), verb, key)

    # What the server does.

    def do_page(self, prefix: str, after: str) -> Page:
        order: Callable[[str], str] = (
            str if self.habits.is_sorted else lambda key: md5(key.encode())
        )
        keys = sorted((key for key in self.things if key.startswith(prefix)), key=order)
        rest = [key for key in keys if not after or order(key) > order(after)]
        shown = rest[: self.habits.page_size]
        token = shown[-1] if len(rest) > len(shown) else ""
        return Page([self._entry(key) for key in shown], token)

    def do_stat(self, key: str) -> Found:
        if key not in self.things:
            raise NotFound("no such key", store=self.name, key=key)
        return Found(self._entry(key), checksums=self.things[key].checksums)

    def do_read(self, key: str, start: int, size: int | None, etag: str) -> Piece:
        found = self.do_stat(key)
        if etag and etag != found.entry.etag:
            raise Changed("it is another one now", store=self.name, key=key)
        body = self.things[key].body[start:]
        return Piece(found, body if size is None else body[:size])

    def do_write(self, key: str, body: bytes, digest: bytes, checksum: Checksum | None) -> Receipt:
        self._check_digest(key, body, digest)
        self._check_sum(key, body, checksum)
        return self._receipt(self.put(key, body, md5(body)))

    def do_delete(self, key: str) -> None:
        self.things.pop(key, None)

    def do_begin(self, key: str, algorithm: str) -> str:
        name = f"upload-{self._number()}"
        self.uploads[name] = Upload(key, {}, self.now(), algorithm)
        return name

    def do_part(
        self,
        key: str,
        body: bytes,
        upload: str,
        number: int,
        digest: bytes,
        checksum: Checksum | None,
    ) -> Receipt:
        self._check_digest(key, body, digest)
        self._expect(key, upload)
        self._check_sum(key, body, checksum)
        if self.uploads[upload].algorithm and checksum is None:
            raise BadRequest("a part came without its checksum", store=self.name, key=key)
        self.uploads[upload].parts[number] = (md5(body), body)
        etag = "" if self.habits.etags == "silent" else md5(body)
        return Receipt(etag, checksums=self._told(checksum))

    def do_finish(
        self, key: str, upload: str, etags: tuple[str, ...], sums: Sums | None
    ) -> Receipt:
        if upload in self.finished:
            return self.finished[upload]
        self._expect(key, upload)
        parts = self.uploads[upload].parts
        if [parts.get(n, ("", b""))[0] for n in range(1, len(etags) + 1)] != list(etags):
            raise BadRequest("these parts are not there", store=self.name, key=key)
        bodies = [parts[n][1] for n in range(1, len(etags) + 1)]
        self._check_sum(key, b"".join(bodies), sums.whole if sums else None)
        del self.uploads[upload]
        digests = b"".join(hashlib.md5(body, usedforsecurity=False).digest() for body in bodies)
        thing = self.put(key, b"".join(bodies), f"{md5(digests)}-{len(bodies)}")
        self.finished[upload] = self._receipt(thing)
        return self.finished[upload]

    def do_abandon(self, key: str, upload: str) -> None:
        self.uploads.pop(upload, None)

    def do_list_parts(self, key: str, upload: str) -> list[Part]:
        if not self.habits.lists_parts:
            raise Unsupported("no such question", store=self.name, key=key)
        self._expect(key, upload)
        parts = self.uploads[upload].parts.items()
        return sorted(Part(number, len(body), etag) for number, (etag, body) in parts)

    def do_list_uploads(self, prefix: str, is_key: bool) -> list[OpenUpload]:
        if not self.habits.lists_uploads:
            raise Unsupported("no such question", store=self.name)
        return [
            OpenUpload(one.key, name, one.begun)
            for name, one in self.uploads.items()
            if (one.key == prefix if is_key else one.key.startswith(prefix))
        ]

    def _expect(self, key: str, upload: str) -> None:
        if upload not in self.uploads:
            raise NotFound("no such upload", store=self.name, key=key)

    # What tests and strangers do.

    def begin_strangely(self, key: str) -> None:
        """Somebody else begins an upload, long before ours."""
        name = f"strange-{self._number()}"
        self.uploads[name] = Upload(key, {}, self.now() - 3600.0, is_strange=True)

    def put(self, key: str, body: bytes, etag: str = "") -> Thing:
        if self.habits.etags != "md5":
            etag = md5(f"{self.name} {self._number()}".encode())
        thing = Thing(body, etag or md5(body), self.tick(), self._sums_of(body))
        self.things[key] = thing
        self.history[key, thing.etag] = body
        return thing

    def bodies(self) -> dict[str, bytes]:
        return {key: thing.body for key, thing in self.things.items()}

    def _entry(self, key: str) -> Entry:
        thing = self.things[key]
        return Entry(key, len(thing.body), thing.modified, thing.etag)

    def _receipt(self, thing: Thing) -> Receipt:
        etag = "" if self.habits.etags == "silent" else thing.etag
        return Receipt(etag, checksums=thing.checksums if self.habits.sums == "checks" else NOTHING)

    def _sums_of(self, body: bytes) -> Mapping[str, str]:
        """What a server computes by itself, of all that it holds."""
        if self.habits.sums == "none":
            return NOTHING
        return {CRC64NVME.name: CRC64NVME.checksum(CRC64NVME.digest(body)).value}

    def _told(self, checksum: Checksum | None) -> Mapping[str, str]:
        is_told = checksum is not None and self.habits.sums == "checks"
        return {checksum.algorithm: checksum.value} if checksum and is_told else NOTHING

    def _check_sum(self, key: str, body: bytes, checksum: Checksum | None) -> None:
        if checksum is None:
            return
        if self._sums_of(body).get(checksum.algorithm) != checksum.value:
            raise Mismatch("these are not the bytes of that checksum", store=self.name, key=key)

    def _check_digest(self, key: str, body: bytes, digest: bytes) -> None:
        if self.habits.checks_md5 and digest and digest.hex() != md5(body):
            raise Mismatch("these are not the bytes of that MD5", store=self.name, key=key)

    def _number(self) -> int:
        self.count += 1
        return self.count
