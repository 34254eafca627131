"""How an object is cut into parts, and how much of the memory they take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bucketline.errors import TooLarge
from bucketline.flow.move.proof import MovePolicy
from bucketline.model import Entry, Proof
from bucketline.stores.base import Abilities

_MIB = 1 << 20
# Parts of a file that stay in a core's cache: fresh memory costs more than what is done with it.
_LOOSE = 4 * _MIB
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


def layout(entry: Entry, able: Abilities, policy: MovePolicy, first: int = 0) -> Layout:
    """Small objects in one piece; large ones in parts, as many at once as the memory allows.

    Once the `first` part of the source is known, in the memory that was weighed before it was.
    """
    if entry.size <= policy.part_size:
        return Layout(entry.size, 1)
    if _is_loose(entry, able, policy):
        size = part_size(entry, able, min(_LOOSE, policy.part_size), _LOOSE)
        return Layout(size, max(1, min(2 * policy.parts_at_once, policy.memory // size)))
    size = part_size(entry, able, policy.part_size, first)
    count = -(-entry.size // size)
    memory = weight(entry, able, policy) if first else policy.memory
    return Layout(size, max(1, min(policy.parts_at_once, count, memory // size)))


def _is_loose(entry: Entry, able: Abilities, policy: MovePolicy) -> bool:
    """Whether its parts are nobody's business: a file has none, and no etag of the source's tells
    of which it was made.
    """
    is_told = "-" in entry.etag and policy.accept is not Proof.SIZE
    return able.is_folder and not is_told and policy.answer_max >= _LOOSE


def weight(entry: Entry, able: Abilities, policy: MovePolicy) -> int:
    """How many bytes of its body are in memory at once, at most."""
    if entry.size <= policy.part_size:
        return entry.size
    if entry.size > _size_max(able):
        return 0
    plan = layout(entry, able, policy)
    if plan.part_size > policy.answer_max:  # It is there twice while its ranges become one body.
        return 2 * plan.part_size * plan.at_once
    return min(entry.size, plan.part_size * plan.at_once)


def part_size(entry: Entry, able: Abilities, wanted: int, first: int = 0) -> int:
    """The size of all parts but the last.

    Where the source tells the size of its `first` part, or its etag of how many usual ones it was
    made, that is kept: the target's etag then equals the source's, and comparing stays cheap.
    """
    if entry.size > _size_max(able):
        raise TooLarge(
            f"{entry.size} bytes are more than the target takes ({_size_max(able)})", key=entry.key
        )
    least = max(able.part_size_min, -(-entry.size // able.parts_max))
    most = min(able.part_size_max, 4 * wanted)
    for size in [first] if first else _usual(entry):
        if least <= size <= most:
            return size
    size = -(-max(wanted, least) // _MIB) * _MIB
    return max(least, min(size, able.part_size_max))


def part_size_of(entry: Entry, able: Abilities, first: int = 0) -> int:
    """The size of the parts that the object was made of, if there can be others alike; 0 = none."""
    count = entry.etag.rpartition("-")[2]
    alone = [entry.size] if count == "1" and entry.size else []
    for size in [first] if first else [*alone, *_usual(entry)]:
        least = 0 if size >= entry.size else able.part_size_min
        if least <= size <= able.part_size_max and count == str(-(-entry.size // size)):
            return size
    return 0


def _usual(entry: Entry) -> list[int]:
    """Sizes of which its etag tells as many parts as there are."""
    _, dash, count = entry.etag.partition("-")
    if not (dash and count.isdigit()):
        return []
    return [usual for usual in USUAL_PART_SIZES if -(-entry.size // usual) == int(count)]


def _size_max(able: Abilities) -> int:
    return min(able.object_size_max, able.part_size_max * able.parts_max)


def spans(size: int, step: int) -> Iterator[Span]:
    """The parts of an object."""
    for number, start in enumerate(range(0, size, step), start=1):
        yield Span(number, start, min(step, size - start))
