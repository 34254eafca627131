"""Looks again at one object that was delivered: are its bytes still those?"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from bucketline.errors import Broken, Changed, NotFound, Unsupported
from bucketline.flow.proof.rehash import hashers, update
from bucketline.model import Found, Proof, Verify
from bucketline.sizes import show_moment
from bucketline.stores.base import Flow, Store, Together

PIECE = 8 << 20
_ATTEMPTS = 3  # At an object that somebody writes while it is read.
_MD5 = re.compile(r"[0-9a-f]{32}")
_IN_MOTION = "~"  # The end of a file's stamp that was young when it was read.


class Method(Enum):
    """By what an object is judged."""

    READ = "read"  # Its bytes.
    CHECKSUM = "checksum"  # What the store says of it: a checksum, or an etag that is one.
    AUTO = "auto"  # A checksum that the store vouches for, apart from etags; else its bytes.


class State(Enum):
    """What became of an object that was delivered."""

    OK = "ok"
    DAMAGED = "damaged"  # Its bytes are others, and nobody has written it since.
    MISSING = "missing"
    REPLACED = "replaced"  # Somebody has written another object since.


class Seen(NamedTuple):
    """How an object was found."""

    state: State
    proof: Proof = Proof.NONE
    pin: str = ""
    version: str = ""
    why: str = ""  # It is not OK, for a person.


def look_again(wanted: Verify, store: Store, method: Method) -> Flow[Seen]:
    """How the target holds it now. Raises what keeps it from being looked at, by cause."""
    try:
        if method is not Method.READ:
            seen = yield from _by_word(wanted, store, method)
            if seen is not None:
                return seen
        return (yield from _by_bytes(wanted, store))
    except NotFound:
        return Seen(State.MISSING, why="it was delivered, and is not there any more")


def weight(wanted: Verify) -> int:
    """How many bytes of its body are in memory at once, at most."""
    return min(wanted.target.size, 2 * PIECE)


def _by_word(wanted: Verify, store: Store, method: Method) -> Flow[Seen | None]:
    """By what the store says; None = it says nothing that counts, so its bytes must."""
    found = yield from store.stat(wanted.key)
    if found.entry.size != wanted.target.size:
        return _differs(wanted, found, f"it has {found.entry.size} bytes")
    told = _told(found)
    if method is Method.AUTO:  # To tell one is not enough: some only repeat what they were told.
        told = {name: told[name] for name in told if name in store.able.checksums}
    for name in (name for name in _STRONGEST_FIRST if name in told and name in wanted.hashes):
        if told[name] == wanted.hashes[name]:
            return _is_fine(found, Proof[name.upper()])
        return _differs(wanted, found, f"its {name} is {told[name]}")
    if method is Method.AUTO:
        return None
    if (seen := _by_etag(wanted, found, store)) is not None:
        return seen
    raise Unsupported(
        "the store vouches for no checksum that was recorded; verify it with --method read",
        store=store.name,
        key=wanted.key,
    )


_STRONGEST_FIRST = ("sha256", "crc64nvme", "crc32c", "md5", "crc32")


def _told(found: Found) -> dict[str, str]:
    """Checksums of the whole, as the ledger writes them; those of parts are no such."""
    told = {}
    for name, value in found.checksums.items():
        try:
            told[name] = b64decode(value, validate=True).hex()
        except NotBase64:
            continue
    return told


def _by_etag(wanted: Verify, found: Found, store: Store) -> Seen | None:
    """By the etag, where it is a hash of the bytes. One that is remembered of a file is not told.

    One that differs denies them only where both are MD5s: others depend on how parts were cut.
    """
    etag, md5 = found.entry.etag, wanted.hashes.get("md5")
    if found.entry.stamp or found.is_etag_opaque or not store.able.etag_is_md5:
        return None
    if etag == md5:
        return _is_fine(found, Proof.ETAG)
    if etag == wanted.hashes.get("md5-parts"):
        return _is_fine(found, Proof.MD5_PARTS)
    if md5 and md5 == wanted.target.etag and _MD5.fullmatch(etag):
        return _differs(wanted, found, f"its etag is {etag}")
    return None


class _Read(NamedTuple):
    """What reading brought."""

    found: Found
    hashes: Mapping[str, str]  # Empty = it is not even of that size.


def _by_bytes(wanted: Verify, store: Store) -> Flow[Seen]:
    """By its bytes; read twice if they are others: a network may have damaged them under way."""
    first = yield from _read(wanted, store)
    if _is_as_delivered(wanted, first):
        return _is_fine(first.found, Proof.READBACK)
    if not first.hashes:
        return _differs(wanted, first.found, f"it has {first.found.entry.size} bytes")
    again = yield from _read(wanted, store)
    if _is_as_delivered(wanted, again):
        return _is_fine(again.found, Proof.READBACK)
    if again.hashes != first.hashes:
        raise Broken("each reading brings other bytes", store=store.name, key=wanted.key)
    name = next(iter(again.hashes))
    return _differs(wanted, again.found, f"its {name} is {again.hashes[name]}")


def _read(wanted: Verify, store: Store) -> Flow[_Read]:
    for _ in range(_ATTEMPTS - 1):
        try:
            return (yield from _read_once(wanted, store))
        except Changed:
            continue
    return (yield from _read_once(wanted, store))


def _read_once(wanted: Verify, store: Store) -> Flow[_Read]:
    """All of it, hashed; one piece is hashed while the next one comes."""
    key, size = wanted.key, wanted.target.size
    making = hashers(wanted.hashes)
    if not making:
        raise Unsupported("no hash of it is known that can be made here", store=store.name, key=key)
    piece = yield from store.read(key, start=0, size=min(size, PIECE))
    found, body = piece.found, piece.body
    if found.entry.size != size:
        return _Read(found, {})
    for start in range(PIECE, size, PIECE):
        reading = store.read(key, start=start, size=PIECE, etag=found.entry.pin)
        both: list[Any] = yield Together([reading, update(making, body)])
        body = both[0].body
    yield from update(making, body)
    return _Read(found, {name: hasher.hexdigest() for name, hasher in making.items()})


def _is_as_delivered(wanted: Verify, read: _Read) -> bool:
    agree = [read.hashes[name] == wanted.hashes[name] for name in read.hashes]
    return bool(agree) and all(agree)


def _is_fine(found: Found, proof: Proof) -> Seen:
    return Seen(State.OK, proof, found.entry.pin, found.entry.version)


def _differs(wanted: Verify, found: Found, what: str) -> Seen:
    """Another object, or damage: what was written after the delivery is another one."""
    entry, since = found.entry, wanted.target.modified
    is_same = entry.pin.removesuffix(_IN_MOTION) == wanted.target.pin.removesuffix(_IN_MOTION)
    written = _written(found)
    if is_same or written <= since:
        state, why = State.DAMAGED, f"{what}, and nobody has written it since it was delivered"
    else:
        state, why = State.REPLACED, f"{what}: it was written again {show_moment(written)}"
    return Seen(state, pin=entry.pin, version=entry.version, why=why)


def _written(found: Found) -> float:
    """When. A file's own time: the other one also changes with its owner, or its name."""
    own = found.attributes.metadata.get("mtime", "") if found.entry.stamp else ""
    return float(own) if own else found.entry.modified
