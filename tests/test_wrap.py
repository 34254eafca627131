"""Stores around stores: what they add shows, and what they wrap stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import flows
from bucketline.clock import FakeClock
from bucketline.errors import (
    Broken,
    Busy,
    Changed,
    Conflict,
    Denied,
    ServerFault,
    Unreachable,
)
from bucketline.stores.base import Flow, Pause, Receipt, Store, Work
from bucketline.stores.memory import Held, MemoryStore
from bucketline.stores.wrap import Fault, Faulty, Moment, Retrying

AFTER = Moment.AFTER


def drive(flow: Flow[Any], clock: FakeClock | None = None) -> tuple[Any, list[float]]:
    """The flow's answer, and the pauses that it asked for."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if clock:
            clock.sleep(seconds)

    return flows.drive(flow, pause), pauses


def retrying(
    store: Store, faults: list[Fault], chance: Callable[[], float] = lambda: 1.0
) -> tuple[Retrying, Faulty]:
    faulty = Faulty(store, faults)
    return Retrying(faulty, attempts=6, chance=chance), faulty


def test_a_passing_error_is_tried_again_after_longer_and_longer_pauses() -> None:
    faults = [Fault("stat", n, Broken("reset")) for n in range(1, 6)]
    store, faulty = retrying(MemoryStore(objects={"k": b"x"}), faults)
    found, pauses = drive(store.stat("k"))
    assert found.entry.size == 1
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert faulty.calls["stat"] == 6
    assert store.retried == {"Broken": 5}


def test_pauses_are_random_from_nothing_to_their_longest() -> None:
    faults = [Fault("stat", n, Busy("slow down")) for n in (1, 2, 3)]
    chances = iter([0.0, 0.5, 0.25])
    store, _ = retrying(MemoryStore(objects={"k": b""}), faults, lambda: next(chances))
    assert drive(store.stat("k"))[1] == [0.0, 0.5, 0.5]


def test_the_server_says_how_long_to_wait_up_to_a_limit() -> None:
    faults = [
        Fault("stat", 1, Busy("slow down", retry_after_seconds=7.0)),
        Fault("stat", 2, Busy("slow down", retry_after_seconds=900.0)),
    ]
    store, _ = retrying(MemoryStore(objects={"k": b""}), faults, lambda: 0.0)
    assert drive(store.stat("k"))[1] == [7.0, 20.0]


def test_the_last_error_tells_how_often_it_was_tried() -> None:
    faults = [Fault("delete", n, Unreachable("refused")) for n in range(1, 10)]
    store, faulty = retrying(MemoryStore(), faults)
    with pytest.raises(Unreachable) as told:
        drive(store.delete("k"))
    assert str(told.value) == "refused (tried 6 times)"
    assert faulty.calls["delete"] == 6


@pytest.mark.parametrize(
    "error", [Denied("no"), Conflict("no"), Changed("other"), ValueError("bug")]
)
def test_what_will_not_pass_is_raised_at_once(error: Exception) -> None:
    store, faulty = retrying(MemoryStore(), [Fault("write", 1, error)])
    with pytest.raises(type(error)) as told:
        drive(store.write("k", b"x", if_absent=True))
    assert (told.value, faulty.calls["write"]) == (error, 1)
    assert "tried" not in str(error)


def test_a_pinned_read_stays_pinned_when_it_is_tried_again() -> None:
    memory = MemoryStore(objects={"k": b"old"})
    etag = memory.objects["k"].etag
    store, _ = retrying(memory, [Fault("read", 1, Broken("reset"))])
    flow = store.read("k", etag=etag)
    assert isinstance(flow.send(None), Pause)
    drive(memory.write("k", b"new"))
    with pytest.raises(Changed):
        drive(flow)


