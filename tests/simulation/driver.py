"""One seed, processes that may crash, until calm: the real loop, mover, engine and kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.errors import BucketlineError
from bucketline.flow.compare.pairs import Mode
from bucketline.flow.compare.sides import Look, Side
from bucketline.flow.ledger import Ledger
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.move.leftovers import clear_uploads
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Ran, Terms
from bucketline.model import Action, Outcome, Skip, Tally
from bucketline.stores.base import Flow
from bucketline.stores.wrap import Retrying
from simulation.laws import Laws, Violation
from simulation.place import PART_SIZE
from simulation.schedule import Scenario, scenario
from simulation.world import Crash, SimulatedDrive, World, watched

_PROCESSES_MAX = 12  # Far more than the bad weather lasts.
_DOUBLES = 0.25  # So many of the single crashes are followed by a second one.
_SECOND_CRASH_MAX = 40  # It comes before this effect.


class _Seen:
    """Remembers the last tally, which a run that raises does not return."""

    tally = Tally()

    def seen(self, tally: Tally, running: dict[Action, float]) -> None:
        self.tally = tally


class _Watched:
    """An engine whose plan is seen by the laws."""

    def __init__(self, engine: Transfer, laws: Laws) -> None:
        self._engine = engine
        self._laws = laws

    def plan(self) -> Iterator[Action | Skip]:
        return watched(self._engine.plan(), self._laws)

    def weight(self, action: Action) -> int:
        return self._engine.weight(action)

    def perform(self, action: Action) -> Flow[Outcome]:
        return self._engine.perform(action)


@dataclass(frozen=True, slots=True)
class Story:
    """What became of one seed."""

    effects: list[int]  # Of each process.
    events: Counter[str]


def simulate(seed: int, crashes: tuple[int, ...] = (), *, ledger: Ledger | None = None) -> Story:
    """Run `seed` until calm; process i ends before its effect number crashes[i].

    Raises `Violation`, naming the replay. With `ledger`, that one keeps the books as well.
    """
    world = World(scenario(seed), ledger)
    counts: list[int] = []
    try:
        _until_calm(world, crashes, counts)
    except Exception as error:
        name = ":".join([str(seed), ",".join(map(str, crashes))])
        raise Violation(f"{error}\nreplay: BUCKETLINE_REPLAY={name} ./test simulation") from error
    return Story(counts, world.events)


def every_crash(seed: int) -> Iterator[tuple[int, ...]]:
    """No crash, each single one, and some double ones."""
    yield ()
    effects = simulate(seed).effects[0]
    dice = Random(f"crashes {seed}")
    for point in range(effects):
        yield (point,)
        if dice.random() < _DOUBLES:
            yield (point, dice.randrange(_SECOND_CRASH_MAX))


def _until_calm(world: World, crashes: tuple[int, ...], counts: list[int]) -> None:
    for number in range(_PROCESSES_MAX):
        world.begin_process(crashes[number] if number < len(crashes) else None)
        ran = _process(world)
        counts.append(world.effects)
        if ran is not None and ran.state == "complete":
            if not world.laws.is_disturbed:
                world.laws.after_complete(delete_extra=world.scenario.delete_extra)
            is_calm = not ran.tally.done and not world.notes.uploads
            if is_calm and not world.laws.is_disturbed and number >= len(crashes):
                world.laws.after_all()
                return
        world.vandalise()
    raise Violation(f"no calm after {_PROCESSES_MAX} runs")


def _process(world: World) -> Ran | None:
    """One process, from its start to its end or its crash."""
    laws, watcher, ran = world.laws, _Seen(), None
    drive = SimulatedDrive(world)
    engine = _transfer(world, drive)
    try:
        terms = Terms(
            world.clock, pace=Steady(world.scenario.width), watcher=watcher, plans_ahead=False
        )
        ran = run(_Watched(engine, laws), world.book, drive, terms)
        left = world.notes.left
        drive.call(clear_uploads(left, engine._sides.target.store, world.notes))
    except Crash:
        return None
    except BucketlineError:
        pass  # The run says why it stopped; the laws look whether that is true.
    laws.after_run(ran, watcher.tally)
    world.sort = (engine._sides.source.sort, engine._sides.target.sort)
    return ran


def _transfer(world: World, drive: SimulatedDrive) -> Transfer:
    asked: Scenario = world.scenario
    if asked.mode is Mode.CHECKSUM or asked.source.is_liar or asked.target.is_liar:
        world.laws.may_send_again = True
    policy = TransferPolicy(
        look=Look(mode=asked.mode, ahead=False),
        delete_extra=asked.delete_extra,
        move=MovePolicy(part_size=PART_SIZE, parts_at_once=asked.parts_at_once, hints=world.notes),
    )
    stores: list[Any] = [world.source, world.target]
    if asked.retries:
        stores = [Retrying(store, chance=world.dice.random) for store in stores]
    source, target = map(Side, stores, ("", ""), world.sort)
    return Transfer(source, target, policy, drive, world.book.known)
