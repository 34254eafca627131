"""An object that stands where an upload in parts begins, on servers that delete it then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bucketline.errors import Unholdable
from bucketline.flow.move.proof import Learnt
from bucketline.model import Copy, Entry, Proof
from bucketline.stores.base import Flow
from bucketline.stores.memory import Held, MemoryStore
from crossing import SMALL, Crossing, md5


class Device(MemoryStore):
    """Deletes what stands there when an upload begins."""

    def begin(self, key: str, size: int, **words: Any) -> Flow[str]:
        self.objects.pop(key, None)
        return (yield from super().begin(key, size, **words))


def over_a_live_object(keeps: bool | None, size: int = 48) -> tuple[Crossing, Copy]:
    body = bytes(range(size))
    crossing = Crossing(body, target=Device("target"))
    able = crossing.target.able
    crossing.target.able = replace(able, begin_keeps_object=keeps, part_size_max=8)
    crossing.target.objects["t"] = Held(b"old", md5(b"old"))
    entry = Entry("s", size, etag=md5(body))
    return crossing, Copy(entry, "t", replaces=Entry("t", 3, etag=md5(b"old")))


def test_nothing_in_parts_is_begun_over_an_object_that_would_be_deleted() -> None:
    crossing, action = over_a_live_object(keeps=False)
    with pytest.raises(Unholdable, match="delete it there"):
        crossing.move(action, SMALL)
    assert crossing.target.bodies() == {"t": b"old"}


def test_where_it_would_be_deleted_what_fits_goes_in_one_piece() -> None:
    crossing, action = over_a_live_object(keeps=False, size=16)
    assert crossing.move(action, SMALL).proof is Proof.ETAG
    assert "begin t" not in crossing.works


def test_a_server_that_deletes_is_found_out_by_the_first_object() -> None:
    crossing, action = over_a_live_object(keeps=None)
    policy = replace(SMALL, learnt=Learnt())
    crossing.move(action, policy)
    assert policy.learnt.begin_keeps_object is False
    with pytest.raises(Unholdable):
        crossing.move(action, policy)


def test_where_nothing_stands_nothing_is_asked() -> None:
    crossing, action = over_a_live_object(keeps=None)
    del crossing.target.objects["t"]
    crossing.move(replace(action, replaces=None), SMALL)
    assert "stat t" not in crossing.works
    assert crossing.target.bodies() == {"t": crossing.body}
