"""Hashes bytes again, in each way in which a ledger or a proof has written them down."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from bucketline.stores.base import Flow, Work
from bucketline.stores.digests import VOUCHED, Algorithm

_INLINE_MAX = 64 << 10  # A hash of so few bytes costs less than handing it to a thread.
PART_SIZE = "part-size"  # What belongs to a hash of parts, and is none itself.


class Hasher(Protocol):
    """Takes bytes in order."""

    def update(self, body: bytes, /) -> object: ...
    def hexdigest(self) -> str: ...


class OfParts:
    """The hash of the hashes of parts of one size, as S3 makes etags of them."""

    def __init__(self, made: Callable[[], Any], part_size: int) -> None:
        self._made = made
        self._part_size = part_size
        self._whole = made()
        self._part = made()
        self._taken = 0
        self._count = 0

    def update(self, body: bytes, /) -> None:
        view = memoryview(body)
        while view:
            piece = view[: self._part_size - self._taken]
            self._part.update(piece)
            self._taken += len(piece)
            view = view[len(piece) :]
            if self._taken == self._part_size:
                self._end_part()

    def hexdigest(self) -> str:
        if self._taken:
            self._end_part()
        return f"{self._whole.hexdigest()}-{self._count}"

    def _end_part(self) -> None:
        self._whole.update(self._part.digest())
        self._part, self._taken = self._made(), 0
        self._count += 1


class Combined:
    """A checksum that is made of those of the pieces."""

    def __init__(self, algorithm: Algorithm) -> None:
        self._algorithm = algorithm
        self._whole = algorithm.digest(b"")

    def update(self, body: bytes, /) -> None:
        pieces = [(self._whole, 0), (self._algorithm.digest(body), len(body))]
        self._whole = self._algorithm.of_parts(pieces)

    def hexdigest(self) -> str:
        return self._whole.hex()


_md5 = partial(hashlib.md5, usedforsecurity=False)
_WHOLE: Mapping[str, Callable[[], Hasher]] = {
    "md5": _md5,
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
    **{name: partial(Combined, one) for name, one in VOUCHED.items() if one.combine},
}


def hashers(hashes: Mapping[str, str]) -> dict[str, Hasher]:
    """What makes them again; those that nobody here can make are left out."""
    made: dict[str, Hasher] = {name: _WHOLE[name]() for name in hashes if name in _WHOLE}
    size = hashes.get(PART_SIZE, "")
    if "md5-parts" in hashes and size.isascii() and size.isdigit() and int(size):
        made["md5-parts"] = OfParts(_md5, int(size))
    return made


def update(making: Mapping[str, Hasher], body: bytes) -> Flow[None]:
    """More bytes for all of them; many are hashed on a thread."""
    if len(body) <= _INLINE_MAX:
        for hasher in making.values():
            hasher.update(body)
    else:
        yield Work(lambda: [hasher.update(body) for hasher in making.values()], name="hash")
