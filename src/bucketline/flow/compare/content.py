"""Whether two objects hold the same bytes, answered by checksums, or else by reading them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from bucketline.errors import NeedsThaw, Remedy, StoreError
from bucketline.flow.compare.pairs import Both, Settle, Verdict, is_same_etag
from bucketline.flow.look.listing import Caller
from bucketline.flow.move.hashing import told_of
from bucketline.flow.move.layout import USUAL_PART_SIZES
from bucketline.flow.proof.rehash import hashers
from bucketline.model import Checksum, Entry, Found
from bucketline.stores.base import Flow, Store, Together, Work

_PIECE = 8 << 20
_MIB = 1 << 20


def by_content(
    source: Store, target: Store, drive: Caller, *, width: int = 8, reads: bool = False
) -> Settle:
    """Ends doubts by the bytes; what cannot be read now stays in doubt.

    With `reads` nothing that is told of them counts: what a disk has damaged bears its old etag.
    """
    answer = read_bytes if reads else same_bytes

    def together(doubts: Sequence[Both]) -> Flow[list[Verdict]]:
        flows = [_verdict(both, answer(both, source, target)) for both in doubts]
        verdicts: list[Verdict] = yield Together(flows, width=width)
        return verdicts

    return lambda doubts: drive.call(together(doubts))


def same_bytes(both: Both, source: Store, target: Store) -> Flow[bool]:
    """Whether they are, for two objects of one size; reads as little as gives an answer.

    An etag or a checksum is of what was written once. Whether it is of what is there today, only a
    store answers for that checks what it is given; what others hold is read, the target first.
    """
    mine = yield from _word(both.source, source)
    other = yield from _word(both.target, target)
    if mine and other and (answer := _by_words(mine, other)) is not None:
        return answer
    if other is None:
        held = yield from etags(both.target, target, like=both.source.etag, word=mine)
        if (answer := _agrees(held, both.source, mine)) is not None:
            return answer
        return (yield from etags(both.source, source, like="")).etags[0] == held.etags[0]
    read = yield from etags(both.source, source, like=both.target.etag, word=other)
    if (answer := _agrees(read, both.target, other)) is not None:
        return answer
    return read.etags[0] == (yield from etags(both.target, target, like="")).etags[0]


def read_bytes(both: Both, source: Store, target: Store) -> Flow[bool]:
    """The same by reading all of both."""
    mine = yield from etags(both.source, source, like="")
    other = yield from etags(both.target, target, like="")
    return mine.etags == other.etags


def _verdict(both: Both, answer: Flow[bool]) -> Flow[Verdict]:
    try:
        is_same = yield from answer
    except NeedsThaw:  # To thaw it for a comparison, or to write it anew, costs more than a doubt.
        return Verdict.SAME if is_same_etag(*both) else Verdict.DOUBT
    except StoreError as error:
        if error.remedy is Remedy.STOP:
            raise
        return Verdict.DOUBT
    return Verdict.SAME if is_same else Verdict.CHECKSUM


def _word(entry: Entry, store: Store) -> Flow[Found | None]:
    """What the store says of its object; None = it does not answer for what it says."""
    if not store.able.checksums:
        return None
    return (yield from store.stat(entry.key))


def _by_words(one: Found, other: Found) -> bool | None:
    """None = they cannot tell. A checksum of parts ("…-3") tells only when it is equal."""
    if is_same_etag(one.entry, other.entry):
        return True
    for algorithm in one.checksums.keys() & other.checksums.keys():
        mine, others = one.checksums[algorithm], other.checksums[algorithm]
        if mine == others:
            return True
        if "-" not in mine + others:
            return False
    return None


def _agrees(read: Hashed, entry: Entry, word: Found | None) -> bool | None:
    """Whether what was read is what the other side says of its own; None = it says too little.

    An etag that is unlike may be none of the bytes; one that is like is. So is the one of a source
    that does not answer for it: the bytes that were read are those which were written there.
    """
    if word is not None and read.checksum is not None:
        return word.checksums[read.checksum.algorithm] == read.checksum.value
    if not entry.stamp and entry.etag in read.etags:
        return True
    return None


@dataclass(slots=True)
class _PartsMd5:
    """The etag that an upload in parts of one size would have got."""

    part_size: int
    digests: bytes = b""
    taken: int = 0
    current: Any = None

    def update(self, body: bytes) -> None:
        view = memoryview(body)
        while view:
            if self.current is None:
                self.current = hashlib.md5(usedforsecurity=False)
            piece = view[: self.part_size - self.taken]
            self.current.update(piece)
            self.taken += len(piece)
            view = view[len(piece) :]
            if self.taken == self.part_size:
                self._close_part()

    def etag(self) -> str:
        if self.taken:
            self._close_part()
        count = len(self.digests) // 16
        return f"{hashlib.md5(self.digests, usedforsecurity=False).hexdigest()}-{count}"

    def _close_part(self) -> None:
        self.digests += self.current.digest()
        self.current, self.taken = None, 0


class Hashed(NamedTuple):
    """What was read, and the etags that its bytes may have: the MD5 first."""

    entry: Entry
    etags: list[str]
    checksum: Checksum | None = None


def etags(entry: Entry, store: Store, *, like: str, word: Found | None = None) -> Flow[Hashed]:
    """Read all of it: its MD5, the etags of parts that `like` allows, the checksum of `word`."""
    read = entry
    whole = hashlib.md5(usedforsecurity=False)
    parts = [_PartsMd5(size) for size in _part_sizes(entry.size, like)]
    algorithm = told_of(word) if word else None
    sums = hashers({algorithm.name: ""} if algorithm else {})
    updates = [whole.update, *(one.update for one in parts), *(one.update for one in sums.values())]
    for start in range(0, entry.size, _PIECE):
        piece = yield from store.read(entry.key, start=start, size=_PIECE, etag=entry.pin)
        read = piece.found.entry if not start else read
        for update in updates:
            yield Work(partial(update, piece.body), name="hash", key=entry.key)
    found = [whole.hexdigest(), *(hasher.etag() for hasher in parts)]
    if algorithm is None:
        return Hashed(read, found)
    digest = bytes.fromhex(sums[algorithm.name].hexdigest())
    return Hashed(read, found, algorithm.checksum(digest))


def _part_sizes(size: int, etag: str) -> Iterator[int]:
    """The part sizes that make so many parts as the etag says, among those that are in use."""
    _, _, count = etag.partition("-")
    if not (size and count.isascii() and count.isdigit() and 0 < int(count) <= 10_000):
        return
    smallest = -(-size // int(count))
    for part_size in sorted({smallest, -(-smallest // _MIB) * _MIB, *USUAL_PART_SIZES}):
        if -(-size // part_size) == int(count):
            yield part_size
