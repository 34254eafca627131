"""Who performs works: on the spot while the disk is quick, in threads when it is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from bucketline.clock import FakeClock
from bucketline.flow.workers import Brief, Threads
from bucketline.stores.base import Work


def taking(clock: FakeClock, seconds: float) -> Callable[[], str]:
    """A work that takes so long, and tells in which thread it was done."""

    def call() -> str:
        clock.sleep(seconds)
        return threading.current_thread().name

    return call


def told(threads: Threads, count: int, woken: threading.Event) -> list[Any]:
    done: list[Any] = []
    while len(done) < count:
        assert woken.wait(10)
        woken.clear()
        done += [value for _, value, _ in threads.finished()]
    return done


def test_a_brief_work_is_taken_until_one_was_not_brief() -> None:
    clock = FakeClock()
    brief = Brief(clock)
    quick, slow = (Work(taking(clock, s), is_brief=True) for s in (0.0001, 0.1))
    assert not brief.takes(Work(quick.call))
    assert brief.takes(quick)
    assert brief.perform(quick) == ("MainThread", None)
    assert brief.takes(slow)
    brief.perform(slow)
    assert [brief.takes(quick) for _ in range(201)] == [False] * 200 + [True]


def test_an_error_of_a_brief_work_is_told_like_a_value() -> None:
    error = OSError("no")

    def call() -> None:
        raise error

    assert Brief(FakeClock()).perform(Work(call, is_brief=True)) == (None, error)


def test_shared_works_are_done_on_the_spot_until_the_disk_is_slow() -> None:
    clock, woken = FakeClock(), threading.Event()
    threads = Threads(woken.set, clock=clock)
    quick, slow = (Work(taking(clock, s), is_shared=True) for s in (0.0, 0.2))
    here = threading.current_thread().name
    try:
        threads.submit([(quick, 1), (quick, 2)])
        assert told(threads, 2, woken) == [here, here]
        threads.submit([(slow, 3)])
        assert told(threads, 1, woken) == [here]
        threads.submit([(quick, 4)])
        assert told(threads, 1, woken) == ["bucketline-work"]
    finally:
        threads.close()


def test_shared_works_gather_while_a_thread_does_the_last_ones() -> None:
    clock, woken, go_on = FakeClock(), threading.Event(), threading.Event()
    threads = Threads(woken.set, clock=clock)
    doing: list[str] = []

    def held() -> None:
        doing.append("held")
        assert go_on.wait(10)

    try:
        threads.submit([(Work(taking(clock, 9.0), is_shared=True), 0)])  # From here on, in threads.
        told(threads, 1, woken)
        threads.submit([(Work(held, is_shared=True), 1)])
        for number in (2, 3):
            threads.submit([(Work(lambda: doing.append("next"), is_shared=True), number)])
        go_on.set()
        assert [ticket for ticket, _, _ in _all(threads, 3, woken)] == [1, 2, 3]
        assert doing == ["held", "next", "next"]
    finally:
        threads.close()


def _all(threads: Threads, count: int, woken: threading.Event) -> list[Any]:
    done: list[Any] = []
    while len(done) < count:
        assert woken.wait(10)
        woken.clear()
        done += threads.finished()
    return done
