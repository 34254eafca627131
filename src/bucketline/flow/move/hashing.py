"""Which hashes of an object's bytes are made as they pass: what shows most and costs least."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bucketline.model import Checksum, Found
from bucketline.stores.base import Flow, Store
from bucketline.stores.digests import MD5, VOUCHED, Algorithm, Body

_MD5 = re.compile(r"[0-9a-f]{32}")
_SMALL = 1 << 20  # An MD5 of so few bytes costs less than another question to the target.


class Hashed(NamedTuple):
    """The hashes of some bytes: the MD5, if it was needed, and what the stores speak of."""

    md5: bytes
    sent: bytes = b""  # What the target checks.
    told: bytes = b""  # What the source told.


@dataclass(frozen=True, slots=True)
class Hashing:
    """What is to be computed, each once."""

    md5: bool = True
    sent: Algorithm | None = None
    told: Algorithm | None = None

    def of(self, body: Body) -> Flow[Hashed]:
        """The hashes of `body`."""
        if self is BY_MD5:  # The way of most small objects.
            is_small = len(body) <= MD5.inline_max
            return Hashed(MD5.digest(body) if is_small else (yield from MD5.of(body)))
        digest = (yield from MD5.of(body)) if self.md5 else b""
        sent = (yield from self.sent.of(body)) if self.sent else b""
        if self.told is None or self.told is self.sent:
            return Hashed(digest, sent, sent if self.told else b"")
        return Hashed(digest, sent, (yield from self.told.of(body)))

    def checksum(self, hashed: Hashed) -> Checksum | None:
        """What goes along with the bytes."""
        return self.sent.checksum(hashed.sent) if self.sent else None

    def named(self, hashed: Hashed) -> dict[str, str]:
        """For the ledger."""
        named = {MD5.name: hashed.md5.hex()} if self.md5 else {}
        if self.told:
            named[self.told.name] = hashed.told.hex()
        if self.sent:
            named[self.sent.name] = hashed.sent.hex()
        return named

    def again(self, named: Mapping[str, str]) -> Hashed | None:
        """The hashes that bore these names; None = one is missing."""
        wanted = (MD5 if self.md5 else None, self.sent, self.told)
        if any(one is not None and one.name not in named for one in wanted):
            return None
        return Hashed(*(bytes.fromhex(named[one.name]) if one else b"" for one in wanted))


BY_MD5 = Hashing()


def choose(found: Found, source: Store, target: Store, *, is_silent: bool = False) -> Hashing:
    """For an object in one piece.

    The target gets what the source has of it, else what it can check best. No MD5 is needed where
    the target checks, keeps and tells something else, and the source tells something else too, or
    nothing. A target that is silent, as it tells its checksum only when asked, shows small objects
    by their etags.
    """
    able = checked_by(target, found.entry.size)
    if not able and not found.checksums:
        return BY_MD5
    told = told_of(found)
    sent = told if told and told.name in able else best_of(able)
    is_small = is_silent and found.entry.size <= _SMALL
    shows = told is None and (tells_md5(found, source) or is_among_folders(source, target))
    return Hashing(sent is None or is_small or shows, sent, told)


def unjudged(found: Found, target: Store, *, in_parts: bool = False) -> Hashing:
    """Where the size is proof enough: what the target can answer, and nothing about the source."""
    able = checked_by(target, found.entry.size)
    return Hashing(md5=False, sent=best_of(able, in_parts=in_parts))


def checked_by(target: Store, size: int) -> frozenset[str]:
    """The algorithms that show what arrived there; for small files one MD5 is the least work."""
    able = target.able
    return able.checksums if able.checksums or size <= _SMALL else able.answers


def choose_for_parts(
    found: Found, source: Store, target: Store, count: int, *, is_silent: bool = False
) -> Hashing:
    """For each of `count` parts: what can be combined to the hash of the whole, else MD5.

    Their MD5s are needed besides where only they show that the parts are the source's. That an etag
    is the MD5 of the whole object asks for another hash, in order: see whole.py.
    """
    able = checked_by(target, found.entry.size)
    if not able and not found.checksums:
        return BY_MD5
    told = told_of(found, in_parts=True)
    sent = told if told and told.name in able else None
    sent = sent or best_of(able, in_parts=True)
    is_cut_alike = told is None and found.entry.etag.endswith(f"-{count}")
    is_etag_of_parts = source.able.etag_is_md5 and not found.is_etag_opaque and is_cut_alike
    needs_md5 = sent is None or is_silent or is_etag_of_parts or is_among_folders(source, target)
    return Hashing(needs_md5, sent, told)


def is_among_folders(source: Store, target: Store) -> bool:
    """Whether only an MD5 of ours tells later comparisons what the files hold."""
    return source.able.is_folder and target.able.is_folder


def told_of(found: Found, *, in_parts: bool = False) -> Algorithm | None:
    """What the source says of all of the bytes; a checksum of parts' checksums does not."""
    for name, algorithm in VOUCHED.items():
        if "-" not in found.checksums.get(name, "-") and (algorithm.combine or not in_parts):
            return algorithm
    return None


def best_of(able: Collection[str], *, in_parts: bool = False) -> Algorithm | None:
    """The best that a store checks; in parts, one that it can tell of the whole."""
    for name, algorithm in VOUCHED.items():
        if name in able and (algorithm.combine or not in_parts):
            return algorithm
    return None


def tells_md5(found: Found, source: Store) -> bool:
    """Whether its etag should be the MD5 of its bytes."""
    is_usual = source.able.etag_is_md5 and not found.is_etag_opaque
    return is_usual and _MD5.fullmatch(found.entry.etag) is not None


def is_right(checksums: Mapping[str, str], wanted: Checksum | None) -> bool | None:
    """Whether a store's own checksum is the wanted one; None = it tells none."""
    if wanted is None or wanted.algorithm not in checksums:
        return None
    return checksums[wanted.algorithm] == wanted.value
