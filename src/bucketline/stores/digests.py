"""The hashes of bytes that stores can answer, and how those of parts make the one of the whole."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from bucketline.model import Checksum, Proof
from bucketline.stores.base import Flow, Work

Body = bytes | memoryview

_INLINE_MAX = 64 << 10  # A hash of so few bytes costs less than handing it to a thread.


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way of hashing, named as S3 names it, in lower case."""

    name: str
    proof: Proof  # What it shows that a store vouches for it.
    digest: Callable[[Body], bytes]
    # (digest of a, digest of b, bytes of b) -> digest of a and b; None = there is no such way, and
    # then an object in parts has no hash of its own.
    combine: Callable[[bytes, bytes, int], bytes] | None = None
    inline_max: int = _INLINE_MAX

    def of(self, body: Body) -> Flow[bytes]:
        """The digest of `body`; of many bytes, on a thread, without Python's lock."""
        if len(body) <= self.inline_max:
            return self.digest(body)
        hashed: bytes = yield Work(lambda: self.digest(body), name="hash")
        return hashed

    def checksum(self, digest: bytes) -> Checksum:
        """As it is told to a store."""
        return Checksum(self.name, b64encode(digest).decode())

    def of_parts(self, parts: Iterable[tuple[bytes, int]]) -> bytes:
        """The digest of the whole, from those of its parts in order, each with its size."""
        combine = self.combine
        if combine is None:
            raise ValueError(f"{self.name} cannot be combined")
        whole = b""
        for digest, size in parts:
            whole = combine(whole, digest, size) if whole else digest
        return whole


@cache
def _crt() -> Any:
    """Amazon's C library: 50 ms to load, only where a store answers with what it computes."""
    from awscrt import checksums

    return checksums


def _crc(name: str, width: int) -> tuple[Callable[[Body], bytes], Callable[..., bytes]]:
    """A CRC of `width` bytes, and how two are combined."""

    def digest(body: Body) -> bytes:
        value: int = getattr(_crt(), name)(body)
        return value.to_bytes(width, "big")

    def combine(one: bytes, other: bytes, size: int) -> bytes:
        ends = (int.from_bytes(one, "big"), int.from_bytes(other, "big"))
        value: int = getattr(_crt(), f"combine_{name}")(*ends, size)
        return value.to_bytes(width, "big")

    return digest, combine


def _md5(body: Body) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


def _sha256(body: Body) -> bytes:
    return hashlib.sha256(body).digest()


def _crc32(body: Body) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big")


_QUICK = 1 << 20  # Of a CRC, a megabyte takes a tenth of a millisecond.
MD5 = Algorithm("md5", Proof.MD5, _md5)
SHA256 = Algorithm("sha256", Proof.SHA256, _sha256)
CRC32 = Algorithm("crc32", Proof.CRC32, _crc32, _crc("crc32", 4)[1])
CRC32C = Algorithm("crc32c", Proof.CRC32C, *_crc("crc32c", 4), inline_max=_QUICK)
CRC64NVME = Algorithm("crc64nvme", Proof.CRC64NVME, *_crc("crc64nvme", 8), inline_max=_QUICK)

# What a store may vouch for, the most useful first: a CRC of 64 bits costs the least, proves the
# whole of an object in parts too, and misses damage once in 2**64 times.
VOUCHED = {one.name: one for one in (CRC64NVME, CRC32C, SHA256, CRC32)}


def etag_of_parts(etags: Sequence[str]) -> str:
    """The etag that S3 gives to an object of parts with these etags, which are their MD5s."""
    digests = b"".join(map(bytes.fromhex, etags))
    return f"{_md5(digests).hex()}-{len(etags)}"
