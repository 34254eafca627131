"""The loop: carry out a plan, intent before deed, fate after proof. Run it again until calm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bucketline.clock import Clock
from bucketline.errors import BucketlineError, Remedy, StoreError
from bucketline.flow.drive import Drive, Ended
from bucketline.flow.move.proof import MEMORY
from bucketline.flow.run.feed import Ahead, Feed, Inline
from bucketline.model import Action, Copy, Delete, Fate, Outcome, Skip, Tally
from bucketline.stores.base import Flow

_SETTLE_SECONDS = 0.05  # A fate waits at most so long for company in its commit.
_WATCH_SECONDS = 0.2
_HELD_BACK_MAX = 1_000  # Deletes that are refused in one commit.
# So many failures of one of these causes in a row, and nothing else, is no accident.
_STREAK_MAX = 20
_STREAK_CAUSES = frozenset({"Denied", "Unreachable"})


class Engine(Protocol):
    """What every part of the product is: a plan, and a way to do one step of it."""

    def plan(self) -> Iterator[Action | Skip]:
        """Look at the world and say what is left to do. Changes nothing."""

    def perform(self, action: Action) -> Flow[Outcome]:
        """Do one step. Idempotent: after a crash it is planned and done again."""

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""


class Recorder(Protocol):
    """The part of the ledger that the loop writes to."""

    def record(
        self,
        intents: Sequence[Action],
        ends: Sequence[tuple[Action, Outcome]],
        skipped: Skip,
    ) -> None:
        """All of it in one transaction, durable on return."""

    def end(self, state: str, message: str = "") -> None:
        """The run's last line."""


class Watcher(Protocol):
    """Who wants to see how it goes."""

    def seen(self, tally: Tally, running: dict[Action, float]) -> None:
        """Called at most every 0.2 s, and at the end; `running` tells since when (monotonic)."""


@dataclass(slots=True)
class Stop:
    """Somebody's wish to end: `drain` what is under way, or end `now`. Set by a signal handler."""

    drain: bool = False
    now: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a run goes."""

    clock: Clock
    stop: Stop = field(default_factory=Stop)
    width: int = 64  # Actions in flight at most.
    watcher: Watcher | None = None
    plans_ahead: bool = True  # In a thread; without it, one thread makes one order.
    memory: int = MEMORY  # What actions in flight weigh together; one that weighs more goes alone.


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: complete, failed, waiting or interrupted."""

    state: str
    tally: Tally


