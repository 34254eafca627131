"""What places of the simulated world hold, and what kinds of servers there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bucketline.model import NOTHING


class Thing(NamedTuple):
    """An object as the server holds it."""

    body: bytes
    etag: str
    modified: float
    checksums: Mapping[str, str] = NOTHING


class Upload(NamedTuple):
    """An object in the making."""

    key: str
    parts: dict[int, tuple[str, bytes]]
    begun: float
    algorithm: str = ""
    is_strange: bool = False  # Somebody else's.


@dataclass(frozen=True, slots=True)
class Habits:
    """What kind of server a place is."""

    etags: str = "md5"  # md5; opaque: says nothing, though it may look like one; silent: told by
    # listings only, and opaque as well.
    is_sorted: bool = True
    says_sorted: bool = True
    page_size: int = 3
    checks_md5: bool = True
    lists_parts: bool = True
    lists_uploads: bool = True
    sums: str = "none"  # checks: refuses wrong ones and tells; silent: tells when asked; none.

    @property
    def is_liar(self) -> bool:
        return self.says_sorted and not self.is_sorted


def flipped(body: bytes, number: int) -> bytes:
    """Damage that never comes twice alike: `number` counts."""
    return bytes([body[0] ^ (number % 255 + 1)]) + body[1:] if body else b"?"


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
