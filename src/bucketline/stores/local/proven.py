"""Bytes into a file, and what it gives back of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import md5 as md5_of
from typing import NamedTuple

from bucketline.errors import Mismatch
from bucketline.model import Checksum
from bucketline.stores.digests import VOUCHED

_PIECE = 256 << 10  # Of a large file, read back: small enough for the cache of a core.


class Told(NamedTuple):
    """What a caller says of some bytes. With a checksum, that is what they are checked by."""

    md5: bytes = b""
    checksum: Checksum | None = None


def write_at(file: int, body: bytes | memoryview, offset: int) -> None:
    """All of `body`, however many calls it takes; raises OSError."""
    view = memoryview(body)
    while view:
        count = os.pwrite(file, view, offset)
        view, offset = view[count:], offset + count


def write_proven(file: int, body: bytes | memoryview, offset: int, told: Told) -> str:
    """Write all of `body`; its MD5 if that is known or was asked for, by no other hash being told.

    The hash is of what the file gives there now. Raises OSError, `Mismatch`.
    """
    write_at(file, body, offset)
    return check(file, offset, len(body), told)


def check(file: int, offset: int, size: int, told: Told) -> str:
    """Hold what the file gives there against what is told of it: as `write_proven` does."""
    if told.checksum is not None:
        algorithm = VOUCHED[told.checksum.algorithm]
        pieces = [(algorithm.digest(one), len(one)) for one in _pieces(file, offset, size)]
        pieces = pieces or [(algorithm.digest(b""), 0)]
        if algorithm.checksum(algorithm.of_parts(pieces)) != told.checksum:
            raise Mismatch(f"the file gives other bytes back than those of the {algorithm.name}")
        return told.md5.hex()
    digest = _md5_at(file, offset, size)
    if told.md5 and digest != told.md5:
        raise Mismatch("the file gives other bytes back than those of the MD5")
    return digest.hex()


def _md5_at(file: int, start: int, size: int) -> bytes:
    if size <= _PIECE:
        return md5_of(os.pread(file, size, start), usedforsecurity=False).digest()
    hashed = md5_of(usedforsecurity=False)
    for piece in _pieces(file, start, size):
        hashed.update(piece)
    return hashed.digest()


def _pieces(file: int, start: int, size: int) -> Iterator[memoryview]:
    """What the file gives; each piece is good until the next one comes."""
    piece, end = memoryview(bytearray(min(size, _PIECE))), start + size
    while start < end and (count := os.preadv(file, [piece[: end - start]], start)):
        yield piece[:count]
        start += count
