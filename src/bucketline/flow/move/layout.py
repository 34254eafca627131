"""How an object is cut into parts, and how much of the memory they take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bucketline.errors import TooLarge
from bucketline.flow.move.proof import MovePolicy
from bucketline.model import Entry
from bucketline.stores.base import Abilities

_MIB = 1 << 20
# What the world's clients make their parts of, the most common first.
USUAL_PART_SIZES = tuple(
    mib * _MIB for mib in (8, 16, 5, 64, 10, 15, 25, 32, 50, 100, 128, 256, 512, 6, 12, 20, 200)
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an object."""

    number: int  # From 1 on.
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How an object crosses: in pieces of this size, so many at once."""

    part_size: int
    at_once: int


def layout(entry: Entry, able: Abilities, policy: MovePolicy) -> Layout:
    """Small objects in one piece; large ones in parts, as many at once as the memory allows."""
    if entry.size <= policy.part_size:
        return Layout(entry.size, 1)
    size = part_size(entry, able, policy.part_size)
    count = -(-entry.size // size)
    return Layout(size, max(1, min(policy.parts_at_once, count, policy.memory // size)))


def weight(entry: Entry, able: Abilities, policy: MovePolicy) -> int:
    """How many bytes of its body are in memory at once, at most."""
    if entry.size <= policy.part_size:
        return entry.size
    if entry.size > able.object_size_max:
        return 0
    plan = layout(entry, able, policy)
    return min(entry.size, plan.part_size * plan.at_once)


def part_size(entry: Entry, able: Abilities, wanted: int) -> int:
    """The size of all parts but the last.

    Where the source's own etag tells how many parts it was made of, the same size is kept if it is
    a usual one: the target's etag then equals the source's, and comparing stays cheap for ever.
    """
    if entry.size > able.object_size_max:
        raise TooLarge(f"{entry.size} bytes are more than the target takes", key=entry.key)
    least = max(able.part_size_min, -(-entry.size // able.parts_max))
    _, dash, count = entry.etag.partition("-")
    if dash and count.isdigit():
        for usual in USUAL_PART_SIZES:
            if -(-entry.size // usual) == int(count) and usual >= least and usual <= 4 * wanted:
                return usual
    size = -(-max(wanted, least) // _MIB) * _MIB
    return min(size, able.part_size_max)


def spans(size: int, step: int) -> Iterator[Span]:
    """The parts of an object."""
    for number, start in enumerate(range(0, size, step), start=1):
        yield Span(number, start, min(step, size - start))
