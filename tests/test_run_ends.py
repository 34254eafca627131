"""How a run ends: by a wish, by an error that all would share, by a broken plan, by watching."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import (
    BadListing,
    Broken,
    Denied,
    NoBucket,
    StoreError,
    Unreachable,
)
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Allowance, Terms
from bucketline.flow.workers import Inline
from bucketline.model import Action, Outcome, Tally
from stage import Engine, NoNetwork, Stage, Step, a_copy, a_delete, copies, done, raising


def test_what_would_fail_alike_stops_the_run_after_recording_what_was_under_way() -> None:
    stage = Stage(copies(40))
    stage.deeds["k000"] = raising(NoBucket("no such bucket"))
    with pytest.raises(NoBucket):
        stage.run(width=4)
    assert stage.started == ["k000", "k001", "k002", "k003"]
    assert sorted(stage.book.fates) == ["k000=failed", "k001=done", "k002=done", "k003=done"]
    assert stage.book.state == "failed"
    assert "no such bucket" in stage.book.message


def test_a_bug_in_one_action_costs_no_other_its_fate() -> None:
    stage = Stage(copies(4))
    stage.deeds["k001"] = raising(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        stage.run(width=4)
    assert sorted(stage.book.fates) == ["k000=done", "k001=failed", "k002=done", "k003=done"]
    assert stage.book.state == "failed"


@pytest.mark.parametrize("cause", [Denied, Unreachable])
def test_twenty_of_one_cause_in_a_row_stop_the_run(cause: type[StoreError]) -> None:
    stage = Stage(copies(60))
    stage.deeds = {f"k{n:03}": raising(cause("no")) for n in range(60)}
    with pytest.raises(cause, match="no; 20 in a row failed so, and the run stops"):
        stage.run(width=1)
    assert len(stage.started) == 20
    assert stage.book.state == "failed"


def test_a_success_in_between_ends_the_row() -> None:
    stage = Stage(copies(60))
    stage.deeds = {f"k{n:03}": raising(Denied("no")) for n in range(60) if n % 15}
    ran = stage.run(width=1)
    assert (ran.tally.done, ran.tally.failed) == (4, 56)


def test_failures_of_other_causes_never_stop_a_run() -> None:
    stage = Stage(copies(60))
    stage.deeds = {f"k{n:03}": raising(Broken("reset")) for n in range(60)}
    assert stage.run(width=1).tally.failed == 60


@pytest.mark.parametrize("plans_ahead", [True, False])
def test_a_plan_that_breaks_off_ends_the_run_after_what_had_begun(plans_ahead: bool) -> None:
    stage = Stage(copies(3), break_off=BadListing("the listing does not end"))
    with pytest.raises(BadListing):
        stage.run(plans_ahead=plans_ahead)
    assert sorted(stage.book.fates) == sorted(f"{key}=done" for key in stage.started)
    assert stage.book.state == "failed"
    assert "the listing does not end" in stage.book.message


def test_a_wish_to_stop_drains_what_is_under_way_and_starts_nothing_more() -> None:
    stage = Stage(copies(40))

    def last_one() -> Outcome:
        stage.stop.drain = True
        return done()

    stage.deeds["k001"] = last_one
    ran = stage.run(width=4)
    assert ran.state == stage.book.state == "interrupted"
    assert stage.started == ["k000", "k001", "k002", "k003"]
    assert len(stage.book.fates) == ran.tally.done == 4
    assert ran.tally.under_way == 0


def test_a_second_wish_stops_at_once_but_keeps_the_fates_that_are_known() -> None:
    stage, drive, let_go = Stage(copies(8)), open_drive(), threading.Event()

    def at_once() -> Outcome:
        stage.stop.drain = stage.stop.now = True
        return done()

    stage.deeds["k000"] = at_once
    stage.deeds["k001"] = lambda: (let_go.wait(60), done())[1]
    try:
        terms = Terms(FakeClock(), stage.stop, Steady(2), plans_ahead=False)
        ran = run(Engine(stage), stage.book, drive, terms)
    finally:
        let_go.set()
        drive.close()
    assert ran.state == stage.book.state == "interrupted"
    assert stage.book.fates == ["k000=done"]
    assert (ran.tally.done, ran.tally.under_way, ran.tally.listed) == (1, 1, 2)


def test_the_watcher_sees_the_last_tally() -> None:
    seen: list[tuple[int, int]] = []

    class Watcher:
        def seen(self, tally: Tally, running: dict[Action, float]) -> None:
            seen.append((tally.done, len(running)))

    Stage(copies(5)).run(watcher=Watcher())
    assert seen[-1] == (5, 0)


def test_a_run_that_ends_early_lets_go_of_its_plan() -> None:
    closed = threading.Event()

    class Endless(Engine):
        def plan(self) -> Iterator[Step]:
            number = 0
            try:
                while True:
                    number += 1
                    yield a_copy(f"k{number}")
            finally:
                closed.set()

    stage, drive = Stage(), open_drive()
    stage.deeds["k5"] = raising(NoBucket("no such bucket"))
    try:
        with pytest.raises(NoBucket):
            run(Endless(stage), stage.book, drive, Terms(FakeClock(), pace=Steady(4)))
    finally:
        drive.close()
    assert closed.wait(30)


def test_a_run_ends_when_its_time_is_over_and_says_so() -> None:
    stage, clock = Stage(copies(40)), FakeClock()
    carrier = NoNetwork(clock)
    drive = Drive(carrier, Inline(carrier.wake), clock)

    def slowly() -> Outcome:
        clock.sleep(10.0)
        return done()

    stage.deeds = {f"k{number:03}": slowly for number in range(40)}
    terms = Terms(clock, stage.stop, Steady(1), plans_ahead=False, allowance=Allowance(seconds=35))
    ran = run(Engine(stage), stage.book, drive, terms)
    assert ran.state == stage.book.state == "interrupted"
    assert (ran.tally.done, ran.tally.under_way) == (4, 0)
    assert stage.book.message == stage.stop.why == "35.0 s are over"


def test_a_run_moves_no_more_than_it_may() -> None:
    stage = Stage([a_copy("a", 50), a_copy("b", 40), a_copy("c", 20), a_copy("d", 1)])
    ran = stage.run(allowance=Allowance(size=100))
    assert stage.started == ["a", "b"]
    assert ran.state == "interrupted"
    assert stage.book.message == "the next object would go beyond 100 B"


def test_what_just_fits_is_complete() -> None:
    stage = Stage([a_copy("a", 50), a_copy("b", 50), a_delete("c")])
    assert stage.run(allowance=Allowance(size=100)).state == "complete"


def test_a_wish_that_comes_when_all_is_done_interrupts_nothing() -> None:
    stage = Stage(copies(3))

    def last() -> Outcome:
        stage.stop.drain = True
        return done()

    stage.deeds["k002"] = last
    assert stage.run(width=1).state == "complete"
