"""The kernel: effects are performed, failures travel to whom they belong, nothing is told twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Broken, Busy, StoreError
from bucketline.flow import workers
from bucketline.flow.drive import Drive, Ended
from bucketline.stores.base import Answer, Flow, Pause, Request, Route, Together, Work

ROUTE = Route()
GOOD = Answer(200, {}, b"good")


class Script:
    """A carrier that answers by URL, in the order of asking, and lets a fake clock pass waits."""

    def __init__(self, clock: FakeClock, answers: dict[str, Answer | StoreError]) -> None:
        self._clock = clock
        self._answers = answers
        self.asked: list[tuple[str, Any]] = []
        self.started: list[str] = []
        self.woken = 0
        self.closed = False

    def start(self, request: Request, ticket: Any) -> None:
        self.started.append(request.url)
        self.asked.append((request.url, ticket))

    def poll(self, timeout_seconds: float) -> Iterable[tuple[Any, Answer | StoreError]]:
        if not self.asked and not self.woken:
            self._clock.sleep(timeout_seconds)
        asked, self.asked, self.woken = self.asked, [], 0
        return [(ticket, self._answers.get(url, GOOD)) for url, ticket in asked]

    def wake(self) -> None:
        self.woken += 1

    def close(self) -> None:
        self.closed = True


class Bench:
    """A drive over a script, inline workers and a fake clock."""

    def __init__(self, answers: dict[str, Answer | StoreError] | None = None) -> None:
        self.clock = FakeClock(1_000.0)
        self.script = Script(self.clock, answers or {})
        self.drive = Drive(self.script, workers.Inline(self.script.wake), self.clock)

    def run(self, *flows: Flow[Any]) -> list[Ended]:
        """All ends, in the order in which they were told; tags are positions."""
        for number, flow in enumerate(flows):
            self.drive.start(flow, number)
        ends: list[Ended] = []
        while self.drive.busy:
            ends += self.drive.step(1.0)
        return ends


def ask(url: str, kind: str = "GET") -> Flow[bytes]:
    answer: Answer = yield Request("GET", url, [], ROUTE, kind=kind)
    return answer.body


def work(value: Any) -> Flow[Any]:
    return (yield Work(lambda: value))


def at_once(value: Any) -> Flow[Any]:
    return value
    yield


def fail(error: Exception) -> Flow[Any]:
    raise error
    yield


def together(*flows: Flow[Any], width: int = 8) -> Flow[list[Any]]:
    return (yield Together(flows, width=width))


def test_a_flow_gets_the_result_of_each_effect_and_its_value_is_told() -> None:
    def flow() -> Flow[tuple[bytes, int]]:
        body = yield from ask("/a")
        yield Pause(5.0)
        number = yield from work(7)
        return body, number

    bench = Bench({"/a": Answer(200, {}, b"abc")})
    assert bench.run(flow()) == [Ended(0, (b"abc", 7), None)]
    assert bench.clock.now() == 1_005.0


def test_a_failure_is_thrown_in_at_the_yield_where_the_flow_may_catch_it() -> None:
    def flow() -> Flow[str]:
        try:
            yield from ask("/bad")
        except Busy as error:
            return f"caught {error}"
        return "not thrown"

    bench = Bench({"/bad": Busy("slow down")})
    assert bench.run(flow()) == [Ended(0, "caught slow down", None)]


def test_a_flow_that_raises_is_told_as_an_error_and_the_others_go_on() -> None:
    error = ValueError("a bug")
    ends = Bench().run(fail(error), ask("/a"), at_once("x"))
    assert sorted(ends, key=lambda end: end.tag) == [
        Ended(0, None, error),
        Ended(1, b"good", None),
        Ended(2, "x", None),
    ]


def test_a_work_that_raises_reaches_its_flow() -> None:
    def boom() -> None:
        raise OSError("disk")

    def flow() -> Flow[str]:
        try:
            yield Work(boom)
        except OSError as error:
            return str(error)
        return "not thrown"

    assert Bench().run(flow()) == [Ended(0, "disk", None)]


def test_yielding_something_that_is_no_effect_is_an_error_of_that_flow() -> None:
    def flow() -> Flow[None]:
        yield "nonsense"  # type: ignore[misc]

    (end,) = Bench().run(flow())
    assert isinstance(end.error, TypeError)


def test_busy_counts_flows_until_their_end_is_told() -> None:
    bench = Bench()
    bench.drive.start(at_once(1), "one")
    bench.drive.start(ask("/a"), "two")
    assert bench.drive.busy == 2
    bench.drive.step(0.0)
    assert bench.drive.busy == 0


def test_requests_are_counted_by_class() -> None:
    bench = Bench()
    bench.run(ask("/a", "LIST"), ask("/b"), ask("/c"))
    assert bench.drive.requests == {"LIST": 1, "GET": 2}


def test_results_of_flows_together_come_in_the_order_of_the_flows() -> None:
    flows = together(ask("/a"), work(2), at_once(3), width=2)
    bench = Bench({"/a": Answer(200, {}, b"1")})
    assert bench.run(flows) == [Ended(0, [b"1", 2, 3], None)]


def test_nothing_together_ends_at_once() -> None:
    assert Bench().run(together()) == [Ended(0, [], None)]


def test_flows_together_may_be_together_themselves() -> None:
    inner = [together(ask(f"/{n}"), work(n)) for n in range(3)]
    assert Bench().run(together(*inner, width=2)) == [
        Ended(0, [[b"good", 0], [b"good", 1], [b"good", 2]], None)
    ]


def test_no_more_than_width_flows_are_under_way_together() -> None:
    bench = Bench()
    bench.drive.start(together(*(ask(f"/{n}") for n in range(5)), width=2), "all")
    assert bench.script.started == ["/0", "/1"]
    bench.drive.step(0.0)
    assert bench.script.started == ["/0", "/1", "/2", "/3"]


def test_after_a_failure_together_nothing_new_begins_and_those_under_way_are_awaited() -> None:
    finished: list[str] = []

    def slow() -> Flow[None]:
        yield from ask("/1")
        yield from ask("/2")
        finished.append("slow")

    bench = Bench({"/bad": Broken("reset")})
    flow = together(slow(), ask("/bad"), ask("/never"), width=2)
    (end,) = bench.run(flow)
    assert isinstance(end.error, Broken)
    assert finished == ["slow"]
    assert "/never" not in bench.script.started


def test_of_two_failures_together_the_first_is_thrown() -> None:
    first, second = Broken("first"), Broken("second")
    bench = Bench({"/1": first, "/2": second})
    (end,) = bench.run(together(ask("/1"), ask("/2")))
    assert end.error is first


def test_a_failure_at_once_is_told_to_the_owner_once() -> None:
    told: list[str] = []

    def flow() -> Flow[str]:
        try:
            yield Together([fail(ValueError("at once")), ask("/never"), at_once(1)], width=3)
        except ValueError as error:
            told.append(str(error))
        return (yield from work("went on"))

    bench = Bench()
    assert bench.run(flow()) == [Ended(0, "went on", None)]
    assert told == ["at once"]
    assert bench.script.started == []


@pytest.mark.parametrize("width", [1, 8, 20_000])
def test_ten_thousand_flows_that_end_at_once_do_not_exhaust_the_stack(width: int) -> None:
    flow = together(*(at_once(n) for n in range(10_000)), width=width)
    (end,) = Bench().run(flow)
    assert end.error is None
    assert end.value == list(range(10_000))


def test_ten_thousand_groups_of_instant_flows_in_a_row_do_not_exhaust_the_stack() -> None:
    def flow() -> Flow[int]:
        count = 0
        for _ in range(10_000):
            count += len((yield Together([at_once(1), at_once(2)])))
        return count

    assert Bench().run(flow()) == [Ended(0, 20_000, None)]


def test_pauses_end_in_the_order_of_their_time_and_let_the_clock_pass() -> None:
    order: list[tuple[str, float]] = []
    bench = Bench()

    def sleeper(name: str, seconds: float) -> Flow[None]:
        yield Pause(seconds)
        order.append((name, bench.clock.now() - 1_000.0))

    bench.run(sleeper("late", 9.0), sleeper("early", 2.0), sleeper("middle", 4.5))
    assert order == [("early", 2.0), ("middle", 4.5), ("late", 9.0)]


def test_a_step_waits_no_longer_than_the_next_pause() -> None:
    def sleeper() -> Flow[None]:
        yield Pause(3.0)

    bench = Bench()
    bench.drive.start(sleeper(), "it")
    assert bench.drive.step(60.0) == [Ended("it", None, None)]
    assert bench.clock.now() == 1_003.0


def test_a_step_with_ends_to_tell_does_not_wait() -> None:
    bench = Bench()
    bench.drive.start(at_once(1), "it")
    assert bench.drive.step(60.0) == [Ended("it", 1, None)]
    assert bench.clock.now() == 1_000.0


def test_waking_ends_a_step_that_has_nothing_to_tell() -> None:
    bench = Bench()
    bench.drive.wake()
    assert bench.drive.step(60.0) == []
    assert bench.clock.now() == 1_000.0


def test_closing_closes_the_carrier_and_tells_no_flow() -> None:
    seen: list[str] = []

    def flow() -> Flow[None]:
        try:
            yield from ask("/a")
        except Exception as error:
            seen.append(str(error))

    bench = Bench()
    bench.drive.start(flow(), "it")
    bench.drive.close()
    assert bench.script.closed
    assert seen == []
