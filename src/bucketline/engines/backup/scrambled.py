"""Whether what an object has become looks encrypted, where what it was did not.

A compressed file looks no less random than an encrypted one, but tells what it is in its first
bytes, and was as random before: only what was plain, or told what it was, can look scrambled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import e, log, log2
from random import Random
from typing import NamedTuple

from bucketline.errors import StoreError
from bucketline.flow.look.listing import Caller
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store, Together

_LOOKED_AT = 4_096  # Bytes of each.
_FEWEST = 128  # Of fewer bytes nobody can tell.
_MARGIN = 0.12  # Bits a byte that chance may take from random bytes.
_SAMPLE = 200
_AT_ONCE = 16
_KNOWN = (  # How formats begin that are compressed, or hold what is.
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"),
    *(b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x04\x22\x4d\x18", b"\xff\x06\0\0sNaPpY", b"LZIP"),
    *(b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"OggS", b"fLaC", b"ID3"),
    *(b"%PDF", b"PAR1", b"ORC", b"Obj\x01", b"\x1aE\xdf\xa3", b"\xd0\xcf\x11\xe0", b"\x89HDF"),
    *(b"\x7fELF", b"MZ", b"SQLite", b"wOFF", b"wOF2", b"CDF", b"xar!", b"MSCF", b"OTTO"),
    *(b"\x78\x9c", b"\x78\xda"),  # zlib's own.
)
_AT_FOUR = (b"ftyp", b"moov", b"mdat")  # Films, behind the size of their first piece.
_SUFFIXES = (  # What those who scramble files are known to put behind their names.
    *(".locked", ".encrypted", ".enc", ".crypt", ".crypted", ".crypto", ".cry", ".lock"),
    *(".wncry", ".wcry", ".wnry", ".locky", ".zepto", ".cerber", ".lockbit", ".conti", ".ryk"),
    *(".ryuk", ".akira", ".blackcat", ".alphv", ".royal", ".clop", ".medusa", ".phobos", ".djvu"),
)


class Changed(NamedTuple):
    """An object that is another one at the source."""

    source: Entry
    target: Entry


class Finding(NamedTuple):
    """What a sample of the changed objects says of all of them."""

    of_all: int  # As many as that look scrambled, by the sample.
    looked_at: int
    example: str  # The key of one of them.


def is_scrambled(before: bytes, after: bytes) -> bool:
    """By what both begin with."""
    return is_noise(after) and len(before) > 0 and not is_noise(before)


def is_noise(head: bytes) -> bool:
    """Whether it looks like random bytes, and not like any format that is compressed."""
    if len(head) < _FEWEST or head.startswith(_KNOWN) or head[4:8] in _AT_FOUR:
        return False
    return entropy(head) >= _random_entropy(len(head)) - _MARGIN


def entropy(head: bytes) -> float:
    """Bits a byte."""
    size = len(head)
    return log2(size) - sum(n * log2(n) for n in Counter(head).values()) / size


def was_renamed(key: str) -> str:
    """What a key was called before somebody who scrambles files took it; "" = nothing says so."""
    stem, dot, _ = key.rpartition(".")
    return stem if dot and key.lower().endswith(_SUFFIXES) else ""


def look(
    changed: Iterable[Changed], count: int, source: Store, target: Store, drive: Caller
) -> Finding:
    """Reads the first bytes of both sides, of some of them at most."""
    chosen = set(Random(0).sample(range(count), min(count, _SAMPLE)))
    some = [one for place, one in enumerate(changed) if place in chosen]

    def flow() -> Flow[list[bool]]:
        told: list[bool] = yield Together([_looks(one, source, target) for one in some], _AT_ONCE)
        return told

    told = drive.call(flow()) if some else []
    found = [one.source.key for one, is_so in zip(some, told, strict=True) if is_so]
    estimate = round(len(found) * count / len(some)) if some else 0
    return Finding(estimate, len(some), found[0] if found else "")


@dataclass
class Looks:
    """What a run has found so far."""

    source: Store
    target: Store
    drive: Caller
    found: int = 0  # As many as that look scrambled.
    odd: Iterable[Entry] = ()  # Of the target, under names that scramblers give.

    def __call__(self, changed: Iterable[Changed], count: int) -> Finding:
        told = look(changed, count, self.source, self.target, self.drive)
        self.found += told.of_all
        return told


def _looks(one: Changed, source: Store, target: Store) -> Flow[bool]:
    after = yield from _head(one.source, source)
    if not is_noise(after):
        return False
    return is_scrambled((yield from _head(one.target, target)), after)


def _head(entry: Entry, store: Store) -> Flow[bytes]:
    """None of it where it cannot be had: archived, denied, gone. The copy will tell why."""
    if not entry.size:
        return b""
    try:
        piece = yield from store.read(entry.key, start=0, size=min(_LOOKED_AT, entry.size))
    except StoreError:
        return b""
    return bytes(piece.body)


def _random_entropy(size: int) -> float:
    """What so many random bytes have: less than 8 bits, as not all values turn up equally."""
    mean = size / 256
    terms, chance = 0.0, e**-mean
    for count in range(1, int(mean + 12 * mean**0.5 + 12)):
        chance *= mean / count
        terms += chance * count * log(count)
    return log2(size) - terms * 256 / size / log(2)
