"""A big object that is damaged on its way from the source is seen by the source's own etag."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bucketline.errors import Mismatch
from bucketline.flow.move.copy import copy
from bucketline.flow.move.proof import Learnt
from bucketline.flow.move.whole import InOrder
from bucketline.model import Copy, Entry, Fate
from bucketline.stores.base import Pause, Work
from bucketline.stores.digests import etag_of_parts
from bucketline.stores.memory import Held
from crossing import BIG, SMALL, Crossing, flipped, md5, refused


def parts_etag(body: bytes, step: int) -> str:
    parts = [body[start : start + step] for start in range(0, len(body), step)]
    return etag_of_parts([hashlib.md5(part).hexdigest() for part in parts])


@pytest.mark.parametrize("etag", [md5(BIG), parts_etag(BIG, 8)])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_part_damaged_on_the_way_down_is_not_delivered(etag: str, number: int) -> None:
    crossing = Crossing(BIG, faults={("read s", number): flipped})
    crossing.source.objects["s"] = Held(BIG, etag)
    assert crossing.copy().fate is Fate.DONE
    assert crossing.target.bodies() == {"t": BIG}
    assert crossing.works.count("begin t") == 2
    assert crossing.works.count("finish t") == crossing.works.count("abandon t") == 1


@pytest.mark.parametrize("etag", ["0" * 32, parts_etag(BIG, 7)])
def test_an_etag_of_another_making_is_believed_after_two_equal_readings(etag: str) -> None:
    crossing = Crossing(BIG)
    crossing.source.objects["s"] = Held(BIG, etag)
    assert crossing.copy().fate is Fate.DONE
    assert crossing.works.count("read s") == 6
    assert crossing.works.count("finish t") == 1


@pytest.mark.parametrize("etag", [md5(BIG), parts_etag(BIG, 8), "x-7", "opaque"])
def test_where_nothing_disagrees_no_part_is_read_twice(etag: str) -> None:
    crossing = Crossing(BIG)
    crossing.source.objects["s"] = Held(BIG, etag)
    learnt = Learnt()
    assert crossing.copy(learnt=learnt).fate is Fate.DONE
    assert crossing.works.count("read s") == 3
    assert learnt.source_tells_md5 == (etag == md5(BIG))


@pytest.mark.parametrize("etag", ["0" * 32, parts_etag(BIG, 7)])
def test_the_etag_of_what_is_encrypted_is_not_held_against_its_bytes(etag: str) -> None:
    crossing = Crossing(BIG)
    crossing.source.objects["s"] = Held(BIG, etag)
    crossing.source.able = replace(crossing.source.able, etag_is_md5=False)
    assert crossing.copy().fate is Fate.DONE
    assert crossing.works.count("read s") == 3


def test_where_etags_are_md5s_equal_readings_of_parts_that_disagree_are_damage() -> None:
    crossing = Crossing(BIG)
    crossing.source.objects["s"] = Held(BIG, "0" * 32)
    with pytest.raises(Mismatch, match=r"0{32}"):
        crossing.copy(learnt=Learnt(source_tells_md5=True))
    assert crossing.target.bodies() == {}


@pytest.mark.parametrize("body", [b"", b"less", BIG + b"more"])
def test_an_object_that_has_another_size_than_planned_is_looked_at_anew(body: bytes) -> None:
    crossing = Crossing(BIG)
    planned = Entry("s", len(BIG), etag=md5(BIG))
    crossing.source.objects["s"] = Held(body, md5(body))
    flow = copy(Copy(planned, "t"), crossing.source, crossing.target, SMALL)
    assert crossing.run(flow).size == len(body)
    assert crossing.target.bodies() == {"t": body}


def test_a_part_that_fails_keeps_nobody_waiting_for_its_turn() -> None:
    crossing = Crossing(BIG, faults={("read s", 1): refused})
    with pytest.raises(Exception, match="reset"):
        crossing.copy()
    assert crossing.works.count("abandon t") == 1


def test_parts_are_hashed_in_order_in_whichever_they_come() -> None:
    order = InOrder()
    bodies = {1: b"a" * 100_000, 2: b"b", 3: b"c"}
    for number in (3, 2):
        assert list(order.add(number, bodies[number])) == []
        assert isinstance(next(order.passed(number)), Pause)
    hashing = order.add(1, bodies[1])
    work = next(hashing)  # A large one, on a thread.
    assert isinstance(work, Work)
    work.call()
    assert list(hashing) == []
    assert [list(order.passed(number)) for number in bodies] == [[], [], []]
    assert order.etag == md5(b"".join(bodies.values()))
