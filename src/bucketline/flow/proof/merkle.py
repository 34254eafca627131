"""A Merkle tree over lines (RFC 6962): its root, and the path that shows one line in it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(line: bytes) -> bytes:
    return sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


class Tree:
    """Grows leaf by leaf and holds one hash a level: ten million lines are 24 hashes.

    It also gathers the audit path of one leaf, if it is told which.
    """

    def __init__(self) -> None:
        self.count = 0
        self._peaks: list[bytes] = []  # Of the perfect trees so far, the largest first.
        self.watched = -1  # The number of a leaf, from 0 on; to be said before it is added.
        self._holder = -1  # Which peak is above that leaf.
        self._path: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf, by its hash."""
        self._peaks.append(leaf)
        if self.count == self.watched:
            self._holder = len(self._peaks) - 1
        size = self.count
        while size & 1:
            self._join(self._peaks, self._path)
            size >>= 1
        self.count += 1

    @property
    def root(self) -> bytes:
        return self._whole()[0]

    @property
    def path(self) -> list[bytes]:
        """What the watched leaf is hashed with on the way up to the root."""
        return self._whole()[1]

    def _whole(self) -> tuple[bytes, list[bytes]]:
        if not self._peaks:
            return sha256(b"").digest(), []
        peaks, path, holder = list(self._peaks), list(self._path), self._holder
        while len(peaks) > 1:
            self._join(peaks, path)
        self._holder = holder
        return peaks[0], path

    def _join(self, peaks: list[bytes], path: list[bytes]) -> None:
        """The last two become one."""
        right, left = peaks.pop(), peaks.pop()
        peaks.append(node_hash(left, right))
        if self._holder == len(peaks):
            path.append(left)
        elif self._holder == len(peaks) - 1:
            path.append(right)
        self._holder = min(self._holder, len(peaks) - 1)


def is_included(leaf: bytes, number: int, count: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` is the leaf `number` (from 0 on) of the `count` under this root (RFC 9162)."""
    if not 0 <= number < count:
        return False
    here, last, node = number, count - 1, leaf
    for other in path:
        if not last:
            return False
        if here & 1 or here == last:
            node = node_hash(other, node)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            node = node_hash(node, other)
        here, last = here >> 1, last >> 1
    return not last and node == root
