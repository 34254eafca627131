"""The contract between places and verbs: what a store can be asked, and what it may ask for.

A verb is a generator. It yields effects (`Request`, `Work`, `Pause`, `Together`, `Gate`), is sent
each one's result, and returns its answer; a failure is thrown in at the yield. It never blocks and
never reads a clock, so a driver decides what happens when, and a test can stop the world anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from bucketline.model import PLAIN, Attributes, Checksum, Entry, Found

T = TypeVar("T")

IN_MOTION = "~"  # Behind a stamp: the file was changed a moment ago, and may be again unnoticed.


@dataclass(frozen=True, slots=True, eq=False)  # Looked up by identity, for each request.
class Route:
    """How to reach an endpoint; one value per endpoint, so that connections can be shared by it."""

    ca_file: str = ""  # "" = the system's.
    verify_tls: bool = True
    proxy: str = ""  # A URL; "" = none, whatever the environment says.
    no_proxy: str = ""
    source_address: str = ""  # A local address or interface to send from.
    connect_timeout_seconds: int = 10
    idle_timeout_seconds: int = 60  # No byte either way for so long: the connection is dead.


@dataclass(slots=True)
class Request:
    """One HTTP exchange. `url` is complete and its path byte-exact; the body is bounded."""

    method: str
    url: str
    headers: list[str]  # "Name: value"; contains everything that was signed.
    route: Route
    body: bytes | memoryview = b""
    kind: str = "GET"  # LIST, GET, PUT, HEAD, TAG, DELETE, POST: what the operator is billed for.
    speed_max: int = 0  # Bytes per second, either way; 0 = as fast as it goes.
    is_once: bool = False  # Not to be made twice unseen, as it may be over a kept connection.
    is_large: bool = False  # The answer's body will be: it comes as a view of memory used again.
    sink: Callable[[bytes], object] | None = None  # Takes the body instead, as it comes.


class Answer(NamedTuple):
    """What came back. Header names are lower-case; the body is whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes  # Of a large one a view, whose memory it keeps for itself.


@dataclass(slots=True)
class Work:
    """A piece of disk work or hashing that may take long and holds no Python lock while it does."""

    call: Callable[[], Any]
    name: str = "work"  # What a fault schedule can aim at: "write", "read", "list" …
    key: str = ""
    is_brief: bool = False  # A few system calls on a small file: quick, unless the disk is slow.
    is_shared: bool = False  # The first of several at hand does it for all: one thread is best.


@dataclass(frozen=True, slots=True)
class Pause:
    """Come back after so many seconds."""

    seconds: float


@dataclass(slots=True)
class Together:
    """Run these flows at once, `width` at most; the result is the list of theirs, in order.

    When one fails, those not yet begun are never begun, those under way are awaited, and then the
    first failure is thrown in.
    """

    flows: Sequence[Generator[Effect, Any, Any]]
    width: int = 8


class Gate:
    """Wait until somebody has opened it; one that is open holds nobody up."""

    __slots__ = ("is_open",)

    def __init__(self) -> None:
        self.is_open = False

    def open(self) -> None:
        self.is_open = True


Effect = Request | Work | Pause | Together | Gate
Flow = Generator[Effect, Any, T]


class Page(NamedTuple):
    """A stretch of a listing. The listing has ended, properly, only when `token` is empty."""

    entries: list[Entry]
    token: str  # Give it back to get the next page.


class Piece(NamedTuple):
    """Some bytes of an object and what the store said of the whole of it in the same answer."""

    found: Found
    body: bytes  # Of a large range, a view of them.


class Sums(NamedTuple):
    """The checksum of an object in parts, and those of its parts, in order, in base64."""

    whole: Checksum
    parts: Sequence[str]


class Part(NamedTuple):
    """A part that a store holds of an upload."""

    number: int
    size: int
    etag: str
    checksum: Checksum | None = None  # By which it was checked when it came, where that is known.


