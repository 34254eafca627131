"""The kernel over real threads: works side by side, calls from anywhere, and a clean end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from bucketline.errors import Unreachable
from bucketline.flow.drive import Drive, Ended, blocking, call, open_drive
from bucketline.stores.base import Flow, Request, Route, Together, Work


def work(value: Any) -> Flow[Any]:
    return (yield Work(lambda: value))


def stepped(drive: Drive, flows: int) -> list[Ended]:
    ends: list[Ended] = []
    while len(ends) < flows:
        ends += drive.step(10.0)
    return ends


def test_works_of_a_real_drive_run_on_other_threads_and_side_by_side() -> None:
    both = threading.Barrier(2, timeout=30)  # Breaks unless two works run at the same time.

    def meet() -> str:
        both.wait()
        return threading.current_thread().name

    def flow() -> Flow[str]:
        return (yield Work(meet))

    drive = open_drive()
    try:
        drive.start(flow(), 1)
        drive.start(flow(), 2)
        ends = stepped(drive, 2)
    finally:
        drive.close()
    assert [end.value for end in ends] == ["bucketline-work", "bucketline-work"]


def test_every_one_of_many_works_comes_back_once() -> None:
    drive = open_drive()
    try:
        for number in range(500):
            drive.start(work(number), number)
        ends = stepped(drive, 500)
    finally:
        drive.close()
    assert sorted(end.value for end in ends) == list(range(500))


def test_a_work_that_ends_after_the_drive_was_closed_harms_nothing() -> None:
    under_way, let_go = threading.Event(), threading.Event()
    noise: list[object] = []

    def linger() -> None:
        under_way.set()
        let_go.wait(30)

    def flow() -> Flow[None]:
        yield Work(linger)

    drive = open_drive()
    drive.start(flow(), 1)
    drive.step(0.0)
    under_way.wait(30)
    others = [t for t in threading.enumerate() if t.name == "bucketline-work"]
    before, threading.excepthook = threading.excepthook, noise.append
    try:
        drive.close()
        let_go.set()
        for thread in others:
            thread.join(30)
    finally:
        threading.excepthook = before
    assert noise == []


def test_a_call_runs_one_flow_to_its_end_and_raises_its_error() -> None:
    def both() -> Flow[list[int]]:
        return (yield Together([work(1), work(2)]))

    def fail() -> Flow[None]:
        yield from work(1)
        raise ValueError("a bug")

    assert call(both()) == ([1, 2], {})
    with pytest.raises(ValueError, match="a bug"):
        blocking(fail())
    assert blocking(work("after it")) == "after it"


def test_calls_in_several_threads_do_not_meet() -> None:
    gate = threading.Barrier(4, timeout=30)
    values: dict[int, list[int]] = {}

    def flow(number: int) -> Flow[list[int]]:
        yield Work(gate.wait)  # All four are inside a call now.
        return (yield Together([work(number * 100 + n) for n in range(20)], width=3))

    def caller(number: int) -> Callable[[], None]:
        return lambda: values.update({number: blocking(flow(number))})

    threads = [threading.Thread(target=caller(number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert values == {number: [number * 100 + n for n in range(20)] for number in range(4)}


def test_a_call_that_was_interrupted_leaves_nothing_to_the_next_one() -> None:
    def interrupted() -> Flow[None]:
        yield Work(_interrupt)

    with pytest.raises(KeyboardInterrupt):
        blocking(interrupted())
    assert blocking(work("clean")) == "clean"


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_requests_of_calls_are_counted_also_when_the_call_fails() -> None:
    def refused() -> Flow[None]:
        yield Request("GET", "http://127.0.0.1:1/", [], Route(), kind="LIST")

    drive = open_drive()
    try:
        for _ in range(2):
            with pytest.raises(Unreachable):
                drive.call(refused())
        assert drive.requests == {"LIST": 2}
    finally:
        drive.close()
