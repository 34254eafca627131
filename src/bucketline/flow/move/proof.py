"""What shows that bytes arrived: hashing on the way, and asking both ends."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from bucketline.errors import Mismatch
from bucketline.flow.move.wanted import AS_IT_IS, Fidelity
from bucketline.model import Entry, Found, Proof
from bucketline.stores.base import Flow, Piece, Receipt, Store, Work

_INLINE_MAX = 64 << 10  # A hash of so few bytes costs less than handing it to a thread.
MEMORY = 256 << 20  # Bytes of bodies in memory, over everything under way.
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class Learnt:
    """What the moves of a run have found out."""

    source_tells_md5: bool = False  # An etag of the source was the MD5 of its object.
    kept: set[str] = field(default_factory=set)  # Traits that the target was seen to keep,
    lost: set[str] = field(default_factory=set)  # and to drop.
    is_blind: bool = False  # We may write there, and not look.


@dataclass(frozen=True, slots=True)
class MovePolicy:
    """How objects are moved."""

    part_size: int = 16 << 20  # Also the largest object that is moved in one piece.
    parts_at_once: int = 4  # Of one object; fewer where parts are large.
    memory: int = MEMORY  # No object takes more, unless one of its parts does.
    accept: Proof = Proof.ETAG  # The weakest proof that counts as DONE.
    fidelity: Fidelity = AS_IT_IS
    learnt: Learnt = field(default_factory=Learnt)


def md5(body: bytes) -> Flow[bytes]:
    """The MD5 of some bytes; of many, on a thread."""
    if len(body) <= _INLINE_MAX:
        return hashlib.md5(body, usedforsecurity=False).digest()
    hashed: bytes = yield Work(
        lambda: hashlib.md5(body, usedforsecurity=False).digest(), name="hash"
    )
    return hashed


def agree_with_source(digest: bytes, piece: Piece, source: Store, learnt: Learnt) -> Flow[None]:
    """Bytes damaged on their way here must not be delivered as if they were the object."""
    entry = piece.found.entry
    if not tells_md5(piece.found, source):
        return
    if entry.etag == digest.hex():
        learnt.source_tells_md5 = True
        return
    # Either the bytes are damaged, or the etags of this server are no MD5s at all. A device on the
    # way may damage each reading alike: so readings that agree count only where no etag was one.
    again = yield from source.read(entry.key, version=entry.version)
    is_same = (yield from md5(again.body)) == digest and again.found.entry.etag == entry.etag
    if learnt.source_tells_md5 or not is_same:
        raise disagreement(entry, source)


def tells_md5(found: Found, source: Store) -> bool:
    """Whether its etag should be the MD5 of its bytes."""
    is_usual = source.able.etag_is_md5 and not found.is_etag_opaque
    return is_usual and _MD5.fullmatch(found.entry.etag) is not None


def tells_parts(found: Found, source: Store, count: int) -> bool:
    """Whether its etag may be the one that S3 gives to an object of so many parts."""
    is_usual = source.able.etag_is_md5 and not found.is_etag_opaque
    return is_usual and found.entry.etag.endswith(f"-{count}")


def disagreement(entry: Entry, source: Store) -> Mismatch:
    return Mismatch(
        f"the bytes that came do not agree with the source's etag {entry.etag}",
        store=source.name,
        key=entry.key,
    )


class Proven(NamedTuple):
    """By what it is shown, and what a listing will tell for as long as it stays the same."""

    proof: Proof
    pin: str


def prove(key: str, digest: bytes, receipt: Receipt, target: Store) -> Flow[Proven]:
    """What shows that the target holds these bytes; raises `Mismatch` when something denies it."""
    if receipt.etag == digest.hex():
        return Proven(Proof.ETAG, receipt.pin)
    # The etag of an encrypted object, or of an unusual server, says nothing: look at the bytes.
    back = yield from target.read(key, version=receipt.version)
    is_whole = len(back.body) == back.found.entry.size  # Less may have come than it holds.
    if not is_whole or (yield from md5(back.body)) != digest:
        raise Mismatch("the target holds other bytes than were sent", store=target.name, key=key)
    return Proven(Proof.READBACK, back.found.entry.pin)


def prove_size(key: str, size: int, receipt: Receipt, target: Store) -> Flow[Proven]:
    """The least that can be shown; only where a person accepted it."""
    found = yield from target.stat(key, version=receipt.version)
    if found.entry.size != size:
        raise Mismatch(
            f"the target holds {found.entry.size} bytes, not {size}", store=target.name, key=key
        )
    return Proven(Proof.SIZE, found.entry.pin)
