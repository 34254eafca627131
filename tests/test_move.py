"""One object across: what is damaged, changed or unprovable on the way never counts as done."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bucketline.errors import Broken, Changed, Mismatch, NotFound, TooLarge
from bucketline.flow.move.copy import copy, remove
from bucketline.flow.move.layout import part_size
from bucketline.flow.move.proof import Learnt
from bucketline.model import Attributes, Copy, Delete, Entry, Fate, Outcome, Proof
from bucketline.stores.base import Abilities
from bucketline.stores.memory import Held
from crossing import (
    BIG,
    SMALL,
    Crossing,
    Fault,
    cut,
    finishing,
    flipped,
    lost,
    md5,
    overwriting,
    refused,
    spoiling,
    telling,
)

MIB = 1 << 20


def test_a_small_object_crosses_in_one_read_and_one_write() -> None:
    crossing = Crossing(b"hello")
    outcome = crossing.copy()
    assert crossing.works == ["read s", "write t"]
    assert crossing.target.bodies() == {"t": b"hello"}
    assert outcome == Outcome(
        Fate.DONE,
        size=5,
        proof=Proof.ETAG,
        source_etag=md5(b"hello"),
        target_etag=md5(b"hello"),
        hashes={"md5": md5(b"hello")},
    )


def test_an_empty_object_crosses_too() -> None:
    crossing = Crossing(b"")
    assert crossing.copy().fate is Fate.DONE
    assert crossing.target.bodies() == {"t": b""}


def test_a_big_object_crosses_in_parts_and_is_proven_by_the_etag_of_its_parts() -> None:
    crossing = Crossing(BIG)
    outcome = crossing.copy()
    digests = b"".join(
        hashlib.md5(part, usedforsecurity=False).digest()
        for part in (b"01234567", b"89abcdef", b"ghij")
    )
    assert outcome.proof is Proof.MD5_PARTS
    assert outcome.target_etag == f"{md5(digests)}-3"
    assert outcome.size == 20
    assert crossing.target.bodies() == {"t": BIG}
    assert crossing.target.uploads == {}


@pytest.mark.parametrize("size", [8, 9, 16, 17])
def test_sizes_around_the_part_size_arrive_whole(size: int) -> None:
    crossing = Crossing(bytes(range(size)))
    assert crossing.copy().fate is Fate.DONE
    assert crossing.target.bodies() == {"t": bytes(range(size))}


def test_attributes_come_along() -> None:
    crossing = Crossing(b"hello")
    attributes = Attributes(headers={"content-type": "text/x"}, metadata={"a": "1"})
    crossing.source.objects["s"] = Held(b"hello", md5(b"hello"), attributes)
    crossing.copy()
    assert crossing.target.objects["t"].attributes == attributes


@pytest.mark.parametrize("damage", [flipped, cut])
def test_bytes_damaged_on_the_way_down_are_read_again(damage: Fault) -> None:
    crossing = Crossing(faults={("read s", 1): damage})
    assert crossing.copy().fate is Fate.DONE
    assert crossing.target.bodies() == {"t": b"hello"}


def test_a_body_that_came_short_is_noticed_even_when_no_etag_can_tell() -> None:
    crossing = Crossing(faults={("read s", 1): cut})
    crossing.source.able = replace(crossing.source.able, etag_is_md5=False)
    assert crossing.copy().fate is Fate.DONE
    assert crossing.target.bodies() == {"t": b"hello"}


def test_a_source_that_gives_other_bytes_each_time_is_never_delivered() -> None:
    crossing = Crossing(faults={("read s", n): flipped if n % 2 else cut for n in range(1, 9)})
    with pytest.raises(Mismatch):
        crossing.copy()
    assert crossing.target.bodies() == {}


def test_an_etag_that_is_no_md5_is_believed_after_two_equal_readings() -> None:
    crossing = Crossing()
    crossing.source.objects["s"] = Held(b"hello", "0" * 32)
    outcome = crossing.copy()
    assert outcome.fate is Fate.DONE
    assert outcome.source_etag == "0" * 32
    assert crossing.works == ["read s", "read s", "write t"]


def test_where_etags_are_md5s_equal_readings_that_disagree_are_damage_on_the_way() -> None:
    learnt = Learnt()
    assert Crossing().copy(learnt=learnt).fate is Fate.DONE
    crossing = Crossing()
    crossing.source.objects["s"] = Held(b"hello", "0" * 32)
    with pytest.raises(Mismatch, match=r"0{32}"):
        crossing.copy(learnt=learnt)
    assert crossing.target.bodies() == {}


@pytest.mark.parametrize("etag", ["", "opaque", "0" * 32])
def test_when_the_target_tells_no_usable_etag_it_is_read_back(etag: str) -> None:
    crossing = Crossing(faults={("write t", 1): telling(etag)})
    outcome = crossing.copy()
    assert outcome.proof is Proof.READBACK
    assert outcome.target_etag == md5(b"hello")  # What listings will tell.
    assert crossing.works == ["read s", "write t", "read t"]


def test_a_target_that_holds_other_bytes_is_written_again() -> None:
    crossing = Crossing()
    crossing.faults["write t", 1] = spoiling(crossing, b"jello")
    outcome = crossing.copy()
    assert outcome.fate is Fate.DONE
    assert crossing.target.bodies() == {"t": b"hello"}
    assert crossing.works.count("write t") == 2


@pytest.mark.parametrize("body", [b"jello", b"hell", b"hello!"])
def test_a_target_that_always_holds_other_bytes_is_never_done(body: bytes) -> None:
    crossing = Crossing()
    for number in range(1, 9):
        crossing.faults["write t", number] = spoiling(crossing, body)
    with pytest.raises(Mismatch):
        crossing.copy()
    assert crossing.works.count("write t") == 3


def test_an_object_that_arrived_longer_than_it_was_sent_in_parts_is_never_done() -> None:
    crossing = Crossing(BIG)
    for number in range(1, 9):
        crossing.faults["finish t", number] = spoiling(crossing, BIG + b"!")
    with pytest.raises(Mismatch):
        crossing.copy()


def test_size_alone_proves_only_when_that_was_accepted() -> None:
    crossing = Crossing(faults={("write t", 1): telling("opaque")})
    outcome = crossing.copy(replace(SMALL, accept=Proof.SIZE))
    assert outcome.proof is Proof.SIZE
    assert "read t" not in crossing.works


def test_a_wrong_size_is_no_proof_even_then() -> None:
    crossing = Crossing()
    for number in range(1, 9):
        crossing.faults["write t", number] = spoiling(crossing, b"hell")
    with pytest.raises(Mismatch):
        crossing.copy(replace(SMALL, accept=Proof.SIZE))


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_source_that_changes_between_parts_is_read_anew(at: int) -> None:
    crossing = Crossing(BIG)
    crossing.faults["read s", at] = overwriting(crossing, BIG[::-1])
    outcome = crossing.copy()
    assert crossing.target.bodies() == {"t": BIG[::-1]}
    assert outcome.source_etag == md5(BIG[::-1])
    assert crossing.target.uploads == {}


def test_a_source_that_became_small_under_way_crosses_in_one_piece() -> None:
    crossing = Crossing(BIG)
    crossing.faults["read s", 2] = overwriting(crossing, b"tiny")
    assert crossing.copy().proof is Proof.ETAG
    assert crossing.target.bodies() == {"t": b"tiny"}
    assert crossing.target.uploads == {}


def test_a_source_that_never_stands_still_fails_and_leaves_nothing_behind() -> None:
    crossing = Crossing(BIG)
    for number in range(1, 30):
        crossing.faults["read s", number] = overwriting(crossing, BIG + bytes([number]))
    with pytest.raises(Changed):
        crossing.copy()
    assert crossing.target.bodies() == {}
    assert crossing.target.uploads == {}


@pytest.mark.parametrize("work", ["read s", "part t", "finish t"])
@pytest.mark.parametrize("fault", [refused, lost])
def test_a_broken_exchange_in_the_middle_leaves_no_upload_behind(work: str, fault: Fault) -> None:
    crossing = Crossing(BIG, faults={(work, 1): fault})
    with pytest.raises(Broken):
        crossing.copy()
    assert crossing.target.uploads == {}


def test_an_upload_that_cannot_be_abandoned_does_not_hide_the_error_that_mattered() -> None:
    faults: dict[tuple[str, int], Fault] = {("part t", 2): refused, ("abandon t", 1): refused}
    crossing = Crossing(BIG, faults=faults)
    with pytest.raises(Broken, match="reset"):
        crossing.copy()


def test_a_part_whose_etag_denies_it_is_not_delivered() -> None:
    crossing = Crossing(BIG, faults={("part t", 2): telling("0" * 32)})
    assert crossing.copy().fate is Fate.DONE
    assert crossing.works.count("begin t") == 1
    assert crossing.works.count("part t") == 4
    assert crossing.target.bodies() == {"t": BIG}


def test_a_part_that_its_etag_always_denies_is_not_delivered() -> None:
    faults: dict[tuple[str, int], Fault] = {
        ("part t", number): telling("0" * 32) for number in range(2, 30)
    }
    crossing = Crossing(BIG, faults=faults)
    with pytest.raises(Mismatch, match="arrived as other bytes"):
        crossing.copy()
    assert crossing.target.bodies() == {}
    assert crossing.target.uploads == {}


def test_etags_of_parts_that_never_are_md5s_are_believed_and_the_whole_is_read_back() -> None:
    crossing = Crossing(BIG)
    for number in range(1, 30):
        crossing.faults["part t", number] = telling("0" * 32)
    crossing.faults["finish t", 1] = finishing(crossing, BIG)
    outcome = crossing.copy()
    assert outcome.proof is Proof.READBACK


def test_an_object_whose_parts_etag_says_nothing_is_read_back_whole() -> None:
    crossing = Crossing(BIG, faults={("finish t", 1): telling("opaque")})
    outcome = crossing.copy()
    assert outcome.proof is Proof.READBACK
    assert crossing.works.count("read t") == 3


def test_an_object_that_vanished_is_not_found() -> None:
    crossing = Crossing()
    flow = copy(Copy(Entry("gone", 3), "t"), crossing.source, crossing.target, SMALL)
    with pytest.raises(NotFound):
        crossing.run(flow)


def test_removing_twice_is_removing_once() -> None:
    crossing = Crossing()
    crossing.target.objects["t"] = Held(b"x", "e")
    for _ in range(2):
        outcome = crossing.run(remove(Delete(Entry("t", 1, etag="e")), crossing.target))
        assert outcome.fate is Fate.DONE
    assert crossing.target.bodies() == {}


@pytest.mark.parametrize(
    ("size", "etag", "expected"),
    [
        (100 * MIB, "", 16 * MIB),
        (100 * MIB, "x-13", 8 * MIB),  # Made of parts of 8 MiB: the etags will be equal.
        (100 * MIB, "x-7", 16 * MIB),  # 15 would fit as well, and is seldom used.
        (100 * MIB, "x-4", 25 * MIB),
        (100 * MIB, "x-99", 16 * MIB),  # No usual size makes so many.
        (100 * MIB, "x-many", 16 * MIB),
        (1000 * MIB, "x-2", 16 * MIB),  # Parts of 512 MiB would fill the memory.
        (200_000 * MIB, "", 20 * MIB),  # No more than ten thousand parts.
        (160_001 * MIB, "x-10000", 17 * MIB),
    ],
)
def test_parts_are_as_large_as_the_source_s_or_as_asked(
    size: int, etag: str, expected: int
) -> None:
    assert part_size(Entry("k", size, etag=etag), Abilities(), 16 * MIB) == expected


def test_an_object_larger_than_the_target_takes_is_refused_by_name() -> None:
    with pytest.raises(TooLarge, match="k"):
        part_size(Entry("k", 51 << 40), Abilities(), 16 * MIB)
