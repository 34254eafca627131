"""Files that come in parts, each written at its place, in any order, whoever began them."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Sequence

from bucketline.errors import BadRequest, Mismatch, NotFound, StoreError
from bucketline.model import Checksum
from bucketline.stores.base import OpenUpload, Part, Receipt, Sums
from bucketline.stores.digests import VOUCHED, etag_of_parts
from bucketline.stores.local import left
from bucketline.stores.local.left import Slot
from bucketline.stores.local.paths import cause, lasting_name
from bucketline.stores.local.proven import Told, write_proven
from bucketline.stores.local.system import reserve
from bucketline.stores.local.write import Place, Put, split

_FINISHED_MAX = 1_000
_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch


class Parts:
    """One file that is under way."""

    def __init__(self, put: Put, parts: dict[int, Slot] | None = None) -> None:
        self.put = put
        self.begun = put.place.clock.now()
        self._parts = parts or {}

    def write(self, number: int, body: bytes, offset: int, told: Told) -> Receipt:
        """Part `number`; one that came before gives way."""
        if offset + len(body) > self.put.size:
            raise self._bad("the part reaches beyond the end")
        try:
            etag = write_proven(self.put.file, body, offset, told)
            etag = etag or ("-".join(told.checksum) if told.checksum else "")
            part = Slot(offset, len(body), etag, told.checksum)
            left.note(self.put, number, part)
        except (OSError, StoreError) as failure:
            raise cause(failure, self.put.place.name, self.put.key) from None
        self._parts[number] = part
        return Receipt(etag, checksums=dict([told.checksum] if told.checksum else []))

    def held(self) -> list[Part]:
        """What has come so far."""
        return sorted(
            Part(number, part.size, part.etag, part.checksum)
            for number, part in self._parts.items()
        )

    def body(self, number: int) -> bytes:
        """Of a part that has come."""
        part = self._parts[number]
        try:
            body = os.pread(self.put.file, part.size, part.start)
        except OSError as failure:
            raise cause(failure, self.put.place.name, self.put.key) from None
        if len(body) != part.size:
            raise self._bad("a part is shorter than it was")
        return body

    def recheck(self, number: int) -> None:
        """A part that another process wrote counts if the file still gives it back."""
        if not left.is_there(self.put, self._parts[number]):
            del self._parts[number]

    @property
    def numbers(self) -> list[int]:
        return sorted(self._parts)

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
        try:
            left.cut_off(self.put)
        except OSError as failure:  # What reads well now may be in memory alone: it goes.
            raise self.put.fail(failure) from None
        self.put.set_time()
        self.put.write_alone()

    def _of_whole(self, wanted: Sums, count: int) -> Checksum:
        """The checksum of the whole, made of those that the parts were checked by."""
        algorithm = VOUCHED[wanted.whole.algorithm]
        parts = [self._parts[number] for number in range(1, count + 1)]
        sums = [part.checksum for part in parts if part.checksum is not None]
        if algorithm.combine is None or [one.algorithm for one in sums] != [algorithm.name] * count:
            raise self._bad("the parts came without the checksum that makes the whole's")
        sizes = [part.size for part in parts]
        digests = [(b64decode(one.value), size) for one, size in zip(sums, sizes, strict=True)]
        whole = algorithm.checksum(algorithm.of_parts(digests))
        if whole != wanted.whole:
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
    """The files in parts of one store."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._parts: dict[str, Parts] = {}
        self.finished: dict[str, Receipt] = {}  # So that finishing again is a success.

    def begin(self, put: Put, size: int) -> str:
        """The name of a new upload, for which the disk has room."""
        put.size = size
        try:
            put.create(lasting_name)
            left.begin(put)
            reserve(put.file, size)
        except (OSError, StoreError) as failure:
            raise put.fail(failure) from None
        upload = left.name_of(put)
        self._parts[upload] = Parts(put)
        return upload

    def is_under_way(self, upload: str) -> bool:
        return upload in self._parts

    def reopened(self, key: str, upload: str) -> Parts:
        """One that a process before has left, with the parts that are said to have come."""
        try:
            found = left.reopened(self._place, key, upload)
        except OSError as failure:
            raise cause(failure, self._place.name, key) from None
        if found is None:
            raise self._gone(key)
        return Parts(*found)

    def take_over(self, upload: str, parts: Parts) -> None:
        """From now on it is this process's."""
        self._parts[upload] = parts

    def get(self, key: str, upload: str) -> Parts:
        parts = self._parts.get(upload)
        if parts is None or parts.put.key != key:
            raise self._gone(key)
        return parts

    def end(self, upload: str, receipt: Receipt) -> None:
        """It has become a file."""
        del self._parts[upload]
        while len(self.finished) >= _FINISHED_MAX:
            self.finished.pop(next(iter(self.finished)))
        self.finished[upload] = receipt

    def under_way(self, prefix: str, *, is_key: bool) -> list[OpenUpload]:
        """Those of this process. What others left is found by its name, if that was told."""
        return [
            OpenUpload(one.put.key, upload, one.begun)
            for upload, one in self._parts.items()
            if (one.put.key == prefix if is_key else one.put.key.startswith(prefix))
        ]

    def untold(self, key: str) -> list[OpenUpload]:
        """What others began for the key, and told nobody."""
        try:
            return left.untold(self._place, key)
        except OSError as failure:
            raise cause(failure, self._place.name, key) from None

    def abandon(self, key: str, upload: str) -> None:
        parts = self._parts.pop(upload, None)
        if parts is not None:
            parts.put.discard()
            self._place.folders.prune(split(key)[0])  # Of one taken over, another made its folder.
            return
        try:
            left.remove(self._place, key, upload)
        except OSError as failure:
            raise cause(failure, self._place.name, key) from None

    def _gone(self, key: str) -> NotFound:
        return NotFound("there is no such upload", store=self._place.name, key=key)
