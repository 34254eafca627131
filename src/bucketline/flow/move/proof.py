"""What shows that bytes arrived: hashing on the way, and asking both ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from bucketline.errors import Mismatch
from bucketline.flow.move.hashing import Hashed, Hashing, is_right, tells_md5
from bucketline.flow.move.hints import Hints, NoHints
from bucketline.flow.move.wanted import AS_IT_IS, Fidelity
from bucketline.model import Attributes, Checksum, Entry, Found, Proof
from bucketline.stores.base import Flow, Piece, Receipt, Store
from bucketline.stores.digests import MD5, Algorithm

__all__ = ["tells_md5"]  # For those who ask it of an object in parts.

MEMORY = 256 << 20  # Bytes of bodies in memory, over everything under way.


@dataclass(slots=True)
class Learnt:
    """What the moves of a run have found out."""

    source_tells_md5: bool = False  # An etag of the source was the MD5 of its object.
    source_tells_checksums: bool = False  # A checksum of the source was the one of its object.
    target_tells_no_whole: bool = False  # It checks parts, and tells nothing of what they became.
    target_is_silent: bool = False  # It tells the checksum of what was written only when asked.
    kept: set[str] = field(default_factory=set)  # Traits that the target was seen to keep,
    lost: set[str] = field(default_factory=set)  # and to drop.
    is_blind: bool = False  # We may write there, and not look.
    target_tells_md5: bool = False  # The target's etag of a part was its MD5.
    copies_within: bool | None = None  # The service copies as it should, where both are one.
    begin_keeps_object: bool | None = None  # The target, as `Abilities` has it.


class Wish(Protocol):
    """Somebody's wish to end."""

    @property
    def cuts(self) -> bool:
        """End even an object that is under way, where that loses nothing."""


@dataclass(frozen=True, slots=True)
class NoWish:
    """Go on to the end."""

    cuts: bool = False


@dataclass(frozen=True, slots=True)
class MovePolicy:
    """How objects are moved."""

    part_size: int = 8 << 20  # Also the largest object that is moved in one piece.
    parts_at_once: int = 4  # Of one object; fewer where parts are large.
    memory: int = MEMORY  # No object takes more, unless one of its parts does.
    answer_max: int = 512 << 20  # A larger part is read as several ranges, and sent as one body.
    accept: Proof = Proof.ETAG  # The weakest proof that counts as DONE.
    is_within: bool = False  # Both sides are one service, which may copy by itself.
    fidelity: Fidelity = AS_IT_IS
    learnt: Learnt = field(default_factory=Learnt)
    hints: Hints = field(default_factory=NoHints)
    wish: Wish = field(default_factory=NoWish)
    # Hears of each object that is carried: the target's key, the source's object, what is written.
    witness: Callable[[str, Found, Attributes], None] | None = None


def md5(body: bytes) -> Flow[bytes]:
    """The MD5 of some bytes; of many, on a thread."""
    return MD5.of(body)


def agree_with_source(
    hashing: Hashing, hashed: Hashed, piece: Piece, source: Store, learnt: Learnt
) -> Flow[None]:
    """Bytes damaged on their way here must not be delivered as if they were the object."""
    told, found = hashing.told, piece.found
    if told is not None:
        if told.checksum(hashed.told).value == found.checksums[told.name]:
            learnt.source_tells_checksums = True
            return
        yield from _read_again(piece, source)
        # A server that is not known to check keeps whatever a writer claimed: its etag may tell.
        is_claim = told.name not in source.able.checksums
        is_judged = tells_md5(found, source) or not learnt.source_tells_checksums
        if not (is_claim and is_judged):
            raise disagreement(found.entry, source, told.name)
    if not tells_md5(found, source):
        return
    digest = hashed.md5 or (yield from md5(piece.body))
    if found.entry.etag == digest.hex():
        learnt.source_tells_md5 = True
        return
    # Either the bytes are damaged, or the etags of this server are no MD5s at all. A device on the
    # way may damage each reading alike: so readings that agree count only where no etag was one.
    yield from _read_again(piece, source)
    if learnt.source_tells_md5:
        raise disagreement(found.entry, source)


