"""How an object is laid out in parts, and how much of the memory that takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bucketline.errors import TooLarge
from bucketline.flow.move.layout import Layout, layout, part_size_of, weight
from bucketline.flow.move.proof import MovePolicy
from bucketline.model import Entry, Proof
from bucketline.stores.base import Abilities
from bucketline.stores.memory import Held
from crossing import SMALL, Crossing

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


@pytest.mark.parametrize(
    ("etag", "accept", "expected"),
    [
        ("a" * 32, Proof.ETAG, Layout(4 * MIB, 8)),
        ("x-7", Proof.ETAG, Layout(15 * MIB, 4)),  # Its parts are what its etag is made of.
        ("x-7", Proof.SIZE, Layout(4 * MIB, 8)),
    ],
)
def test_a_folder_takes_small_parts_where_nobody_asks_for_others(
    etag: str, accept: Proof, expected: Layout
) -> None:
    able = Abilities(is_folder=True, part_size_min=1)
    entry = Entry("k", 100 * MIB, etag=etag)

    told = layout(entry, able, replace(POLICY, accept=accept), 15 * MIB if "-" in etag else 0)

    assert told == expected


def test_a_smaller_memory_means_fewer_parts_at_once() -> None:
    small = replace(POLICY, memory=40 * MIB)
    assert weight(Entry("k", 100 * MIB), S3, small) == 32 * MIB


def test_what_the_target_refuses_by_its_size_weighs_nothing() -> None:
    assert weight(Entry("k", 51 << 40), S3, POLICY) == 0


@pytest.mark.slow
def test_ten_thousand_parts_cross_and_one_byte_more_is_refused_by_name() -> None:
    policy = replace(SMALL, part_size=1, parts_at_once=16)
    crossing = Crossing(bytes(10_000))
    crossing.target.able = replace(crossing.target.able, part_size_max=1)
    assert crossing.copy(policy).proof is Proof.MD5_PARTS
    assert crossing.target.objects["t"].etag.endswith("-10000")
    crossing.body = bytes(10_001)
    crossing.source.objects["s"] = Held(crossing.body, "any")
    with pytest.raises(TooLarge, match="10001 bytes are more than the target takes"):
        crossing.copy(policy)


@pytest.mark.parametrize(
    ("size", "etag", "first", "part"),
    [
        (100 * MIB, "x-13", 0, 8 * MIB),
        (100 * MIB, "x-9", 12 * MIB, 12 * MIB),  # Told, though 16, 15 and others might be guessed.
        (100 * MIB, "x-21", 5_000_001, 5_000_001),  # Told, and no number that anybody guesses.
        (100 * MIB, "x-2", 90 * MIB, 16 * MIB),  # It would take more memory than is meant for it.
    ],
)
def test_parts_are_as_large_as_the_source_tells(
    size: int, etag: str, first: int, part: int
) -> None:
    told = replace(S3, part_size_min=1 << 20)
    assert layout(Entry("k", size, etag=etag), told, POLICY, first).part_size == part


@pytest.mark.parametrize("first", [0, 64 * MIB, 32 * MIB])
def test_what_is_told_of_parts_takes_no_more_memory_than_was_weighed(first: int) -> None:
    entry = Entry("k", 640 * MIB, etag=f"x-{640 * MIB // (first or 16 * MIB)}")
    plan = layout(entry, S3, POLICY, first)
    assert plan.part_size * plan.at_once <= weight(entry, S3, POLICY)


@pytest.mark.parametrize(
    ("size", "etag", "first", "part"),
    [
        (100 * MIB, "x-13", 0, 8 * MIB),
        (100 * MIB, "x-1", 0, 100 * MIB),
        (3, "x-1", 0, 3),
        (0, "x-1", 0, 0),
        (100 * MIB, "x-9", 12 * MIB, 12 * MIB),
        (100 * MIB, "x-99", 0, 0),  # Nobody knows.
        (6 << 40, "x-1200", 0, 0),
    ],
)
def test_parts_that_make_the_same_etag(size: int, etag: str, first: int, part: int) -> None:
    assert part_size_of(Entry("k", size, etag=etag), S3, first) == part


def test_a_device_of_smaller_parts_takes_them() -> None:
    device = replace(S3, part_size_max=512 * MIB)
    entry = Entry("k", 4 << 40)
    plan = layout(entry, device, POLICY)
    assert plan.part_size <= 512 * MIB
    assert -(-entry.size // plan.part_size) <= 10_000
    with pytest.raises(TooLarge):
        layout(Entry("k", 512 * MIB * 10_000 + 1), device, POLICY)