@pytest.mark.parametrize("verb", ["write", "delete", "finish", "part", "abandon"])
def test_a_lost_answer_is_cured_by_doing_it_again(verb: str) -> None:
    memory = MemoryStore(objects={"gone": b"x"})
    store, _ = retrying(memory, [Fault(verb, 1, Broken("answer lost"), AFTER)])
    drive(store.write("k", b"hello"))
    drive(store.delete("gone"))
    upload, _ = drive(store.begin("big", 5))
    part, _ = drive(store.part("big", upload, 1, b"world", offset=0))
    drive(store.finish("big", upload, [part.etag]))
    drive(store.abandon("other", drive(store.begin("other", 1))[0]))
    assert memory.bodies() == {"k": b"hello", "big": b"world"}
    assert memory.uploads == {}


def test_an_own_write_is_no_conflict_when_only_its_answer_was_lost() -> None:
    memory = MemoryStore()
    store, faulty = retrying(memory, [Fault("write", 1, Broken("answer lost"), AFTER)])
    receipt, _ = drive(store.write("k", b"hello", if_absent=True))
    assert receipt.etag == memory.objects["k"].etag
    assert faulty.log == [("write", "k"), ("write", "k"), ("stat", "k")]


class Encrypted(MemoryStore):
    """A store whose etags tell nothing of the bytes."""

    def _put(self, key: str, held: Held) -> Receipt:
        return super()._put(key, replace(held, etag="opaque"))


def test_an_own_write_is_known_by_its_bytes_where_etags_tell_nothing() -> None:
    memory = Encrypted()
    store, faulty = retrying(memory, [Fault("write", 1, ServerFault("500"), AFTER)])
    receipt, _ = drive(store.write("k", b"hello", if_absent=True))
    assert receipt.etag == "opaque"
    assert faulty.log[2:] == [("stat", "k"), ("read", "k")]


@pytest.mark.parametrize("theirs", [b"world", b"longer"])
def test_anothers_object_is_a_conflict_even_after_a_lost_answer(theirs: bytes) -> None:
    memory = MemoryStore(objects={"k": theirs})
    store, _ = retrying(memory, [Fault("write", 1, Broken("reset"))])
    with pytest.raises(Conflict):
        drive(store.write("k", b"hello", if_absent=True))
    assert memory.bodies() == {"k": theirs}


class WithCopy(MemoryStore):
    """A store with a verb beyond the contract."""

    limit = 7

    def copy(self, key: str, source: str) -> Flow[str]:
        yield Work(lambda: self.objects.__setitem__(key, self.objects[source]), "copy", key)
        return "copied"

    def count(self) -> int:
        return len(self.objects)


def test_verbs_beyond_the_contract_are_reached_and_tried_again() -> None:
    memory = WithCopy(objects={"a": b"x"})
    store, faulty = retrying(memory, [Fault("copy", 1, Broken("reset"))])
    assert drive(store.copy("b", source="a")) == ("copied", [0.5])
    assert (store.count(), store.limit, faulty.calls["copy"]) == (2, 7, 2)
    with pytest.raises(AttributeError):
        _ = store.thaw


def test_names_and_abilities_are_those_of_the_store_within() -> None:
    store: Store = Retrying(Retrying(MemoryStore("inner")))
    assert store.name == "inner:"
    assert store.able.conditional_write


def test_faults_strike_before_after_or_change_the_answer() -> None:
    memory = MemoryStore()
    damage = Fault("read", 2, change=lambda piece: piece._replace(body=b"jello"))
    before, after = Fault("write", 1, Broken("before")), Fault("write", 2, Broken("after"), AFTER)
    store = Faulty(memory, [before, after, damage])
    with pytest.raises(Broken, match="before"):
        drive(store.write("k", b"hello"))
    assert memory.bodies() == {}
    with pytest.raises(Broken, match="after"):
        drive(store.write("k", b"hello"))
    bodies = [drive(store.read("k"))[0].body for _ in range(3)]
    assert bodies == [b"hello", b"jello", b"hello"]
