"""The checksum of an object in parts, made of those of its parts, in either of its two forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bucketline.model import Checksum
from bucketline.stores.digests import Algorithm


class Whole(NamedTuple):
    """What a store may tell of such an object."""

    checksum: Checksum  # Of all of its bytes.
    composed: str  # Of its parts' checksums, with their number: another one for other parts.

    def is_told(self, told: str) -> bool:
        return told in (self.checksum.value, self.composed)


def whole_of(algorithm: Algorithm, digests: Sequence[bytes], sizes: Sequence[int]) -> Whole:
    """From the digest and the size of each part, in order."""
    whole = algorithm.checksum(algorithm.of_parts(zip(digests, sizes, strict=True)))
    composed = algorithm.checksum(algorithm.digest(b"".join(digests))).value
    return Whole(whole, f"{composed}-{len(digests)}")
