"""On what terms a run goes, and what the loop asks of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bucketline.clock import Clock
from bucketline.flow.drive import Ended
from bucketline.flow.move.proof import MEMORY
from bucketline.flow.run.pace import Pace, Steady
from bucketline.model import Action, Outcome, Skip, Tally
from bucketline.stores.base import Flow


class Engine(Protocol):
    """What every part of the product is: a plan, and a way to do one step of it."""

    def plan(self) -> Iterator[Action | Skip]:
        """Look at the world and say what is left to do. Changes nothing."""

    def perform(self, action: Action) -> Flow[Outcome]:
        """Do one step. Idempotent: after a crash it is planned and done again."""

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""


class Crew(Protocol):
    """Performs steps; each ends in a later `step`, under its action."""

    @property
    def busy(self) -> int:
        """Steps under way."""

    def start(self, action: Action) -> None: ...
    def step(self, timeout_seconds: float) -> list[Ended]: ...
    def close(self) -> None: ...


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


class Stop:
    """Somebody's wish to end: `drain` what is under way, or end `now`. Set by a signal handler.

    One that has a parent also ends when that does; what is wished of it alone stays with it.
    """

    __slots__ = ("_drain", "_now", "_parent", "may_finish", "why")

    def __init__(self, parent: Stop | None = None) -> None:
        self._parent = parent
        self._drain = self._now = False
        self.why = ""  # Where it was no person's: which limit is reached.
        self.may_finish = False  # What was begun is within that limit, however large it is.

    @property
    def drain(self) -> bool:
        return self._drain or (self._parent is not None and self._parent.drain)

    @drain.setter
    def drain(self, wish: bool) -> None:
        self._drain = wish

    @property
    def now(self) -> bool:
        return self._now or (self._parent is not None and self._parent.now)

    @now.setter
    def now(self, wish: bool) -> None:
        self._now = wish

    @property
    def cuts(self) -> bool:
        """Whether even an object that is under way ends where that loses nothing."""
        return self.drain and not self.may_finish


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a run may do: then it ends as if somebody had asked for it. None = no limit."""

    seconds: float | None = None
    size: int | None = None  # Bytes of the copies that it begins.

    def after(self, seconds: float, size: int) -> Allowance:
        """What is left of it once so much is spent."""
        return Allowance(
            None if self.seconds is None else max(0.0, self.seconds - seconds),
            None if self.size is None else max(0, self.size - size),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a run goes."""

    clock: Clock
    stop: Stop = field(default_factory=Stop)
    pace: Pace = field(default_factory=Steady)
    watcher: Watcher | None = None
    plans_ahead: bool = True  # In a thread; without it, one thread makes one order.
    memory: int = MEMORY  # What actions in flight weigh together; one that weighs more goes alone.
    allowance: Allowance = Allowance()
    crew: Callable[[Crew], Crew] | None = None  # Who performs; None = this process alone.


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: complete, failed, waiting or interrupted."""

    state: str
    tally: Tally