@dataclass(slots=True)
class _Loop:
    """One run under way."""

    engine: Engine
    ledger: Recorder
    drive: Drive
    feed: Feed
    clock: Clock
    stop: Stop
    width: int
    memory: int
    watcher: Watcher | None
    tally: Tally = field(default_factory=Tally)
    running: dict[Action, float] = field(default_factory=dict)
    unsettled: list[tuple[Action, Outcome]] = field(default_factory=list)
    unsettled_since: float = 0.0
    watched: float = 0.0
    weights: dict[Action, int] = field(default_factory=dict)
    weight: int = 0  # Their sum.
    streak: int = 0
    copies_missing: bool = False  # Some copy did not succeed in this run.
    fatal: Exception | None = None

    def go(self) -> None:
        while True:
            fresh = self._fresh()
            self._settle(fresh)
            for action in fresh:
                self.drive.start(self.engine.perform(action), action)
            if not self.running and not fresh and self._is_over():
                return
            for ended in self.drive.step(self._patience()):
                self._take_in(ended)
            if self.stop.now:  # What is under way stays in doubt; what ended is known.
                self._settle([], at_once=True)
                return
            self._show()

    def _is_over(self) -> bool:
        return not self.unsettled and (self.stop.drain or self.fatal is not None or self.feed.ended)

    def _fresh(self) -> list[Action]:
        """What may start now. Commits are dear: a few places must be free before any is filled."""
        free = self.width - len(self.running)
        if self.fatal is not None or self.stop.drain or free < min(self.width, self.width // 4 + 1):
            return []
        fresh: list[Action] = []
        try:
            while len(fresh) < free and (action := self.feed.peek()) is not None:
                if not self._may_start(action, fresh):
                    break
                self.feed.take()
                if isinstance(action, Delete) and self.copies_missing:
                    self._end(action, _HELD_BACK)
                    if len(self.unsettled) >= _HELD_BACK_MAX:
                        self._settle([], at_once=True)
                    continue
                self.weights[action] = weight = self.engine.weight(action)
                self.weight += weight
                fresh.append(action)
        except Exception as error:
            self.fatal = error
        return fresh

    def _may_start(self, action: Action, fresh: list[Action]) -> bool:
        if isinstance(action, Delete):  # Only once every copy before it has ended.
            return all(isinstance(other, Delete) for other in (*self.running, *fresh))
        return not self.weight or self.weight + self.engine.weight(action) <= self.memory

    def _settle(self, fresh: list[Action], *, at_once: bool = False) -> None:
        """Commit intents of what starts and fates of what ended, together."""
        due = bool(self.unsettled) and (
            at_once
            or not self.running
            or len(self.unsettled) >= self.width // 4
            or self.clock.monotonic() - self.unsettled_since >= _SETTLE_SECONDS
        )
        skipped = self.feed.skipped()
        self.tally.skipped += skipped.count
        self.tally.bytes_skipped += skipped.size
        if fresh or due or skipped.count:
            ends, self.unsettled = self.unsettled, []
            self.ledger.record(fresh, ends, skipped)
        now = self.clock.monotonic()
        for action in fresh:
            self.running[action] = now
        self.tally.under_way = len(self.running)

    def _patience(self) -> float:
        return _SETTLE_SECONDS if self.unsettled else _WATCH_SECONDS

    def _take_in(self, ended: Ended) -> None:
        action: Action = ended.tag
        del self.running[action]
        self.weight -= self.weights.pop(action)
        outcome = ended.value if ended.error is None else self._failed(ended.error)
        self._end(action, outcome)

    def _end(self, action: Action, outcome: Outcome) -> None:
        if not self.unsettled:
            self.unsettled_since = self.clock.monotonic()
        self.unsettled.append((action, outcome))
        if outcome.fate is not Fate.DONE and isinstance(action, Copy):
            self.copies_missing = True
        if outcome.fate is Fate.DONE:
            self.tally.done += 1
            self.tally.bytes_done += outcome.size
            self.streak = 0
        elif outcome.fate is Fate.WAITING:
            self.tally.waiting += 1
        elif outcome.fate is Fate.SKIPPED:
            self.tally.skipped += 1
        else:
            self.tally.failed += 1

    def _failed(self, error: Exception) -> Outcome:
        """The only place where an error becomes a fate."""
        if not isinstance(error, StoreError):
            self.fatal = self.fatal or error
            return Outcome(Fate.FAILED, cause=type(error).__name__, message=str(error))
        self.streak = self.streak + 1 if error.cause in _STREAK_CAUSES else 0
        fate = Fate.WAITING if error.remedy is Remedy.WAIT else Fate.FAILED
        outcome = Outcome(fate, cause=error.cause, message=str(error))
        if error.remedy is Remedy.STOP:
            self.fatal = self.fatal or error
        elif self.streak >= _STREAK_MAX and self.fatal is None:
            error.message += f"; {self.streak} in a row failed so, and the run stops"
            self.fatal = error
        return outcome

    def _show(self) -> None:
        now = self.clock.monotonic()
        if self.watcher is not None and now - self.watched >= _WATCH_SECONDS:
            self.watched = now
            self.tally.under_way = len(self.running)
            self.watcher.seen(self.tally, self.running)


_HELD_BACK = Outcome(
    Fate.WAITING,
    cause="HeldBack",
    message="deletes wait until every copy has succeeded; run again",
)


def run(engine: Engine, ledger: Recorder, drive: Drive, terms: Terms) -> Ran:
    """Carry out the engine's plan once.

    Raises what would make every further action fail alike, after recording what was under way.
    """
    plan, watcher = engine.plan(), terms.watcher
    feed: Feed = Ahead(plan, drive.wake) if terms.plans_ahead else Inline(plan)
    limits = (terms.width, terms.memory)
    loop = _Loop(engine, ledger, drive, feed, terms.clock, terms.stop, *limits, watcher)
    try:
        loop.go()
    finally:
        feed.close()
    state = _state(loop)
    ledger.end(state, str(loop.fatal) if isinstance(loop.fatal, BucketlineError) else "")
    if watcher is not None:
        watcher.seen(loop.tally, loop.running)
    if loop.fatal is not None:
        raise loop.fatal
    return Ran(state, loop.tally)


def watch(once: Callable[[], Ran], *, clock: Clock, stop: Stop, pause_seconds: float = 60.0) -> Ran:
    """Run again and again, with a pause in between, until asked to stop; the last run's end."""
    while True:
        ran = once()
        until = clock.monotonic() + pause_seconds
        while not stop.drain and clock.monotonic() < until:
            clock.sleep(min(1.0, pause_seconds))
        if stop.drain:
            return ran


def _state(loop: _Loop) -> str:
    if loop.stop.drain or loop.stop.now:
        return "interrupted"
    if loop.fatal is not None or loop.tally.failed:
        return "failed"
    return "waiting" if loop.tally.waiting else "complete"
