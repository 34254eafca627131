"""A stage for the loop: a plan, what each key's deed does, and a diary of what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bucketline.clock import FakeClock
from bucketline.errors import LedgerError, StoreError
from bucketline.flow.drive import Drive
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Ran, Stop, Terms
from bucketline.flow.workers import Inline
from bucketline.model import Action, Copy, Delete, Entry, Fate, Outcome, Proof, Skip
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
        options = {"plans_ahead": False, **options}
        terms = Terms(clock, self.stop, Steady(width), **options)
        return run(Engine(self), self.book, drive, terms)

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

    def weight(self, action: Action) -> int:
        return action.source.size if isinstance(action, Copy) else 0

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
