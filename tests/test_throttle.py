"""Rates hold over all who share them, change with the clock, and cost nothing that was not used."""

from __future__ import annotations

from typing import Any

import pytest

import flows
from bucketline.clock import FakeClock
from bucketline.errors import Broken
from bucketline.stores.base import Answer, Flow, Pause, Request, Route
from bucketline.stores.memory import MemoryStore
from bucketline.stores.throttle import Capped, Throttled, TokenBucket
from bucketline.stores.wrap import Fault, Faulty


def waits(flow: Flow[Any], clock: FakeClock) -> float:
    """How long a flow waited."""
    start = clock.monotonic()
    flows.drive(flow, clock.sleep)
    return clock.monotonic() - start


def test_bytes_keep_to_the_rate_that_all_stores_share() -> None:
    clock = FakeClock(0.0)
    bucket = TokenBucket(100, clock)
    one = Throttled(MemoryStore(), bandwidth=bucket)
    other = Throttled(MemoryStore(objects={"k": b"x" * 100}), bandwidth=bucket)
    assert waits(one.write("a", b"x" * 100), clock) == 0.0  # A second's worth was saved up.
    assert waits(other.read("k", size=100), clock) == pytest.approx(1.0)
    assert waits(one.write("b", b"x" * 50), clock) == pytest.approx(0.5)
    upload = flows.drive(one.begin("c", 9))
    assert waits(one.part("c", upload, 1, b"x" * 20, offset=0), clock) == pytest.approx(0.2)
    clock.sleep(60.0)
    assert waits(one.write("d", body=b"x" * 150), clock) == pytest.approx(0.5)


def test_a_read_of_unknown_size_is_settled_afterwards() -> None:
    clock = FakeClock(0.0)
    store = Throttled(MemoryStore(objects={"k": b"x" * 300}), bandwidth=TokenBucket(100, clock))
    assert waits(store.read("k"), clock) == 0.0  # Nobody knew.
    assert waits(store.write("a", b"x"), clock) == pytest.approx(2.01)


def test_nothing_passes_while_the_rate_is_none_at_all() -> None:
    clock = FakeClock(0.0)
    bucket = TokenBucket(lambda now: 0 if now < 100 else None, clock)
    store = Throttled(MemoryStore(objects={"k": b"x" * 300}), bandwidth=bucket)
    for flow in (store.read("k"), store.read("k", size=10), store.write("a", b"")):
        start = clock.monotonic()
        assert waits(flow, clock) == pytest.approx(max(0.0, 100.0 - start), abs=1.0)
    assert waits(store.stat("k"), clock) == 0.0


def test_what_a_read_did_not_bring_is_given_back() -> None:
    clock = FakeClock(0.0)
    store = Throttled(MemoryStore(objects={"k": b"x" * 10}), bandwidth=TokenBucket(100, clock))
    assert waits(store.read("k", size=1_000), clock) == pytest.approx(9.0)
    assert waits(store.write("a", b"x" * 100), clock) == pytest.approx(0.0)


def test_first_come_first_served() -> None:
    clock = FakeClock(0.0)
    bucket = TokenBucket(10, clock)
    first, second = bucket.take(30), bucket.take(10)
    assert (bucket.wait(first), bucket.wait(second)) == (2.0, 3.0)
    clock.sleep(2.0)
    assert (bucket.wait(first), bucket.wait(second)) == (0.0, 1.0)


def test_a_rate_that_changes_is_noticed_by_those_who_wait() -> None:
    clock = FakeClock(0.0)
    bucket = TokenBucket(lambda now: 10.0 if now < 5 else None, clock)
    store = Throttled(MemoryStore(), bandwidth=bucket)
    assert waits(store.write("k", b"x" * 1_000), clock) == pytest.approx(5.0)
    assert waits(store.write("k", b"x" * 1_000), clock) == 0.0


def test_verbs_keep_to_their_rate() -> None:
    clock = FakeClock(0.0)
    store = Throttled(MemoryStore(objects={"k": b""}), verbs=TokenBucket(2, clock))
    assert [waits(store.stat("k"), clock) for _ in range(4)] == [0.0, 0.0, 0.5, 0.5]


def test_a_write_waits_before_it_begins() -> None:
    memory = MemoryStore()
    store = Throttled(memory, bandwidth=TokenBucket(1, FakeClock()))
    assert isinstance(store.write("k", b"hello").send(None), Pause)
    assert memory.bodies() == {}


class Asking(MemoryStore):
    """Its reads are requests."""

    def read(self, key: str, **_: Any) -> Flow[Any]:
        try:
            answer: Answer = yield Request("GET", f"http://x/{key}", [], Route())
        except Broken:
            answer = yield Request("GET", f"http://x/{key}?again", [], Route())
        return answer.body


def test_a_single_exchange_goes_no_faster_than_all_may() -> None:
    clock = FakeClock(0.0)
    store = Capped(Asking(), lambda now: 500.5 if now < 5 else None, clock)
    flow = store.read("k")
    request = flow.send(None)
    assert isinstance(request, Request)
    assert request.speed_max == 500
    clock.sleep(10.0)
    again = flow.throw(Broken("reset"))
    assert isinstance(again, Request)
    assert (again.url, again.speed_max) == ("http://x/k?again", 0)
    with pytest.raises(StopIteration) as end:
        flow.send(Answer(200, {}, b"hello"))
    assert end.value.value == b"hello"


def test_failures_pass_through_a_cap() -> None:
    store = Capped(
        Faulty(MemoryStore(), [Fault("write", 1, Broken("reset"))]), lambda _: 1.0, FakeClock()
    )
    with pytest.raises(Broken):
        flows.drive(store.write("k", b"x"))
