"""The loop: intent before deed, fate after proof, deletes last, and an end that tells the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import (
    BadListing,
    Broken,
    Denied,
    LedgerError,
    NeedsThaw,
    NoBucket,
    NotFound,
    StoreError,
    Unreachable,
)
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.run import Ran, Stop, run, watch
from bucketline.flow.workers import Inline
from bucketline.model import Action, Copy, Delete, Entry, Fate, Outcome, Proof, Skip, Tally
from bucketline.stores.base import Answer, Flow, Request, Work

MIB = 1 << 20
Step = Action | Skip


def a_copy(key: str, size: int = 1) -> Copy:
    return Copy(Entry(key, size), key)


def a_delete(key: str) -> Delete:
    return Delete(Entry(key, 1))


def done(size: int = 1) -> Outcome:
    return Outcome(Fate.DONE, size=size, proof=Proof.ETAG)


@dataclass
class Book:
    """A ledger that keeps a diary: commits and deeds, in the order in which they happened."""

    diary: list[str] = field(default_factory=list)
    commits: list[tuple[list[str], list[str], int]] = field(default_factory=list)
    state: str = ""
    message: str = ""
    full_after: int = 1_000_000

    def record(
        self, intents: Sequence[Action], ends: Sequence[tuple[Action, Outcome]], skipped: Skip
    ) -> None:
        if len(self.commits) >= self.full_after:
            raise LedgerError("the disk is full")
        fates = [f"{action.key}={outcome.fate.value}" for action, outcome in ends]
        keys = [action.key for action in intents]
        self.commits.append((keys, fates, skipped.count))
        self.diary += [f"intent {key}" for key in keys] + [f"fate {fate}" for fate in fates]

    def end(self, state: str, message: str = "") -> None:
        self.state, self.message = state, message
        self.diary.append(f"end {state}")

    @property
    def fates(self) -> list[str]:
        return [fate for _, fates, _ in self.commits for fate in fates]


class NoNetwork:
    """Nothing is sent; waiting lets a fake clock pass."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.is_woken = False

    def start(self, request: Request, ticket: Any) -> None:
        raise AssertionError("there is no network here")

    def poll(self, timeout_seconds: float) -> Iterable[tuple[Any, Answer | StoreError]]:
        if not self.is_woken:
            self._clock.sleep(timeout_seconds)
        self.is_woken = False
        return []

    def wake(self) -> None:
        self.is_woken = True

    def close(self) -> None: ...


@dataclass
class Stage:
    """A plan, what each key's deed does, and a run of it; the deed is one Work."""

    plan: list[Step] = field(default_factory=list)
    deeds: dict[str, Callable[[], Outcome]] = field(default_factory=dict)
    break_off: Exception | None = None  # How the plan ends.
    book: Book = field(default_factory=Book)
    stop: Stop = field(default_factory=Stop)
    most_at_once: int = 0
    most_bytes: int = 0
    started: list[str] = field(default_factory=list)
    _under_way: dict[str, int] = field(default_factory=dict)

    def run(self, width: int = 4, **options: Any) -> Ran:
        clock = FakeClock()
        carrier = NoNetwork(clock)
        drive = Drive(carrier, Inline(carrier.wake), clock)
        options = {"inline": True, **options}
        engine = Engine(self)
        return run(engine, self.book, drive, clock=clock, stop=self.stop, width=width, **options)

    def act(self, action: Action) -> Outcome:
        self.book.diary.append(f"deed {action.key}")
        return self.deeds.get(action.key, done)()


@dataclass
class Engine:
    """The plan and the deeds of a stage."""

    stage: Stage

    def plan(self) -> Iterator[Step]:
        yield from self.stage.plan
        if self.stage.break_off is not None:
            raise self.stage.break_off

    def perform(self, action: Action) -> Flow[Outcome]:
        stage = self.stage
        stage.started.append(action.key)
        stage._under_way[action.key] = action.source.size if isinstance(action, Copy) else 0
        stage.most_at_once = max(stage.most_at_once, len(stage._under_way))
        stage.most_bytes = max(stage.most_bytes, sum(stage._under_way.values()))
        try:
            return (yield Work(lambda: stage.act(action)))
        finally:
            del stage._under_way[action.key]


def raising(error: Exception) -> Callable[[], Outcome]:
    def deed() -> Outcome:
        raise error

    return deed


def copies(count: int, size: int = 1) -> list[Step]:
    return [a_copy(f"k{number:03}", size) for number in range(count)]


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
    drive, let_go = open_drive(), threading.Event()
    book, stop = Book(), Stop()
    stage = Stage([a_copy("slow"), *copies(30)], book=book)
    stage.deeds["slow"] = lambda: done() if let_go.wait(60) else Outcome(Fate.FAILED)
    stage.deeds["k029"] = lambda: (let_go.set(), done())[1]
    try:
        ran = run(
            Engine(stage),
            book,
            drive,
            clock=FakeClock(),
            stop=stop,
            width=4,
        )
    finally:
        let_go.set()
        drive.close()
    assert ran.state == "complete"
    assert book.fates[-1] == "slow=done" or "slow=done" in book.commits[-1][1]


def test_bodies_under_way_stay_within_the_budget_of_memory() -> None:
    stage = Stage(copies(20, size=60 * MIB))
    stage.run(width=16)
    assert stage.most_bytes == 240 * MIB


def test_an_object_above_the_whole_budget_still_moves() -> None:
    stage = Stage(copies(3, size=10_000 * MIB))
    ran = stage.run(width=16)
    assert ran.tally.done == 3


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
    with pytest.raises(cause):
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


@pytest.mark.parametrize("inline", [True, False])
def test_a_plan_that_breaks_off_ends_the_run_after_what_had_begun(inline: bool) -> None:
    stage = Stage(copies(3), break_off=BadListing("the listing does not end"))
    with pytest.raises(BadListing):
        stage.run(inline=inline)
    assert sorted(stage.book.fates) == sorted(f"{key}=done" for key in stage.started)
    assert stage.book.state == "failed"
    assert "the listing does not end" in stage.book.message


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
        ran = run(Engine(stage), stage.book, drive, clock=FakeClock(), stop=stage.stop, width=2)
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


def test_a_plan_made_ahead_is_the_same_as_one_made_inline() -> None:
    plan = [*copies(700), Skip(9, 90), *copies(900)[700:], a_delete("x")]
    stage = Stage(plan)
    drive = open_drive()
    try:
        ran = run(Engine(stage), stage.book, drive, clock=FakeClock(), stop=Stop(), width=32)
    finally:
        drive.close()
    assert ran.state == "complete"
    assert (ran.tally.done, ran.tally.skipped) == (901, 9)
    assert stage.started == [step.key for step in plan if not isinstance(step, Skip)]


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
            run(Endless(stage), stage.book, drive, clock=FakeClock(), stop=Stop(), width=4)
    finally:
        drive.close()
    assert closed.wait(30)


def test_watching_runs_again_after_a_pause_until_asked_to_stop() -> None:
    clock, stop, starts = FakeClock(0.0), Stop(), []

    def once() -> Ran:
        starts.append(clock.now())
        stop.drain = len(starts) == 3
        return Ran("complete", Tally(done=len(starts)))

    ran = watch(once, clock=clock, stop=stop, pause_seconds=60.0)
    assert starts == [0.0, 60.0, 120.0]
    assert ran.tally.done == 3
