"""Deletes that come together make one request, and each hears of its own failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bucketline.clock import FakeClock
from bucketline.errors import Broken, Denied, StoreError
from bucketline.flow.drive import Drive, Ended
from bucketline.flow.workers import Inline
from bucketline.stores.base import Flow, Gate, Pause, Work
from bucketline.stores.batching import Batching
from bucketline.stores.memory import MemoryStore
from bucketline.stores.wrap import Fault, Faulty
from stage import NoNetwork


def ends(flows: Sequence[Flow[None]], steps: int = 100) -> list[Ended]:
    """How flows end that begin together."""
    clock = FakeClock()
    carrier = NoNetwork(clock)
    drive = Drive(carrier, Inline(carrier.wake), clock)
    for number, flow in enumerate(flows):
        drive.start(flow, number)
    told: list[Ended] = []
    for _ in range(steps):
        told += drive.step(0.01)
        if not drive.busy:
            break
    assert len(told) == len(flows)
    return sorted(told, key=lambda end: int(end.tag))


def full(count: int) -> MemoryStore:
    return MemoryStore(objects={f"k{n}": b"x" for n in range(count)})


def test_those_of_one_turn_go_together() -> None:
    memory = full(10)
    faulty = Faulty(memory, [])
    store = Batching(faulty)
    assert all(end.error is None for end in ends([store.delete(f"k{n}") for n in range(9)]))
    assert (faulty.calls["delete_many"], faulty.calls["delete"]) == (1, 0)
    assert list(memory.bodies()) == ["k9"]


def test_a_thousand_fill_a_request() -> None:
    memory = full(2_500)
    faulty = Faulty(memory, [])
    store = Batching(faulty)
    ends([store.delete(f"k{n}") for n in range(2_500)])
    assert faulty.calls["delete_many"] == 3
    assert memory.bodies() == {}


def test_later_ones_make_a_request_of_their_own() -> None:
    faulty = Faulty(full(2), [])
    store = Batching(faulty)
    ends([store.delete("k0")])
    ends([store.delete("k1")])
    assert faulty.calls["delete_many"] == 2


def test_a_version_goes_alone() -> None:
    faulty = Faulty(full(1), [])
    ends([Batching(faulty).delete("k0", version="v")])
    assert (faulty.calls["delete"], faulty.calls["delete_many"]) == (1, 0)


def test_one_key_s_failure_is_its_own() -> None:
    change = Fault("delete_many", 1, change=lambda _: {"k1": Denied("locked", key="k1")})
    store = Batching(Faulty(full(3), [change]))
    first, second, third = ends([store.delete(f"k{n}") for n in range(3)])
    assert (first.error, third.error) == (None, None)
    assert isinstance(second.error, Denied)


def test_a_request_that_fails_fails_for_each_with_an_error_of_its_own() -> None:
    store = Batching(Faulty(full(3), [Fault("delete_many", 1, Broken("reset"))]))
    errors = [end.error for end in ends([store.delete(f"k{n}") for n in range(3)])]
    assert all(isinstance(error, Broken) and str(error) == "reset" for error in errors)
    assert len({id(error) for error in errors}) == 3


def test_nobody_waits_for_one_who_died() -> None:
    store = Batching(Faulty(full(2), [Fault("delete_many", 1, ZeroDivisionError())]))
    first, second = ends([store.delete("k0"), store.delete("k1")])
    assert isinstance(first.error, ZeroDivisionError)
    assert isinstance(second.error, StoreError)


def test_an_open_gate_holds_nobody_up_and_a_closed_one_all() -> None:
    gate = Gate()
    log: list[str] = []

    def passing(name: str) -> Flow[None]:
        yield gate
        log.append(name)

    def opening() -> Flow[None]:
        yield Work(lambda: log.append("opened"))
        gate.open()

    ends([passing("a"), passing("b"), opening(), passing("c")])
    assert log == ["opened", "a", "b", "c"]
    ends([passing("d")])
    assert log[-1] == "d"


def test_one_who_passes_may_open_the_next_gate() -> None:
    gates = [Gate() for _ in range(3)]
    log: list[int] = []

    def chain(number: int) -> Flow[None]:
        yield gates[number]
        log.append(number)
        if number + 1 < len(gates):
            gates[number + 1].open()

    def begin() -> Flow[None]:
        yield Work(lambda: None)
        gates[0].open()

    ends([chain(2), chain(1), chain(0), begin()])
    assert log == [0, 1, 2]


class Slow(Faulty):
    """Each request takes a minute."""

    def _around(self, verb: str, flow: Flow[Any], call: Any) -> Flow[Any]:
        yield Pause(60.0)
        return (yield from super()._around(verb, flow, call))


def test_those_that_come_while_a_request_is_under_way_go_together() -> None:
    memory = full(9)
    slow = Slow(memory, [])
    store = Batching(slow)

    def later(number: int) -> Flow[None]:
        yield Pause(number)
        yield from store.delete(f"k{number}")

    ends([later(number) for number in range(9)], steps=20_000)

    assert slow.calls["delete_many"] == 2
    assert memory.bodies() == {}
