"""How an object is laid out in parts, and how much of the memory that takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bucketline.flow.move.layout import layout, weight
from bucketline.flow.move.proof import MovePolicy
from bucketline.model import Entry
from bucketline.stores.base import Abilities

MIB = 1 << 20
POLICY = MovePolicy(part_size=16 * MIB, parts_at_once=4, memory=256 * MIB)
S3 = Abilities(part_size_max=5 << 30)


@pytest.mark.parametrize(
    ("size", "etag", "part", "at_once", "bytes_at_once"),
    [
        (0, "", 0, 1, 0),
        (3 * MIB, "", 3 * MIB, 1, 3 * MIB),
        (16 * MIB, "", 16 * MIB, 1, 16 * MIB),  # In one piece, as it is.
        (17 * MIB, "", 16 * MIB, 2, 17 * MIB),
        (100 * MIB, "", 16 * MIB, 4, 64 * MIB),
        (256 * MIB, "x-4", 64 * MIB, 4, 256 * MIB),  # The source's own parts fill it alone.
        (1 << 20 << 20, "", 105 * MIB, 2, 210 * MIB),
        (3 << 20 << 20, "", 315 * MIB, 1, 315 * MIB),  # One at a time is all that can be done.
    ],
)
def test_parts_at_once_shrink_as_parts_grow(
    size: int, etag: str, part: int, at_once: int, bytes_at_once: int
) -> None:
    entry = Entry("k", size, etag=etag)
    plan = layout(entry, S3, POLICY)
    assert (plan.part_size, plan.at_once) == (part, at_once)
    assert weight(entry, S3, POLICY) == bytes_at_once


def test_a_smaller_memory_means_fewer_parts_at_once() -> None:
    small = replace(POLICY, memory=40 * MIB)
    assert weight(Entry("k", 100 * MIB), S3, small) == 32 * MIB


def test_what_the_target_refuses_by_its_size_weighs_nothing() -> None:
    assert weight(Entry("k", 51 << 40), S3, POLICY) == 0