class OpenUpload(NamedTuple):
    """An upload that was begun and neither finished nor abandoned."""

    key: str
    upload: str
    begun: float  # By our clock, as far as that can be told.


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store answered to a write."""

    etag: str = ""
    version: str = ""
    checksums: Mapping[str, str] = field(default_factory=dict)
    stamp: str = ""  # As an `Entry` has it.
    is_etag_opaque: bool = False  # Encrypted in a way that makes its etag no MD5.

    @property
    def pin(self) -> str:
        """What a listing will tell of it, for as long as it stays the same."""
        return self.stamp or self.etag


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this place can do. An ability not proven is not used."""

    sorted: bool = True  # Listings come in key order (UTF-8 bytes).
    etag_is_md5: bool = True  # The etag of a single write is the MD5 of its bytes.
    metadata: bool = True
    tags: bool = False
    keeps_attributes: bool = True  # Known to keep all that it takes; else the first ones tell.
    tiers: frozenset[str] | None = None  # Storage classes to keep without being asked; None = any.
    is_folder: bool = False  # Names tell the types of its files, which bear times of their own.
    seals: bool = False  # Objects are encrypted with a customer's key, whatever they were before.
    metadata_size_max: int = 0  # Bytes of names and values; 0 = it says so itself.
    versions: bool = False
    conditional_write: bool = False
    # By these it refuses what does not fit; to tell what it was told is not enough.
    checksums: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()  # Those that it tells of what is written, never later.
    lists_parts: bool = True  # Else the parts that we remember must do.
    vouches_for_parts: bool = False  # What it lists are the bytes that it was given, by their hash.
    begin_keeps_object: bool | None = True  # That stands where an upload begins; None = not known.
    part_size_min: int = 5 << 20
    part_size_max: int = 5 << 30
    parts_max: int = 10_000
    object_size_max: int = 50 << 40


def together(flows: Sequence[Flow[T]], width: int) -> Flow[list[T]]:
    """The results of many, so many at once."""
    results: list[T] = yield Together(flows, width)
    return results


class Store(Protocol):
    """A flat namespace of whole objects: no folders, no partial writes.

    Keys given and returned are whole keys as the store has them (a store opened at a prefix does
    not strip it). Every verb may be made again after any failure, with the same effect as once.
    """

    @property
    def name(self) -> str:
        """For people: `s3://bucket/` or `/path/`; a key can be written right behind it."""

    @property
    def able(self) -> Abilities:
        """What is known of it now; may grow while a run learns."""

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        """The entries whose keys start with the raw string `prefix`, strictly after `after`.

        In order of the keys' UTF-8 bytes if `able.sorted`. The first call has no token.
        Raises `NoBucket`, `BucketDenied`, `BadListing`; a missing folder is `NoBucket`.
        """

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        """The object now. Raises `NotFound`."""

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        """`size` bytes from `start` on (fewer at the end), or all of it, as one bounded piece.

        With `etag` (an entry's pin), raises `Changed` when the object is no longer that one.
        Raises `NotFound`, `NeedsThaw`. `found.entry.size` is the size of the whole object, never of
        the piece.
        """

    def write(
        self,
        key: str,
        body: bytes,
        *,
        attributes: Attributes = PLAIN,
        md5: bytes = b"",
        checksum: Checksum | None = None,
        if_absent: bool = False,
    ) -> Flow[Receipt]:
        """The whole object at once; no reader ever sees a part of it.

        `md5` (16 bytes) is the digest of `body`, computed by the caller; the store passes it on to
        be checked, or computes it. So is `checksum`, of an algorithm that `able` names; the receipt
        has the store's own. Raises `Conflict` with `if_absent`, `NoRoom`, `Unholdable`, `Mismatch`.
        """

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        """Make `key` absent. Absent already is a success."""

    def delete_many(self, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
        """Make up to 1,000 keys absent; the answer holds those that could not be, and why."""

    def tags(self, key: str, *, version: str = "") -> Flow[dict[str, str]]:
        """The object's tags. Raises `Unsupported` where there are none."""

    def begin(
        self, key: str, size: int, *, attributes: Attributes = PLAIN, algorithm: str = ""
    ) -> Flow[str]:
        """Begin an object in parts; the answer names the upload. `finish` makes it visible.

        With `algorithm`, one of `able.checksums`, each part brings such a checksum, and `finish`
        the one of the whole.
        """

    def part(
        self,
        key: str,
        upload: str,
        number: int,
        body: bytes,
        *,
        offset: int,
        md5: bytes = b"",
        checksum: Checksum | None = None,
    ) -> Flow[Receipt]:
        """Part `number` (from 1) holding the object's bytes from `offset`. Again = replaced."""

    def finish(
        self, key: str, upload: str, etags: Sequence[str], *, sums: Sums | None = None
    ) -> Flow[Receipt]:
        """All parts, in order, become the object, at once. Finished already is a success."""

    def abandon(self, key: str, upload: str) -> Flow[None]:
        """Forget the upload and free its parts. Gone already is a success."""

    def list_parts(self, key: str, upload: str) -> Flow[list[Part]]:
        """What is there of an upload, in order; of one of an earlier process, too.

        Raises `NotFound` when the upload is gone, `Unsupported` where nobody can tell.
        """

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        """Every upload that is under way there; with `is_key`, of the key `prefix` alone.

        Raises `Unsupported` where nobody can tell.
        """
