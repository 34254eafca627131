"""The loop: carry out a plan, intent before deed, fate after proof. Run it again until calm."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from bucketline.errors import BucketlineError, Interrupted, Remedy, StoreError
from bucketline.flow.drive import Drive, Ended
from bucketline.flow.run.crew import Own
from bucketline.flow.run.feed import Ahead, Feed, Inline
from bucketline.flow.run.terms import Crew, Engine, Ran, Recorder, Terms
from bucketline.model import Action, Copy, Delete, Fate, Outcome, Tally
from bucketline.sizes import show_seconds, show_size

_SETTLE_SECONDS = 0.05  # A fate waits at most so long for company in its commit.
_WATCH_SECONDS = 0.2
_HELD_BACK_MAX = 1_000  # Deletes that are refused in one commit.
_DELETES_MAX = 1_000  # At once, whatever the width: a store may make one request of many.
# So many failures of one of these causes in a row, and nothing else, is no accident.
_STREAK_MAX = 20
_STREAK_CAUSES = frozenset({"Denied", "Unreachable"})


@dataclass(slots=True)
class _Loop:
    """One run under way."""

    engine: Engine
    ledger: Recorder
    crew: Crew
    feed: Feed
    terms: Terms
    tally: Tally = field(default_factory=Tally)
    running: dict[Action, float] = field(default_factory=dict)
    unsettled: list[tuple[Action, Outcome]] = field(default_factory=list)
    unsettled_since: float = 0.0
    watched: float = 0.0
    weights: dict[Action, int] = field(default_factory=dict)
    weight: int = 0  # Their sum.
    began: float = 0.0
    is_whole: bool = False  # The plan came to its end, and every step of it.
    is_cut: bool = False  # An object was left in the middle, for the next run to go on with.
    size_begun: int = 0  # Bytes of all copies that were started.
    streak: int = 0
    copies_missing: bool = False  # Some copy did not succeed in this run.
    fatal: Exception | None = None

    def go(self) -> None:
        while True:
            fresh = self._fresh()
            self._settle(fresh)
            for action in fresh:
                self.crew.start(action)
            if not self.running and not fresh and self._is_over():
                self.is_whole = self.feed.ended and not self.is_cut
                return
            for ended in self.crew.step(self._patience()):
                self._take_in(ended)
            if self.terms.stop.now:  # What is under way stays in doubt; what ended is known.
                self._settle([], at_once=True)
                return
            self._show()

    def _is_over(self) -> bool:
        ends = self.terms.stop.drain or self.fatal is not None or self.feed.ended
        return not self.unsettled and ends

    def _fresh(self) -> list[Action]:
        """What may start now. Commits are dear: a few places must be free before any is filled."""
        width = self.terms.pace.width
        free = width - len(self.running)
        self._heed_allowance()
        if self.fatal is not None or self.terms.stop.drain or free < min(width, width // 4 + 1):
            return []
        fresh: list[Action] = []
        try:
            while (action := self.feed.peek()) is not None:
                room = free + _DELETES_MAX - width if isinstance(action, Delete) else free
                if len(fresh) >= room or not self._may_start(action, fresh):
                    break
                self.feed.take()
                if isinstance(action, Delete) and self.copies_missing:
                    self._end(action, _HELD_BACK)
                    if len(self.unsettled) >= _HELD_BACK_MAX:
                        self._settle([], at_once=True)
                    continue
                self._weigh(action)
                fresh.append(action)
        except Exception as error:
            self.fatal = error
        return fresh

    def _may_start(self, action: Action, fresh: list[Action]) -> bool:
        if isinstance(action, Delete):  # Only once every copy before it has ended.
            return all(isinstance(other, Delete) for other in (*self.running, *fresh))
        if self._is_too_much(action):
            why = f"the next object would go beyond {show_size(self._size_allowed)}"
            self._stop(why, may_finish=True)
            return False
        return not self.weight or self.weight + self.engine.weight(action) <= self.terms.memory

    def _weigh(self, action: Action) -> None:
        self.weights[action] = weight = self.engine.weight(action)
        self.weight += weight
        self.size_begun += _size_of(action)

    @property
    def _size_allowed(self) -> float:
        size = self.terms.allowance.size
        return inf if size is None else size

    def _is_too_much(self, action: Action) -> bool:
        return self.size_begun + _size_of(action) > self._size_allowed

    def _heed_allowance(self) -> None:
        seconds = self.terms.allowance.seconds
        if seconds is not None and self.terms.clock.monotonic() - self.began >= seconds:
            self._stop(f"{show_seconds(seconds)} are over")

    def _stop(self, why: str, *, may_finish: bool = False) -> None:
        stop = self.terms.stop
        if not stop.drain:
            stop.drain, stop.why, stop.may_finish = True, why, may_finish

    def _settle(self, fresh: list[Action], *, at_once: bool = False) -> None:
        """Commit intents of what starts and fates of what ended, together."""
        due = bool(self.unsettled) and (
            at_once
            or not self.running
            or len(self.unsettled) >= self.terms.pace.width // 4
            or self.terms.clock.monotonic() - self.unsettled_since >= _SETTLE_SECONDS
        )
        skipped = self.feed.skipped()
        self.tally.skipped += skipped.count
        self.tally.bytes_skipped += skipped.size
        if fresh or due or skipped.count:
            ends, self.unsettled = self.unsettled, []
            self.ledger.record(fresh, ends, skipped)
        now = self.terms.clock.monotonic()
        for action in fresh:
            self.running[action] = now
        self.tally.under_way = running = len(self.running)
        self.terms.pace.adjust(now, is_full=running >= self.terms.pace.width)

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
            self.unsettled_since = self.terms.clock.monotonic()
        self.unsettled.append((action, outcome))
        if outcome.fate is not Fate.DONE and isinstance(action, Copy):
            self.copies_missing = True
        if outcome.fate is Fate.DONE:
            self.tally.done += 1
            self.tally.bytes_done += outcome.size
            self.terms.pace.ended(outcome.size)
            self.streak = 0
        elif outcome.fate is Fate.WAITING:
            self.tally.waiting += 1
        elif outcome.fate is Fate.SKIPPED:
            self.tally.skipped += 1
        else:
            self.tally.failed += 1

    def _failed(self, error: Exception) -> Outcome:
        """The only place where an error becomes a fate."""
        if isinstance(error, Interrupted):
            self.is_cut = True
            return Outcome(Fate.WAITING, cause=error.cause, message=str(error))
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
        now, watcher = self.terms.clock.monotonic(), self.terms.watcher
        if watcher is not None and now - self.watched >= _WATCH_SECONDS:
            self.watched = now
            self.tally.under_way = len(self.running)
            watcher.seen(self.tally, self.running)


def _size_of(action: Action) -> int:
    """Bytes that it moves or reads."""
    if isinstance(action, Copy):
        return action.source.size
    return 0 if isinstance(action, Delete) else action.intent.size


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
    own = Own(engine, drive)
    crew = own if terms.crew is None else terms.crew(own)
    loop = _Loop(engine, ledger, crew, feed, terms, began=terms.clock.monotonic())
    try:
        loop.go()
    finally:
        feed.close()
        crew.close()
    state = _state(loop)
    why = terms.stop.why if state == "interrupted" else ""
    ledger.end(state, _said(loop.fatal) or why)
    if watcher is not None:
        watcher.seen(loop.tally, loop.running)
    if loop.fatal is not None:
        raise loop.fatal
    return Ran(state, loop.tally)


def _said(fatal: Exception | None) -> str:
    """What stopped the run; of a bug only its kind, since its text may hold anything."""
    if isinstance(fatal, BucketlineError) or fatal is None:
        return str(fatal or "")
    return type(fatal).__name__


def _state(loop: _Loop) -> str:
    stop = loop.terms.stop
    if (stop.drain or stop.now) and not loop.is_whole:
        return "interrupted"
    if loop.fatal is not None or loop.tally.failed:
        return "failed"
    return "waiting" if loop.tally.waiting else "complete"
