"""Files that come in parts, each written at its place, in any order."""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from collections.abc import Sequence
from typing import NamedTuple

from bucketline.errors import BadRequest, Mismatch, NotFound, StoreError
from bucketline.model import Checksum
from bucketline.stores.base import OpenUpload, Part, Receipt, Sums
from bucketline.stores.digests import VOUCHED, etag_of_parts
from bucketline.stores.local.paths import cause
from bucketline.stores.local.proven import Told, write_proven
from bucketline.stores.local.system import reserve
from bucketline.stores.local.write import Place, Put

_FINISHED_MAX = 1_000
_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch


class _Part(NamedTuple):
    start: int
    size: int
    etag: str
    checksum: str = ""  # In base64; "" = it was checked by its MD5.


class Parts:
    """One file that is under way."""

    def __init__(self, put: Put) -> None:
        self.put = put
        self.begun = put.place.clock.now()
        self._parts: dict[int, _Part] = {}

    def write(self, number: int, body: bytes, offset: int, told: Told) -> Receipt:
        """Part `number`; one that came before gives way."""
        if offset + len(body) > self.put.size:
            raise self._bad("the part reaches beyond the end")
        try:
            etag = write_proven(self.put.file, body, offset, told)
        except (OSError, StoreError) as failure:
            raise cause(failure, self.put.place.name, self.put.key) from None
        if told.checksum is None:
            self._parts[number] = _Part(offset, len(body), etag)
            return Receipt(etag)
        name, value = told.checksum
        etag = etag or f"{name}-{value}"
        self._parts[number] = _Part(offset, len(body), etag, value)
        return Receipt(etag, checksums={name: value})

    def held(self) -> list[Part]:
        """What has come so far."""
        return sorted(Part(number, part.size, part.etag) for number, part in self._parts.items())

    def close(self, etags: Sequence[str], sums: Sums | None) -> None:
        """All parts are there, they are those of `etags`, and their bytes are on the disk."""
        parts = [self._parts.get(number) for number in range(1, len(etags) + 1)]
        end = 0
        for part, etag in zip(parts, etags, strict=True):
            if part is None or part.etag != etag or part.start != end:
                raise self._bad("a part is missing or another one")
            end += part.size
        if end != self.put.size:
            raise self._bad("the parts do not make the whole")
        if sums is not None:
            self.put.whole = self._of_whole(sums, len(etags))
        self.put.etag = _etag_of(etags)
        self.put.set_time()
        self.put.write_alone()

    def _of_whole(self, sums: Sums, count: int) -> Checksum:
        """The checksum of the whole, made of those that the parts were checked by."""
        algorithm = VOUCHED[sums.whole.algorithm]
        parts = [self._parts[number] for number in range(1, count + 1)]
        if algorithm.combine is None or not all(part.checksum for part in parts):
            raise self._bad("the parts came without the checksum that makes the whole's")
        digests = [(b64decode(part.checksum), part.size) for part in parts]
        whole = algorithm.checksum(algorithm.of_parts(digests))
        if whole != sums.whole:
            raise Mismatch(
                f"the parts do not make the {algorithm.name} of the whole",
                store=self.put.place.name,
                key=self.put.key,
            )
        return whole

    def _bad(self, said: str) -> StoreError:
        return BadRequest(said, store=self.put.place.name, key=self.put.key)


def _etag_of(etags: Sequence[str]) -> str:
    """As S3 makes it of the parts' MD5s; "" = not all of them are known."""
    if not all(_MD5(etag) for etag in etags):
        return ""
    return etag_of_parts(etags)


class Uploads:
    """The files in parts of one store. They live as long as it: what it leaves is cleared away."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._parts: dict[str, Parts] = {}
        self.finished: dict[str, Receipt] = {}  # So that finishing again is a success.

    def begin(self, put: Put, size: int) -> str:
        """The name of a new upload, for which the disk has room."""
        put.size = size
        try:
            put.create()
            reserve(put.file, size)
        except (OSError, StoreError) as failure:
            raise put.fail(failure) from None
        upload = secrets.token_hex(8)
        self._parts[upload] = Parts(put)
        return upload

    def get(self, key: str, upload: str) -> Parts:
        parts = self._parts.get(upload)
        if parts is None or parts.put.key != key:
            raise NotFound("there is no such upload", store=self._place.name, key=key)
        return parts

    def end(self, upload: str, receipt: Receipt) -> None:
        """It has become a file."""
        del self._parts[upload]
        while len(self.finished) >= _FINISHED_MAX:
            self.finished.pop(next(iter(self.finished)))
        self.finished[upload] = receipt

    def under_way(self, prefix: str, *, is_key: bool) -> list[OpenUpload]:
        """Those of this process: what others left is cleared away, and no part of it counts."""
        return [
            OpenUpload(one.put.key, upload, one.begun)
            for upload, one in self._parts.items()
            if (one.put.key == prefix if is_key else one.put.key.startswith(prefix))
        ]

    def abandon(self, upload: str) -> None:
        parts = self._parts.pop(upload, None)
        if parts is not None:
            parts.put.discard()
