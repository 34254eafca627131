"""A saved plan is carried out exactly, or not at all once the world has moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bucketline.errors import Refused, Stale
from bucketline.flow.drive import blocking
from bucketline.model import Skip
from bucketline.stores.base import Flow, Receipt
from bucketline.stores.memory import MemoryStore
from bucketline.stores.wrap import Around
from saved_world import World, a_world, carry_out, contents, perform, put, remove
from test_transfer import said


@pytest.fixture
def world(tmp_path: Path) -> World:
    return a_world(tmp_path)


def test_a_plan_does_what_it_says(world: World) -> None:
    engine = world.apply(world.save())

    assert said(list(engine.plan())) == ["a>a", "b>b", "-d"]
    carry_out(engine)
    assert world.held == {"a": b"A", "b": b"BB", "c": b"C"}


def test_what_came_after_it_takes_no_part(world: World) -> None:
    saved = world.save()
    put(world.source, e=b"new", c=b"changed")
    put(world.target, f=b"extra")

    carry_out(world.apply(saved))

    assert world.held == {"a": b"A", "b": b"BB", "c": b"C", "f": b"extra"}


MOVES: dict[str, tuple[Callable[[World], None], str]] = {
    "a source changed": (lambda world: put(world.source, a=b"X"), "a>a"),
    "a source changed its size": (lambda world: put(world.source, b=b"longer"), "b>b"),
    "a source went": (lambda world: remove(world.source, "a"), "a>a"),
    "something came where nothing was": (lambda world: put(world.target, a=b"theirs"), "a>a"),
    "what is replaced changed": (lambda world: put(world.target, b=b"x"), "b>b"),
    "what is replaced went": (lambda world: remove(world.target, "b"), "b>b"),
    "what is deleted changed": (lambda world: put(world.target, d=b"X"), "-d"),
}


@pytest.mark.parametrize("case", MOVES)
def test_once_the_world_moved_nothing_is_done(case: str, world: World) -> None:
    move, action = MOVES[case]
    saved = world.save()
    move(world)
    before = world.held
    engine = world.apply(saved)
    plan = engine.plan()
    step = next(plan)

    assert said([step]) == [action]
    assert not isinstance(step, Skip)
    with pytest.raises(Stale, match="nothing of the plan was done"):
        blocking(engine.perform(step))
    assert list(plan) == []
    with pytest.raises(Refused, match=r"stale plan: 1 of 3 actions no longer fit: . \("):
        engine.check()
    assert world.held == before


@pytest.mark.parametrize("case", MOVES)
def test_the_others_are_done_when_that_is_asked_for(case: str, world: World) -> None:
    move, stale = MOVES[case]
    saved = world.save()
    move(world)
    before = world.held
    engine, refused = world.apply(saved, skip_stale=True), []

    for step in engine.plan():
        assert not isinstance(step, Skip)
        try:
            blocking(engine.perform(step))
        except Stale:
            refused += said([step])

    assert (refused, engine.stale) == ([stale], 1)
    key = stale[-1]
    wanted = {"a": b"A", "b": b"BB", "c": b"C"}
    kept = {key: before[key]} if key in before else {}
    assert world.held == {name: body for name, body in wanted.items() if name != key} | kept


@pytest.mark.parametrize("case", MOVES)
def test_what_moves_after_the_look_is_refused_at_the_deed(case: str, world: World) -> None:
    move, stale = MOVES[case]
    engine = world.apply(world.save())
    steps = [step for step in engine.plan() if not isinstance(step, Skip)]
    move(world)
    before = world.held

    for step in steps:
        if said([step]) == [stale]:
            with pytest.raises(Stale):
                blocking(engine.perform(step))

    assert world.held == before


class Meanwhile(Around):
    """Something happens right before a verb of the store is carried out."""

    def __init__(self, store: MemoryStore, verb: str, act: Callable[[], None]) -> None:
        super().__init__(store)
        self._verb, self._act = verb, act

    def _around(self, verb: str, flow: Flow[Any], call: Any) -> Flow[Any]:
        if verb == self._verb:
            self._verb = ""
            self._act()
        return (yield from flow)


def test_a_stranger_who_comes_at_the_last_moment_is_not_overwritten(world: World) -> None:
    saved = world.save()
    late = Meanwhile(world.target, "write", lambda: put(world.target, a=b"theirs"))
    world_target, world.target = world.target, late  # type: ignore[assignment]

    with pytest.raises(Stale, match="the target holds one by now, where none was"):
        perform(world.apply(saved), "a")

    assert contents(world_target)["a"] == b"theirs"


def test_a_source_that_changes_while_it_is_read_is_not_delivered(world: World) -> None:
    saved = world.save()
    late = Meanwhile(world.source, "read", lambda: put(world.source, a=b"X"))
    world.source = late  # type: ignore[assignment]

    with pytest.raises(Stale, match="the source holds another one now"):
        perform(world.apply(saved), "a")

    assert "a" not in world.held


@pytest.mark.parametrize("verb", ["begin", "finish"])
def test_of_a_big_one_the_target_is_looked_at_before_it_appears(verb: str, world: World) -> None:
    put(world.source, a=b"0123456789")
    saved = world.save()
    late = Meanwhile(world.target, "part", lambda: put(world.target, a=b"theirs"))
    world_target, world.target = world.target, late  # type: ignore[assignment]

    with pytest.raises(Stale):
        perform(world.apply(saved, part_size=4), "a")

    assert contents(world_target)["a"] == b"theirs"


def test_a_big_source_that_changes_between_its_parts_is_not_delivered(world: World) -> None:
    put(world.source, a=bytes(6 << 20))
    saved = world.save()
    late = Meanwhile(world.target, "part", lambda: put(world.source, a=b"x" * (6 << 20)))
    world_target, world.target = world.target, late  # type: ignore[assignment]

    with pytest.raises(Stale, match="the source holds another one now"):
        perform(world.apply(saved, part_size=1 << 20), "a")

    assert "a" not in contents(world_target)


class Damaging(Around):
    """The first write arrives as other bytes."""

    damages = 1

    def _around(self, verb: str, flow: Flow[Any], call: Any) -> Flow[Any]:
        answer: Any = yield from flow
        if verb == "write" and self.damages:
            self.damages -= 1
            yield from self.store.write(call.args[0], b"damaged")
            return Receipt("f" * 32)
        return answer


def test_a_write_that_arrived_damaged_is_made_again_over_our_own(world: World) -> None:
    saved = world.save()
    world_target, world.target = world.target, Damaging(world.target)  # type: ignore[assignment]

    perform(world.apply(saved), "a")

    assert contents(world_target)["a"] == b"A"
