"""Whether two objects hold the same bytes, answered by checksums, or else by reading them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from bucketline.errors import Remedy, StoreError
from bucketline.flow.compare.pairs import Both, Settle, Verdict
from bucketline.flow.look.listing import Caller
from bucketline.flow.move.layout import USUAL_PART_SIZES
from bucketline.model import Entry
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
        flows = [_verdict(answer(both, source, target)) for both in doubts]
        verdicts: list[Verdict] = yield Together(flows, width=width)
        return verdicts

    return lambda doubts: drive.call(together(doubts))


def same_bytes(both: Both, source: Store, target: Store) -> Flow[bool]:
    """Whether they are, for two objects of one size; reads as little as gives an answer."""
    mine = yield from source.stat(both.source.key)
    other = yield from target.stat(both.target.key)
    if (answer := _by_checksums(mine.checksums, other.checksums)) is not None:
        return answer
    read_first = yield from etags(both.source, source, like=both.target.etag)
    if not both.target.stamp and both.target.etag in read_first.etags:
        return True
    # Its etag may be none of its bytes, or none of today's: only these tell.
    read_then = yield from etags(both.target, target, like=both.source.etag)
    if not both.source.stamp and both.source.etag in read_then.etags:
        return True
    return read_first.etags[0] == read_then.etags[0]


def read_bytes(both: Both, source: Store, target: Store) -> Flow[bool]:
    """The same by reading all of both."""
    mine = yield from etags(both.source, source, like="")
    other = yield from etags(both.target, target, like="")
    return mine.etags == other.etags


def _verdict(answer: Flow[bool]) -> Flow[Verdict]:
    try:
        is_same = yield from answer
    except StoreError as error:
        if error.remedy is Remedy.STOP:
            raise
        return Verdict.DOUBT
    return Verdict.SAME if is_same else Verdict.CHECKSUM


def _by_checksums(one: Mapping[str, str], other: Mapping[str, str]) -> bool | None:
    """None = they cannot tell. One of parts ("…-3") tells only when it is equal."""
    for algorithm in one.keys() & other.keys():
        if one[algorithm] == other[algorithm]:
            return True
        if "-" not in one[algorithm] + other[algorithm]:
            return False
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


def etags(entry: Entry, store: Store, *, like: str) -> Flow[Hashed]:
    """Read all of it: its MD5, and the etags of parts that `like` allows."""
    read = entry
    whole = hashlib.md5(usedforsecurity=False)
    parts = [_PartsMd5(size) for size in _part_sizes(entry.size, like)]
    for start in range(0, entry.size, _PIECE):
        piece = yield from store.read(entry.key, start=start, size=_PIECE, etag=entry.pin)
        read = piece.found.entry if not start else read
        for update in (whole.update, *(hasher.update for hasher in parts)):
            yield Work(partial(update, piece.body), name="hash", key=entry.key)
    return Hashed(read, [whole.hexdigest(), *(hasher.etag() for hasher in parts)])


def _part_sizes(size: int, etag: str) -> Iterator[int]:
    """The part sizes that make so many parts as the etag says, among those that are in use."""
    _, _, count = etag.partition("-")
    if not (size and count.isascii() and count.isdigit() and 0 < int(count) <= 10_000):
        return
    smallest = -(-size // int(count))
    for part_size in sorted({smallest, -(-smallest // _MIB) * _MIB, *USUAL_PART_SIZES}):
        if -(-size // part_size) == int(count):
            yield part_size
