"""An object in memory, whole or on its way in parts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from bucketline.errors import BadRequest
from bucketline.model import NOTHING, PLAIN, Attributes, Checksum, Entry, Found
from bucketline.stores.digests import VOUCHED


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
            checksums=told(self.checksum),
            tag_count=len(attributes.tags),
        )


@dataclass(slots=True)
class Growing:
    """An object on its way in parts."""

    key: str
    size: int
    attributes: Attributes
    begun: float
    algorithm: str = ""
    parts: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # number -> offset, bytes.

    def assembled(self, etags: Sequence[str], store: str) -> Held:
        """The object that these parts make, in order."""
        parts = [self.parts.get(number, (0, b"")) for number in range(1, len(etags) + 1)]
        bodies = [body for _, body in parts]
        if not parts or [md5_of(body) for body in bodies] != list(etags):
            raise BadRequest("a part is missing or another one", store=store, key=self.key)
        starts = [0, *accumulate(map(len, bodies))]
        if [*(offset for offset, _ in parts), self.size] != starts:
            raise BadRequest("the parts do not make the whole", store=store, key=self.key)
        digests = b"".join(bytes.fromhex(etag) for etag in etags)
        body = b"".join(bodies)
        return Held(
            body,
            f"{md5_of(digests)}-{len(etags)}",
            self.attributes,
            part_sizes=tuple(map(len, bodies)),
            checksum=checksum_of(self.algorithm, body) if self.algorithm else None,
        )


def md5_of(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def checksum_of(algorithm: str, body: bytes) -> Checksum:
    known = VOUCHED[algorithm]
    return known.checksum(known.digest(body))


def told(checksum: Checksum | None) -> Mapping[str, str]:
    return NOTHING if checksum is None else {checksum.algorithm: checksum.value}
