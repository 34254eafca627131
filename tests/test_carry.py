"""A place that drops attributes without a word is found out, and every loss is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bucketline.errors import Denied, Unholdable
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.move.proof import Learnt
from bucketline.flow.move.wanted import Fidelity
from bucketline.model import Attributes, Found, Outcome
from bucketline.stores.base import Flow, Receipt
from bucketline.stores.memory import Held, MemoryStore
from crossing import BIG, SMALL, Crossing, md5

EXPIRES = {"content-type": "text/x", "expires": "Wed, 21 Oct 2037 07:28:00 GMT"}
LOST = "without expires, which the target does not keep"


class Forgetful(MemoryStore):
    """Drops Expires, and says nothing."""

    def __init__(self) -> None:
        super().__init__("target")
        self.able = replace(self.able, keeps_attributes=False, tiers=frozenset(), part_size_max=8)

    def write(self, key: str, body: bytes, **more: Any) -> Flow[Receipt]:
        more["attributes"] = _without(more["attributes"])
        return (yield from super().write(key, body, **more))

    def begin(self, key: str, size: int, **more: Any) -> Flow[str]:
        more["attributes"] = _without(more["attributes"])
        return (yield from super().begin(key, size, **more))


def _without(attributes: Attributes) -> Attributes:
    headers = {name: value for name, value in attributes.headers.items() if name != "expires"}
    return replace(attributes, headers=headers)


def crossing(body: bytes = b"hello", attributes: Attributes | None = None) -> Crossing:
    made = Crossing(body, target=Forgetful())
    told = Attributes(EXPIRES) if attributes is None else attributes
    made.source.objects["s"] = Held(body, md5(body), told)
    return made


def again(made: Crossing, learnt: Learnt, **policy: Any) -> Outcome:
    return made.copy(replace(SMALL, **policy), learnt=learnt)


@pytest.mark.parametrize("body", [b"hello", BIG])
def test_a_loss_is_told_of_every_object_and_looked_for_once(body: bytes) -> None:
    made, learnt = crossing(body), Learnt()

    messages = [again(made, learnt).message for _ in range(3)]

    assert messages == [LOST] * 3
    assert made.works.count("stat t") == 1
    assert made.target.objects["t"].attributes.headers == {"content-type": "text/x"}


def test_what_is_kept_is_looked_for_once_and_never_told() -> None:
    made, learnt = crossing(attributes=Attributes({"content-type": "text/x"}, {"a": "1"})), Learnt()

    outcomes = [again(made, learnt) for _ in range(3)]

    assert [(one.message, one.changes) for one in outcomes] == [("", ())] * 3
    assert made.works.count("stat t") == 1


def test_a_type_that_says_nothing_proves_nothing() -> None:
    made = crossing(attributes=Attributes({"content-type": "binary/octet-stream"}))
    learnt = Learnt()

    again(made, learnt)

    assert (learnt.kept, made.works.count("stat t")) == (set(), 0)


def test_a_place_that_is_known_to_keep_all_is_not_asked() -> None:
    made = Crossing()
    made.source.objects["s"] = Held(b"hello", md5(b"hello"), Attributes(EXPIRES, {"a": "1"}))

    assert made.copy().message == ""
    assert "stat t" not in made.works


def test_strictness_fails_the_object_and_later_ones_before_they_are_written() -> None:
    made, learnt = crossing(), Learnt()
    strict = Fidelity(strict=True)

    with pytest.raises(Unholdable, match="it is there, but it would arrive without expires"):
        again(made, learnt, fidelity=strict)
    del made.target.objects["t"]
    with pytest.raises(Unholdable, match="it would arrive without expires"):
        again(made, learnt, fidelity=strict)

    assert made.target.objects == {}


def test_who_may_not_look_says_so() -> None:
    made = crossing()

    def denied(call: Any) -> Found:
        raise Denied("not allowed")

    made.faults["stat t", 1] = denied
    learnt, unseen = Learnt(), "with attributes that could not be looked at there"
    assert [again(made, learnt).message for _ in range(2)] == [unseen] * 2
    assert made.works.count("stat t") == 1


def test_values_that_a_place_changes_are_told_and_condemn_no_others() -> None:
    made, learnt = crossing(attributes=Attributes({"content-type": "text/x"})), Learnt()

    def changing(call: Any) -> Found:
        there: Found = call()
        headers = {"content-type": "text/y"}
        return replace(there, attributes=replace(there.attributes, headers=headers))

    made.faults["stat t", 1] = changing
    assert again(made, learnt).message == "with content-type that the target has changed"
    assert again(made, learnt).message == ""


def test_tags_are_left_when_they_are_not_wanted() -> None:
    made = crossing(attributes=Attributes(tags={"k": "v"}))

    outcome = again(made, Learnt(), fidelity=Fidelity(tags=False))

    assert (outcome.message, made.works.count("tags s")) == ("", 0)


def test_what_must_not_be_written_names_its_key() -> None:
    made = Crossing()
    made.target.able = replace(made.target.able, metadata_size_max=3)
    made.source.objects["s"] = Held(b"hello", md5(b"hello"), Attributes(metadata={"a": "123"}))

    with pytest.raises(Unholdable, match="target:t: its metadata has 4 bytes"):
        made.copy(MovePolicy())

    assert made.target.objects == {}
