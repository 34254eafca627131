"""Tags cross with their object, or somebody is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bucketline.errors import Unholdable
from bucketline.model import Attributes, Fate
from bucketline.stores.base import Flow, Receipt
from bucketline.stores.memory import Held, MemoryStore
from crossing import BIG, Crossing, md5

TAGLESS = "without tags, which the target does not keep"


@pytest.mark.parametrize("body", [b"hello", BIG])
def test_tags_come_along_when_both_sides_have_them(body: bytes) -> None:
    crossing = Crossing(body)
    crossing.source.objects["s"] = Held(body, md5(body), Attributes(tags={"k": "v"}))
    crossing.copy()
    assert crossing.target.objects["t"].attributes.tags == {"k": "v"}
    assert crossing.works.count("tags s") == 1


@pytest.mark.parametrize("side", ["source", "target"])
def test_tags_are_not_asked_for_when_one_side_has_none(side: str) -> None:
    crossing = Crossing()
    crossing.source.objects["s"] = Held(b"hello", md5(b"hello"), Attributes(tags={"k": "v"}))
    store: MemoryStore = getattr(crossing, side)
    store.able = replace(store.able, tags=False)
    outcome = crossing.copy()
    assert (outcome.fate, outcome.message) == (Fate.DONE, TAGLESS)
    assert "tags s" not in crossing.works


class Tagless(MemoryStore):
    """Finds out by the first write with tags that it keeps none, as some servers do."""

    def write(self, key: str, body: bytes, **more: Any) -> Flow[Receipt]:
        if self.able.tags and more["attributes"].tags:
            self.able = replace(self.able, tags=False)
            raise Unholdable("keeps no tags", store=self.name, key=key)
        return (yield from super().write(key, body, **more))


def test_bytes_arrive_also_where_tags_turn_out_not_to_be_kept() -> None:
    crossing = Crossing(target=Tagless("target"))
    crossing.source.objects["s"] = Held(b"hello", md5(b"hello"), Attributes(tags={"k": "v"}))
    outcome = crossing.copy()
    assert (outcome.fate, outcome.message) == (Fate.DONE, TAGLESS)
    assert crossing.target.bodies() == {"t": b"hello"}
