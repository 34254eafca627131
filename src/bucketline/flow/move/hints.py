"""What is remembered of uploads from one process to the next, and who remembers it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple, Protocol

from bucketline.model import Attributes, Entry
from bucketline.stores.base import Flow


class SentPart(NamedTuple):
    """A part that arrived, and what shows it."""

    etag: str  # As the target told it; `finish` wants it back.
    md5: str  # Of the bytes that were sent, in hex; "" = it was not needed.
    sums: str = ""  # Their other hashes, as in "crc64nvme=0123456789abcdef".

    @property
    def named(self) -> dict[str, str]:
        """All hashes, by name."""
        named = dict(word.split("=", 1) for word in self.sums.split())
        return {"md5": self.md5, **named} if self.md5 else named


@dataclass(frozen=True, slots=True)
class Upload:
    """An object on its way in parts, and the parts that are there: a hint, for a store to confirm.

    One without a name was about to be begun: whether it was, only the target can tell.
    """

    key: str
    upload: str
    size: int
    part_size: int
    source_etag: str = ""
    fingerprint: str = ""  # Of all that must be as it was for the parts to fit: see there.
    started: float = 0.0  # When it was about to be begun, by our clock; 0 = now.
    parts: Mapping[int, SentPart] = field(default_factory=dict)


class Hints(Protocol):
    """Remembers uploads. Each call is durable when its flow ends; values alone cross it."""

    @property
    def lasts(self) -> bool:
        """Whether another process will be told: only then is an upload left for it."""

    def of(self, key: str) -> Flow[list[Upload]]:
        """The uploads of this key, the newest first."""

    def remember(self, upload: Upload) -> Flow[Upload]:
        """From now on; the answer has its time. One that has got its name replaces the nameless."""

    def remember_parts(self, key: str, upload: str, parts: Mapping[int, SentPart]) -> Flow[None]:
        """These arrived."""

    def finished(self, key: str, upload: str) -> Flow[None]:
        """It has become the object: it is forgotten in the very moment in which that is recorded.

        A process that dies before leaves the next one its parts, which show whose the object is.
        """

    def forget(self, key: str, upload: str) -> Flow[None]:
        """It was abandoned. Forgotten already is a success."""


class NoHints:
    """Remembers nothing: a move that ends too early leaves nothing behind."""

    lasts = False

    def of(self, key: str) -> Flow[list[Upload]]:  # noqa: ARG002
        yield from ()
        return []

    def remember(self, upload: Upload) -> Flow[Upload]:
        yield from ()
        return upload

    def remember_parts(
        self,
        key: str,  # noqa: ARG002
        upload: str,  # noqa: ARG002
        parts: Mapping[int, SentPart],  # noqa: ARG002
    ) -> Flow[None]:
        yield from ()

    def finished(self, key: str, upload: str) -> Flow[None]:  # noqa: ARG002
        yield from ()

    def forget(self, key: str, upload: str) -> Flow[None]:  # noqa: ARG002
        yield from ()


def fingerprint(source: Entry, part_size: int, attributes: Attributes, algorithm: str = "") -> str:
    """What must be the same for parts that were sent to be parts of this object.

    "" = nothing tells this object from another one of its name: then nothing is gone on with.
    """
    if not (source.pin or source.version):
        return ""
    words = [source.key, source.version, source.pin, source.size, part_size, algorithm]
    given = {one.name: getattr(attributes, one.name) for one in fields(attributes)}
    text = json.dumps([words, given], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