def _read_again(piece: Piece, source: Store) -> Flow[None]:
    """Raises `Mismatch` unless the same bytes come once more."""
    entry = piece.found.entry
    again = yield from source.read(entry.key, version=entry.version)
    if again.body != piece.body or again.found.entry.etag != entry.etag:
        raise disagreement(entry, source)


def tells_parts(found: Found, source: Store, count: int) -> bool:
    """Whether its etag may be the one that S3 gives to an object of so many parts."""
    is_usual = source.able.etag_is_md5 and not found.is_etag_opaque
    return is_usual and found.entry.etag.endswith(f"-{count}")


def disagreement(entry: Entry, source: Store, checksum: str = "") -> Mismatch:
    said = checksum or f"etag {entry.etag}"
    return Mismatch(
        f"the bytes that came do not agree with the source's {said}",
        store=source.name,
        key=entry.key,
    )


def told_md5(receipt: Receipt, target: Store) -> str:
    """The etag that the target made of bytes which something else proves; "" = it may be none."""
    is_usual = target.able.etag_is_md5 and not receipt.is_etag_opaque
    return receipt.etag if is_usual else ""


class Sent(NamedTuple):
    """An object in one piece that was sent, and what is known of its bytes."""

    key: str
    size: int
    hashing: Hashing
    hashed: Hashed

    @property
    def checksum(self) -> Checksum | None:
        return self.hashing.checksum(self.hashed)

    def is_same(self, body: bytes) -> Flow[bool]:
        """Whether these are its bytes."""
        again = yield from replace(self.hashing, told=None).of(body)
        return again[:2] == self.hashed[:2]


class Proven(NamedTuple):
    """By what it is shown, and what a listing will tell for as long as it stays the same."""

    proof: Proof
    pin: str


def prove(sent: Sent, receipt: Receipt, target: Store, policy: MovePolicy) -> Flow[Proven]:
    """What shows that the target holds these bytes; raises `Mismatch` when something denies it."""
    if sent.hashing.sent is not None:
        shown = yield from _by_checksum(sent, sent.hashing.sent, receipt, target, policy.learnt)
        if shown is not None:
            return shown
    if sent.hashed.md5 and receipt.etag == sent.hashed.md5.hex():
        return Proven(Proof.ETAG, receipt.pin)
    if policy.accept is Proof.SIZE:
        return (yield from prove_size(sent.key, sent.size, receipt, target))
    # The etag of an encrypted object, or of an unusual server, says nothing: look at the bytes.
    back = yield from target.read(sent.key, version=receipt.version)
    is_whole = len(back.body) == back.found.entry.size  # Less may have come than it holds.
    if not is_whole or not (yield from sent.is_same(back.body)):
        raise _other_bytes(sent, target)
    return Proven(Proof.READBACK, back.found.entry.pin)


def _by_checksum(
    sent: Sent, algorithm: Algorithm, receipt: Receipt, target: Store, learnt: Learnt
) -> Flow[Proven | None]:
    """By the target's own checksum; None = it tells none."""
    is_told, pin = is_right(receipt.checksums, sent.checksum), receipt.pin
    if (is_told and not pin) or (is_told is None and not sent.hashed.md5):
        learnt.target_is_silent |= is_told is None
        found = yield from target.stat(sent.key, version=receipt.version)
        pin, is_told = found.entry.pin, is_right(found.checksums, sent.checksum)
        if is_told is not None:
            is_told = is_told and found.entry.size == sent.size
    if is_told is None:
        return None
    if not is_told:
        raise _other_bytes(sent, target)
    return Proven(algorithm.proof, pin)


def _other_bytes(sent: Sent, target: Store) -> Mismatch:
    said = "the target holds other bytes than were sent"
    return Mismatch(said, store=target.name, key=sent.key)


def prove_size(key: str, size: int, receipt: Receipt, target: Store) -> Flow[Proven]:
    """The least that can be shown; only where a person accepted it."""
    found = yield from target.stat(key, version=receipt.version)
    if found.entry.size != size:
        said = f"the target holds {found.entry.size} bytes, not {size}"
        raise Mismatch(said, store=target.name, key=key)
    return Proven(Proof.SIZE, found.entry.pin)
