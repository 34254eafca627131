"""The simulated world: all that happens, one effect after the other; each may be the last.

Effects are verbs of the two places and commits of the ledger. Between two effects nothing durable
changes, so "the world ends before effect N", for each N, is every crash there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from bucketline.clock import FakeClock
from bucketline.errors import Broken, Busy, ServerFault, StoreError
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger
from bucketline.model import Action, Skip
from bucketline.stores.base import Answer, Flow, Piece, Request, Work
from simulation.book import Book
from simulation.laws import Laws
from simulation.notes import Notes
from simulation.place import Deed, Place
from simulation.schedule import Scenario, furnish, longer, new_body
from simulation.things import flipped

_FAULTY_PROCESSES = 3  # Later ones have fair weather, so that calm must come.
_REFUSALS = (Busy, Broken, ServerFault)


class Crash(BaseException):
    """The power is gone. No handler of the product may catch this."""


class World:
    """Two places, a ledger, a clock: what outlives a process."""

    def __init__(self, scenario: Scenario, ledger: Ledger | None = None) -> None:
        self.scenario = scenario
        self.clock = FakeClock()
        self.time = 1_000_000.0
        self.source = Place("source/", scenario.source, self.tick, self.clock.now)
        self.target = Place("target/", scenario.target, self.tick, self.clock.now)
        furnish(scenario.seed, self.source, self.target)
        self.book = Book(self.commit, ledger)
        self.notes = Notes(self.commit, self.clock, ledger)
        self.book.listeners.append(self.notes.done)
        self.laws = Laws(self.source, self.target, self.book, self.notes)
        self.sort = (False, False)  # Which listings were found to come without order.
        self.process = -1
        self._flips = 0
        self.events: Counter[str] = Counter()
        self.begin_process(None)

    def begin_process(self, crash_before: int | None) -> None:
        """A new process, which ends before its effect number `crash_before`, if it gets so far."""
        self.process += 1
        self.effects = 0
        self.crash_before = crash_before
        self.in_flight: list[Work] = []
        self.dice = Random(f"weather {self.scenario.seed} {self.process}")
        self.book.begin()
        self.notes.begin()
        self.laws.begin(is_fair=self._is_fair)

    @property
    def _is_fair(self) -> bool:
        asked = self.scenario
        calm = self.process >= _FAULTY_PROCESSES
        return calm or not (asked.fault_rate or asked.change_rate)

    def tick(self) -> float:
        """The servers' time. Each thing that happens there takes some."""
        self.time += 10.0
        return self.time

    def commit(self, name: str) -> None:
        """Called by the ledger before a commit."""
        self._count_effect()

    def perform(self, work: Work) -> tuple[Any, Exception | None]:
        """One verb, in whatever weather: its value or its error."""
        deed = work.call
        if not isinstance(deed, Deed):  # Hashing: nobody outside the process can see it.
            return work.call(), None
        self._count_effect()
        self._change_source(deed)
        try:
            return self._weathered(deed), None
        except StoreError as error:
            return None, error

    def vandalise(self) -> None:
        """Between two runs a stranger deletes and overwrites at the target."""
        dice = Random(f"vandal {self.scenario.seed} {self.process}")
        if self.process >= _FAULTY_PROCESSES or dice.random() >= self.scenario.vandal_rate:
            return
        self.events["vandal"] += 1
        key = dice.choice(sorted(self.target.things) or ["stranger"])
        if dice.random() < 0.3:
            self.target.begin_strangely(key)
        elif dice.random() < 0.5:
            self.target.things.pop(key, None)
        else:
            self.target.put(key, self._strange_body(dice, key))

    def _strange_body(self, dice: Random, key: str) -> bytes:
        """Other bytes. Of the same size only where the ledger knows what was there before."""
        thing = self.target.things.get(key)
        old = thing.body if thing else b""
        known = self.book.proven(key)
        told = thing and known and known.target_etag == thing.etag
        source = self.source.things.get(key)
        return new_body(dice, old) if told else longer(dice, old, source.body if source else b"")

    def _count_effect(self) -> None:
        if self.effects == self.crash_before:
            self.events["crash"] += 1
            self._land_in_flight()
            raise Crash
        self.effects += 1

    def _land_in_flight(self) -> None:
        """What had been sent when the process died arrives at the server, or does not."""
        dice = Random(f"landing {self.scenario.seed} {self.process} {self.effects}")
        for work in self.in_flight:
            if dice.random() < 0.5 and isinstance(work.call, Deed) and work.call.is_effectful:
                try:
                    self.laws.before(work.call)
                    work.call()
                    self.events["landed after a crash"] += 1
                except StoreError:
                    continue

    def _weathered(self, deed: Deed) -> Any:
        rate = self.scenario.fault_rate if self.process < _FAULTY_PROCESSES else 0.0
        kind = self.dice.choice(("refuse", "lose", "damage")) if self.dice.random() < rate else ""
        self.events.update([deed.verb, *([kind] if kind else [])])
        if kind == "refuse":
            raise self.dice.choice(_REFUSALS)("not now", store=deed.place.name, key=deed.key)
        if kind == "damage" and deed.verb in {"write", "part"}:
            self._flips += 1
            deed = deed.damaged(self._flips)
        self.laws.before(deed)
        value = deed()
        self.laws.after(deed, value, is_answer_lost=kind == "lose")
        if kind == "lose":
            raise Broken("the answer was lost", store=deed.place.name, key=deed.key)
        if kind == "damage" and isinstance(value, Piece):
            return value._replace(body=self._damaged(deed, value.body))
        return value

    def _damaged(self, deed: Deed, body: bytes) -> bytes:
        """Cut short, or with a bit flipped, on the way down.

        A flip in a source's bytes is only fair where its etag could tell.
        """
        tells = deed.place.habits.etags == "md5"
        if self.dice.random() < 0.5 or (deed.place is self.source and not tells):
            return body[:-1]
        self._flips += 1
        return flipped(body, self._flips)

    def _change_source(self, deed: Deed) -> None:
        """The source's owner works on, in the middle of a run."""
        if self.process >= _FAULTY_PROCESSES or self.dice.random() >= self.scenario.change_rate:
            return
        key = self.dice.choice((deed.key, *sorted(self.source.things)))
        if key in self.source.things:
            self.laws.is_disturbed = True
            self.events["change"] += 1
            self.source.put(key, new_body(self.dice, self.source.things[key].body))


