"""The head of an event as a pattern: what Python would take twenty steps for, `re` does in one."""

from __future__ import annotations

import re
from collections.abc import Callable

OLD_EVENTS, EVENTS = (1, 2), range(32, 44)
HASH_SIZE = 20
# How many numbers follow a key of the metadata, by the type in its lowest bits.
NUMBERS = (1, 0, 1, 2, 2, 0, 2, 3, 1, 1, 1, 2, 3, 0, 2, 0)
PAIRS_MAX = 24  # Of more, no pattern is made.

_NUMBER = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
_MEMORY = 1 << 16
Match = Callable[[bytes, int], "re.Match[bytes] | None"]


def shift_of(opcode: int) -> int:
    """By how many bits the type of a metadata key is cut short; -1 = it has none."""
    return -1 if opcode in OLD_EVENTS else 2 if opcode < 36 else 0


def _pair(shift: int) -> bytes:
    """A key's first byte tells how many numbers follow it."""
    if shift < 0:
        return _NUMBER * 2
    firsts: dict[tuple[int, bool], list[int]] = {}
    for byte in range(256):
        numbers = NUMBERS[(byte << shift) & 15]
        firsts.setdefault((numbers, byte > 127), []).append(byte)
    ways = [
        b"[%b]%b%b"
        % (
            b"".join(b"\\x%02x" % byte for byte in bytes_of_it),
            rb"[\x80-\xff]{0,8}+[\x00-\x7f]" if goes_on else b"",
            _NUMBER * numbers,
        )
        for (numbers, goes_on), bytes_of_it in firsts.items()
    ]
    return b"|".join(ways)


def _head(opcode: int) -> Match:
    """From the length on, to where the raw event or its extended storage begins.

    Length, extended storage and time are groups. How many pairs follow, their number's byte tells.
    """
    extended = rb"(%b)" % _NUMBER if opcode & 4 else rb"()"
    fixed = 8 if opcode & 1 else 8 + HASH_SIZE
    pair = _pair(SHIFTS[opcode])
    counts = [rb"\x%02x(?:%b){%d}" % (count, pair, count) for count in range(PAIRS_MAX + 1)]
    told = (_NUMBER, extended, fixed, _NUMBER, _NUMBER, _NUMBER, _NUMBER, b"|".join(counts))
    return re.compile(rb"(%b)%b.{%d}%b%b(%b)%b(?:%b)" % told, re.DOTALL).match


SHIFTS = tuple(shift_of(opcode) for opcode in range(256))


class Heads(dict[int, Match | None]):
    """By opcode, each made when the first of its kind comes; of what is no event, none."""

    def __missing__(self, opcode: int) -> Match | None:
        is_event = opcode in OLD_EVENTS or opcode in EVENTS
        self[opcode] = found = _head(opcode) if is_event else None
        return found


HEADS = Heads()


class Values(dict[bytes, int]):
    """What numbers of variable width mean; the same few come again and again."""

    def __missing__(self, text: bytes) -> int:
        value = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(text))
        if len(self) < _MEMORY:
            self[text] = value
        return value
