"""The loop: intent before deed, fate after proof, deletes last, counters that add up."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import (
    Broken,
    LedgerError,
    NeedsThaw,
    NotFound,
)
from bucketline.flow.drive import open_drive
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Ran, Terms
from bucketline.model import Copy, Delete, Fate, Outcome, Skip, Tally
from stage import MIB, Book, Engine, Stage, a_copy, a_delete, copies, done, raising


def test_everything_planned_is_done_and_written_down() -> None:
    stage = Stage([a_copy("a", 5), Skip(3, 30), a_copy("b", 7)])
    ran = stage.run()
    assert ran.state == stage.book.state == "complete"
    assert (ran.tally.skipped, ran.tally.done, ran.tally.under_way) == (3, 2, 0)
    assert (ran.tally.bytes_skipped, ran.tally.bytes_done) == (30, 2)
    assert sorted(stage.book.fates) == ["a=done", "b=done"]
    assert sum(skipped for _, _, skipped in stage.book.commits) == 3


def test_an_empty_plan_is_complete() -> None:
    stage = Stage()
    assert stage.run() == Ran("complete", Tally())
    assert stage.book.diary == ["end complete"]


def test_every_intent_is_committed_before_its_deed_and_every_fate_after_it() -> None:
    stage = Stage([*copies(20), *(a_delete(f"x{n}") for n in range(5))])
    stage.run(width=3)
    diary = stage.book.diary
    for action in stage.plan:
        assert isinstance(action, Copy | Delete)
        key = action.key
        intent, deed = diary.index(f"intent {key}"), diary.index(f"deed {key}")
        assert intent < deed < diary.index(f"fate {key}=done")
    assert diary[-1] == "end complete"


def test_no_deed_happens_when_its_intent_cannot_be_committed() -> None:
    stage = Stage(copies(3), book=Book(full_after=0))
    with pytest.raises(LedgerError):
        stage.run()
    assert stage.book.diary == []
    assert stage.started == []


def test_no_more_than_width_actions_are_under_way() -> None:
    stage = Stage(copies(50))
    stage.run(width=6)
    assert stage.most_at_once == 6


def test_a_slow_one_does_not_keep_the_others_waiting() -> None:
    """One place stays taken; the rest of the plan passes by it."""

    def last() -> Outcome:
        let_go.set()
        return done()

    drive, let_go, book = open_drive(), threading.Event(), Book()
    stage = Stage([a_copy("slow"), *copies(30)], book=book)
    stage.deeds["slow"] = lambda: done() if let_go.wait(60) else Outcome(Fate.FAILED)
    stage.deeds["k029"] = last
    try:
        ran = run(Engine(stage), book, drive, Terms(FakeClock(), pace=Steady(4)))
    finally:
        let_go.set()
        drive.close()
    assert ran.state == "complete"
    assert book.fates[-1] == "slow=done" or "slow=done" in book.commits[-1][1]


def test_bodies_under_way_stay_within_the_budget_of_memory() -> None:
    stage = Stage(copies(20, size=60 * MIB))
    stage.run(width=16)
    assert stage.most_bytes == 240 * MIB
    stage = Stage(copies(20, size=60 * MIB))
    stage.run(width=16, memory=130 * MIB)
    assert stage.most_bytes == 120 * MIB


def test_an_object_above_the_whole_budget_still_moves() -> None:
    stage = Stage([a_copy("a"), a_copy("big", 10_000 * MIB), a_copy("c")])
    ran = stage.run(width=16)
    assert ran.tally.done == 3
    assert stage.most_bytes == 10_000 * MIB


def test_fates_share_commits() -> None:
    stage = Stage(copies(400))
    stage.run(width=64)
    assert len(stage.book.commits) <= 40


def test_a_failure_is_a_fate_and_the_rest_goes_on() -> None:
    stage = Stage(copies(5))
    stage.deeds["k002"] = raising(NotFound("no such key", store="s3://b/", key="k002"))
    ran = stage.run()
    assert ran.state == stage.book.state == "failed"
    assert (ran.tally.done, ran.tally.failed, ran.tally.listed) == (4, 1, 5)
    assert "k002=failed" in stage.book.fates


def test_what_an_archive_holds_is_waiting_and_so_is_the_run() -> None:
    stage = Stage(copies(3))
    stage.deeds["k001"] = raising(NeedsThaw("in an archive tier"))
    ran = stage.run()
    assert ran.state == "waiting"
    assert (ran.tally.done, ran.tally.waiting) == (2, 1)


def test_a_step_that_finds_nothing_to_do_counts_as_skipped() -> None:
    stage = Stage(copies(2))
    stage.deeds["k000"] = lambda: Outcome(Fate.SKIPPED)
    ran = stage.run()
    assert ran.state == "complete"
    assert (ran.tally.skipped, ran.tally.done) == (1, 1)


def test_deletes_begin_only_after_the_last_copy_ended() -> None:
    stage = Stage([*copies(9), a_delete("x"), a_delete("y")])
    ran = stage.run(width=4)
    diary = stage.book.diary
    last_fate = max(index for index, line in enumerate(diary) if line.startswith("fate k"))
    assert last_fate < diary.index("deed x")
    assert ran.tally.done == 11


@pytest.mark.parametrize(
    "deed",
    [
        raising(Broken("reset")),
        raising(NeedsThaw("in an archive tier")),
        lambda: Outcome(Fate.FAILED),
    ],
)
def test_deletes_wait_when_a_copy_did_not_succeed(deed: Callable[[], Outcome]) -> None:
    stage = Stage([*copies(3), a_delete("x"), a_delete("y")])
    stage.deeds["k001"] = deed
    ran = stage.run(width=1)
    assert "x" not in stage.started
    assert stage.book.fates[-2:] == ["x=waiting", "y=waiting"]
    assert ran.tally.listed == 5
    assert ran.state in {"failed", "waiting"}


def test_many_deletes_that_wait_are_written_down_in_stretches() -> None:
    stage = Stage([a_copy("k"), *(a_delete(f"x{n:04}") for n in range(3_000))])
    stage.deeds["k"] = raising(Broken("reset"))
    ran = stage.run(width=8)
    assert ran.tally.waiting == 3_000
    assert max(len(fates) for _, fates, _ in stage.book.commits) <= 1_000


def test_a_plan_made_ahead_is_the_same_as_one_made_inline() -> None:
    plan = [*copies(700), Skip(9, 90), *copies(900)[700:], a_delete("x")]
    stage = Stage(plan)
    drive = open_drive()
    try:
        ran = run(Engine(stage), stage.book, drive, Terms(FakeClock(), pace=Steady(32)))
    finally:
        drive.close()
    assert ran.state == "complete"
    assert (ran.tally.done, ran.tally.skipped) == (901, 9)
    assert stage.started == [step.key for step in plan if not isinstance(step, Skip)]