class Workers:
    """Performs works one at a time, in an order that the seed decides."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.waiting: list[tuple[Work, Any]] = []

    def submit(self, works: list[tuple[Work, Any]]) -> None:
        self.waiting += works
        self._world.in_flight += [work for work, _ in works]

    def finished(self) -> Iterable[tuple[Any, Any, Exception | None]]:
        number = self._world.dice.randrange(len(self.waiting))
        work, ticket = self.waiting.pop(number)
        self._world.in_flight.remove(work)
        return [(ticket, *self._world.perform(work))]

    def close(self) -> None: ...


class NoNetwork:
    """A carrier for flows that send no requests; waiting lets the clock pass."""

    def __init__(self, world: World, workers: Workers) -> None:
        self._world = world
        self._workers = workers

    def start(self, request: Request, ticket: Any) -> None:
        raise AssertionError("there is no network here")

    def poll(self, timeout_seconds: float) -> Iterator[tuple[Any, Answer | StoreError]]:
        if not self._workers.waiting:
            self._world.clock.sleep(timeout_seconds)
        return iter(())

    def wake(self) -> None: ...

    def close(self) -> None: ...


class SimulatedDrive(Drive):
    """The real kernel, over a simulated world."""

    def __init__(self, world: World) -> None:
        workers = Workers(world)
        super().__init__(NoNetwork(world, workers), workers, world.clock)
        self._world = world

    @contextmanager
    def apart(self) -> Iterator[Drive]:
        yield SimulatedDrive(self._world)

    def call(self, flow: Flow[Any]) -> Any:
        drive = SimulatedDrive(self._world)
        drive.start(flow, None)
        while not (ends := drive.step(60.0)):
            pass
        if ends[0].error is not None:
            raise ends[0].error
        return ends[0].value


def watched(plan: Iterable[Action | Skip], laws: Laws) -> Iterator[Action | Skip]:
    """The same plan, and the laws see it."""
    for step in plan:
        laws.planned(step)
        yield step
