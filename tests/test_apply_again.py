"""A plan that was cut off goes on: what is done is recognised, what is in doubt is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bucketline.errors import Refused, Unholdable
from bucketline.flow.drive import blocking
from bucketline.flow.ledger.applied import Applied
from bucketline.flow.plans import SavedPlan, write_plan
from bucketline.model import Copy, Entry
from bucketline.stores.base import Flow, Piece, Receipt
from bucketline.stores.wrap import Around
from contracts.hostile import HOSTILE
from saved_world import (
    HEAD,
    World,
    a_world,
    carry_out,
    looked_through,
    nothing_more,
    perform,
    put,
    remove,
)
from test_transfer import said


@pytest.fixture
def world(tmp_path: Path) -> World:
    return a_world(tmp_path)


def proven(world: World, key: str) -> Applied:
    source, target = (blocking(store.stat(key)).entry.pin for store in (world.source, world.target))
    return Applied(True, size=len(world.held[key]), source_pin=source, target_pin=target)


def test_what_this_plan_has_done_is_not_done_again(world: World) -> None:
    saved = world.save()
    for key in "ab":
        perform(world.apply(saved), key)
        world.done[key] = proven(world, key)
    put(world.source, a=b"changed since")

    assert said(list(world.apply(saved).plan())) == ["-d", "=2"]


def test_what_is_there_already_is_not_done_again_either(world: World) -> None:
    saved = world.save()
    put(world.target, a=b"A")
    remove(world.target, "d")

    assert said(list(world.apply(saved).plan())) == ["b>b", "=2"]


def test_what_was_done_and_then_changed_is_stale(world: World) -> None:
    saved = world.save()
    perform(world.apply(saved), "a")
    world.done["a"] = proven(world, "a")
    put(world.target, a=b"theirs")

    with pytest.raises(Refused, match=r"a \(the target holds another one now\)"):
        looked_through(world.apply(saved))


def test_a_deleted_one_that_came_again_is_left_alone(world: World) -> None:
    saved = world.save()
    carry_out(world.apply(saved))
    world.done["d"] = Applied(True, is_delete=True)
    put(world.target, d=b"D")

    assert said(list(world.apply(saved).plan())) == ["=3"]


class Opaque(Around):
    """A store whose etags are no MD5s, as where objects are encrypted."""

    def _around(self, verb: str, flow: Flow[Any], call: Any) -> Flow[Any]:
        if pin := call.keywords.get("etag"):
            call.keywords["etag"] = pin.removeprefix("opaque-")
            flow = call()
        answer: Any = yield from flow
        if isinstance(answer, Receipt):
            return replace(answer, etag=f"opaque-{answer.etag}")
        found = answer.found if isinstance(answer, Piece) else answer
        if hasattr(found, "entry"):
            entry = found.entry._replace(etag=f"opaque-{found.entry.etag}")
            found = replace(found, entry=entry, checksums={})
            return answer._replace(found=found) if isinstance(answer, Piece) else found
        return answer


@pytest.mark.parametrize(("body", "expected"), [(b"A", ["b>b", "-d", "=1"]), (b"X", None)])
def test_what_a_crash_left_in_doubt_is_settled_by_its_bytes(
    body: bytes, expected: list[str] | None, world: World
) -> None:
    saved = world.save()
    put(world.target, a=body)
    world.done["a"] = Applied(is_done=False)
    engine = world.apply(saved)
    engine._target = _Half(world.target)

    if expected is None:
        with pytest.raises(Refused, match="stale plan: 1 of 3"):
            looked_through(engine)
    else:
        assert said(list(engine.plan())) == expected


class _Half(Opaque):
    """Only of `a`, so that the rest of the plan still fits."""

    def _around(self, verb: str, flow: Flow[Any], call: Any) -> Flow[Any]:
        if call.args[:1] != ("a",):
            return (yield from flow)
        return (yield from super()._around(verb, flow, call))


def test_without_a_memory_of_ours_other_etags_are_a_stranger(world: World) -> None:
    saved = world.save()
    put(world.target, a=b"A")
    engine = world.apply(saved)
    engine._target = _Half(world.target)

    with pytest.raises(Refused, match="stale plan: 1 of 3"):
        looked_through(engine)


def test_what_no_key_can_stand_for_fails_as_it_would_in_a_sync(world: World) -> None:
    bad = Copy(Entry("\\xff", 0), "\\xff", reason="refused", refused="not UTF-8")
    write_plan(world.path, HEAD, [bad], nothing_more)
    engine = world.apply(SavedPlan.open(world.path))

    with pytest.raises(Unholdable, match="not UTF-8"):
        blocking(engine.perform(next(iter(engine.plan()))))  # type: ignore[arg-type]


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_keys_are_carried_out(case: str, tmp_path: Path) -> None:
    world = World(tmp_path / "plan")
    for key in HOSTILE[case]:
        blocking(world.source.write(key, key.encode()))
        blocking(world.target.write(f"+{key}"[:200], b"x"))

    carry_out(world.apply(world.save()))

    assert world.held == {key: key.encode() for key in HOSTILE[case]}


def test_a_plan_of_many_is_looked_at_in_bounded_batches(tmp_path: Path) -> None:
    world = World(tmp_path / "plan")
    keys = [f"k{number:04}" for number in range(1_234)]
    for key in keys:
        blocking(world.source.write(key, b"x"))
    asked: list[int] = []

    def memory(batch: Sequence[str]) -> Mapping[str, Applied]:
        asked.append(len(batch))
        return {}

    engine = world.apply(world.save())
    engine._memory = memory

    assert [step.key for step in engine.plan() if isinstance(step, Copy)] == keys
    assert asked == [500, 500, 234]
