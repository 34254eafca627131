"""What lies beside a staged object and makes it one: alone, it says all that a ledger knew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from bucketline.errors import Broken
from bucketline.model import PLAIN, Attributes, Entry, Found

VERSION = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a staged object came from, and which object it was there."""

    store: str = ""
    key: str = ""
    pin: str = ""
    version: str = ""
    modified: float = 0.0
    is_unproven: bool = False  # Whether these bytes are it, is still to be shown.


@dataclass(frozen=True, slots=True)
class PartFile:
    """Some of its bytes."""

    volume: str  # The volume's own name, wherever it is mounted.
    name: str
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One staged object."""

    key: str
    size: int
    etag: str
    generation: str
    staged: float
    parts: tuple[PartFile, ...]
    attributes: Attributes = PLAIN
    origin: Origin = Origin()

    @property
    def entry(self) -> Entry:
        return Entry(self.key, self.size, self.staged, self.etag, "", self.attributes.tier)

    @property
    def volumes(self) -> list[str]:
        """Those that hold some of it, each once; the first is the one of the first part."""
        return list(dict.fromkeys(part.volume for part in self.parts))

    def found(self) -> Found:
        """As stores speak of it."""
        return Found(self.entry, self.attributes, tag_count=len(self.attributes.tags))

    def packed(self) -> bytes:
        """Its file, which ends with a hash of all before it."""
        told = {
            "v": VERSION,
            "key": self.key,
            "size": self.size,
            "etag": self.etag,
            "generation": self.generation,
            "staged": self.staged,
            "parts": [asdict(part) for part in self.parts],
            "attributes": attributes_as_told(self.attributes),
            "origin": asdict(self.origin),
        }
        return sealed(told)


def unpacked(text: bytes) -> Sidecar:
    """Raises `Broken` where it is damaged, or written by a newer version."""
    told = opened(text)
    try:
        return Sidecar(
            *(str(told["key"]), int(told["size"]), str(told["etag"]), str(told["generation"])),
            float(told["staged"]),
            tuple(PartFile(**part) for part in told["parts"]),
            Attributes(**told["attributes"]),
            Origin(**told["origin"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Broken("what lies beside a staged object is damaged") from error


@dataclass(slots=True)
class Growing:
    """An object on its way to the spool in parts; `begin` is durable, the parts tell themselves."""

    key: str
    size: int
    generation: str
    begun: float
    volume: str  # Where the file is that says so.
    attributes: Attributes = PLAIN
    origin: Origin = Origin()
    parts: dict[int, PartFile] = field(default_factory=dict)

    def packed(self) -> bytes:
        """The file."""
        told = {
            "v": VERSION,
            "key": self.key,
            "size": self.size,
            "begun": self.begun,
            "generation": self.generation,
            "attributes": attributes_as_told(self.attributes),
            "origin": asdict(self.origin),
        }
        return sealed(told)


def growing(text: bytes, volume: str) -> Growing:
    """Raises `Broken`."""
    told = opened(text)
    try:
        return Growing(
            *(str(told["key"]), int(told["size"]), str(told["generation"])),
            *(float(told["begun"]), volume),
            Attributes(**told["attributes"]),
            Origin(**told["origin"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Broken("what tells of an upload is damaged") from error


def attributes_as_told(attributes: Attributes) -> dict[str, Any]:
    """As JSON has them."""
    return {
        "headers": dict(attributes.headers),
        "metadata": dict(attributes.metadata),
        "tags": dict(attributes.tags),
        "tier": attributes.tier,
        "protection": dict(attributes.protection),
    }


def sealed(told: Mapping[str, Any]) -> bytes:
    """JSON with a hash behind it: a disk that lost half of it does not make another object."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b"\n" + sha256(text).hexdigest().encode() + b"\n"


def opened(text: bytes) -> dict[str, Any]:
    """Raises `Broken`."""
    body, _, digest = text.removesuffix(b"\n").rpartition(b"\n")
    if sha256(body).hexdigest().encode() != digest:
        raise Broken("what lies beside a staged object is damaged")
    told: dict[str, Any] = json.loads(body)
    if told.get("v") != VERSION:  # Sealed all the same: no damage.
        raise Broken("what lies beside a staged object was written by a newer bucketline")
    return told
