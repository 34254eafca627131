"""The legacy form of lz4: a magic word, then blocks behind their sizes, and no checksum at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

MAGIC = b"\x02\x21\x4c\x18"
BLOCK_MAX = 8 << 20  # Of what a block holds; by its own rules, packed it is hardly more.
_PACKED_MAX = BLOCK_MAX + BLOCK_MAX // 255 + 16
Unpack = Callable[[bytes, int], bytes]  # A block, and how much it holds.


class Broken(ValueError):
    """What is no such stream."""


def unpacked(file: BinaryIO, unpack: Unpack) -> Iterator[bytes]:
    """Each block. Several streams may follow each other. Raises `Broken`."""
    if file.read(4) != MAGIC:
        raise Broken("it has no head")
    while head := file.read(4):
        if head == MAGIC:
            continue
        size = int.from_bytes(head, "little")
        if len(head) < 4 or not 0 < size <= _PACKED_MAX:
            raise Broken("a block has no size")
        block = file.read(size)
        if len(block) < size:
            raise Broken("it ends in the middle of a block")
        yield unpack(block, size_of(block))


def size_of(block: bytes) -> int:
    """How much a block holds, as its sequences tell: who unpacks it wants to know beforehand."""
    at = held = 0
    try:
        while True:
            token = block[at]
            literals, at = _length(block, at + 1, token >> 4)
            at += literals
            held += literals
            if at >= len(block):
                break
            matched, at = _length(block, at + 2, token & 15)
            held += matched + 4
    except IndexError:
        raise Broken("a block ends in the middle of a sequence") from None
    if at > len(block) or held > BLOCK_MAX:
        raise Broken("a block holds more than it can")
    return held


def _length(block: bytes, at: int, start: int) -> tuple[int, int]:
    """A length of which a token tells the beginning, and where it ends."""
    if start < 15:
        return start, at
    while block[at] == 255:
        start += 255
        at += 1
    return start + block[at], at + 1
