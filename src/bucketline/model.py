"""The words of the product: values that every layer speaks in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import ClassVar, NamedTuple

NOTHING: Mapping[str, str] = MappingProxyType({})


def nothing() -> Mapping[str, str]:
    """The default of a mapping field: one shared empty one."""
    return NOTHING


class Entry(NamedTuple):
    """One object, as a listing reports it. A named tuple: a run makes millions of them."""

    key: str
    size: int
    modified: float = 0.0  # Seconds since 1970, UTC.
    etag: str = ""  # Without quotes. Opaque: a multipart etag says nothing about the bytes.
    version: str = ""
    tier: str = ""  # The storage class as the server names it; "" is the standard one.
    stamp: str = ""  # Of a place whose etags are not always known: tells this state from others.

    @property
    def pin(self) -> str:
        """What differs once the object is another one: for reads in pieces, and for the ledger."""
        return self.stamp or self.etag


@dataclass(frozen=True, slots=True)
class Attributes:
    """What belongs to an object beside its bytes."""

    # Names in lower case: content-type, cache-control …; x-amz-meta-* without that prefix.
    headers: Mapping[str, str] = field(default_factory=nothing)
    metadata: Mapping[str, str] = field(default_factory=nothing)
    tags: Mapping[str, str] = field(default_factory=nothing)
    tier: str = ""
    # S3's words without "x-amz-": server-side-encryption…, object-lock-…, acl, grant-read ….
    protection: Mapping[str, str] = field(default_factory=nothing)


PLAIN = Attributes()


class Checksum(NamedTuple):
    """A hash of bytes as stores speak of it; the algorithm in lower case, the value in base64."""

    algorithm: str
    value: str


class Change(NamedTuple):
    """An attribute that did not arrive as it was."""

    attribute: str  # A header's name, metadata, tags, storage-class, encryption, acl, object-lock …
    fate: str  # mapped, refused, unproven
    said: str  # Behind "copied", and the same for all objects alike: "without tags, which …".


@dataclass(frozen=True, slots=True)
class Found:
    """What a store says of one object when asked for that object alone."""

    entry: Entry
    attributes: Attributes = PLAIN
    # algorithm -> base64, as the store tells it; composed of parts' it ends in their number, "-3".
    checksums: Mapping[str, str] = field(default_factory=nothing)
    tag_count: int = 0  # `attributes.tags` may be empty all the same: they can cost a request.
    archived: bool = False  # Its bytes cannot be read before a thaw.
    is_etag_opaque: bool = False  # It is encrypted in a way that makes its etag no MD5.
    is_thawing: bool = False  # It was asked for, and cannot be read yet.
    thawed_until: float = 0.0  # A copy of what is archived can be read so long; 0 = none, or ever.


class Proof(Enum):
    """How strongly delivery is shown, weakest first (ARCHITECTURE.md, "Proof")."""

    NONE = 0
    SIZE = 1
    ETAG = 2
    MD5_PARTS = 3
    CRC32 = 4
    MD5 = 5
    CRC32C = 6
    CRC64NVME = 7
    SHA256 = 8
    READBACK = 9

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")


class Fate(Enum):
    """Where an action stands. STARTED is an intent; the others end it for this run."""

    STARTED = "started"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    WAITING = "waiting"


class Verb(Enum):
    """What an action does to its key."""

    COPY = "copy"
    DELETE = "delete"
    VERIFY = "verify"
    UPDATE = "update"
    THAW = "thaw"
    MARK = "mark"


class Intent(NamedTuple):
    """What the ledger writes down of an action before it begins, beside its key and verb."""

    size: int
    reason: str = ""
    source_pin: str = ""
    target_pin: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """Make the target hold `source` under `target_key`."""

    verb: ClassVar[Verb] = Verb.COPY

    source: Entry
    target_key: str
    replaces: Entry | None = None
    # missing, size, etag, checksum, modified: why the two sides differ; refused: see there.
    reason: str = "missing"
    refused: str = ""  # Why no key can stand for it: it will fail, and is planned to be told.

    @property
    def key(self) -> str:
        return self.target_key

    @property
    def intent(self) -> Intent:
        return Intent(self.source.size, self.reason, self.source.pin)

    def __hash__(self) -> int:
        return hash(self.target_key)  # Tells them apart, and is looked up for each object.


@dataclass(frozen=True, slots=True)
class Delete:
    """Make the target stop holding `target`."""

    verb: ClassVar[Verb] = Verb.DELETE

    target: Entry

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def intent(self) -> Intent:
        return Intent(self.target.size, target_pin=self.target.pin)


@dataclass(frozen=True, slots=True)
class Verify:
    """Show again that the target holds what was delivered."""

    verb: ClassVar[Verb] = Verb.VERIFY

    target: Entry  # As it was delivered; `modified` is when that was proven.
    hashes: Mapping[str, str] = field(default_factory=nothing)  # As an `Outcome` has them.
    run: str = ""  # The run that delivered it.
    verified: float = 0.0  # When it was verified last; 0 = never.

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def intent(self) -> Intent:
        return Intent(self.target.size, self.run, target_pin=self.target.pin)

    def __hash__(self) -> int:
        return hash(self.target.key)


@dataclass(frozen=True, slots=True)
class Update:
    """Give `target` the attributes of `source`; its bytes are the same, and stay where they are."""

    verb: ClassVar[Verb] = Verb.UPDATE

    source: Entry
    target: Entry
    reason: str = ""  # The attributes that differ.

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def intent(self) -> Intent:
        return Intent(0, self.reason, self.source.pin, self.target.pin)

    def __hash__(self) -> int:
        return hash(self.target.key)


@dataclass(frozen=True, slots=True)
class Thaw:
    """Have an object in an archive tier readable for a while."""

    verb: ClassVar[Verb] = Verb.THAW

    target: Entry
    state: str = ""  # How it was found, as flow/thaw.py calls it; "" = nobody could tell.
    until: float = 0.0  # It is readable so long already.

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def intent(self) -> Intent:
        return Intent(self.target.size, self.state, target_pin=self.target.pin)


@dataclass(frozen=True, slots=True)
class Mark:
    """Say at a backup that an object vanished from its source, or that it came back."""

    verb: ClassVar[Verb] = Verb.MARK

    target: Entry
    is_deleted: bool = True

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def intent(self) -> Intent:
        reason = "vanished" if self.is_deleted else "returned"
        return Intent(self.target.size, reason, target_pin=self.target.pin)


@dataclass(frozen=True, slots=True)
class Skip:
    """So many objects were looked at and need nothing: counted, never written line by line."""

    count: int
    size: int


# What the loop carries out and the ledger writes down. A further kind is a class here with a verb,
# a key and an intent; a code for its verb in flow/ledger/schema.py; an engine that performs it.
Action = Copy | Delete | Verify | Update | Thaw | Mark


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action ended, and by what it is shown."""

    fate: Fate
    size: int = 0  # Bytes that were moved.
    proof: Proof = Proof.NONE
    source_etag: str = ""
    target_etag: str = ""
    target_version: str = ""
    # algorithm -> hex of the bytes that were read.
    hashes: Mapping[str, str] = field(default_factory=nothing)
    changes: tuple[Change, ...] = ()  # What of its attributes did not arrive as it was.
    cause: str = ""  # The error's name, as `bucketline errors` groups it.
    message: str = ""  # One line for a person: what happened and what to do.


@dataclass(slots=True)
class Tally:
    """How a run stands: listed = skipped + done + failed + waiting + what is under way."""

    skipped: int = 0
    done: int = 0
    failed: int = 0
    waiting: int = 0
    under_way: int = 0
    bytes_skipped: int = 0
    bytes_done: int = 0

    @property
    def listed(self) -> int:
        return self.skipped + self.done + self.failed + self.waiting + self.under_way
