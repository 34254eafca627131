"""What a reclaim counts as a live object, as a first delete, and as written down."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bucketline.engines.ring import deeds, gates
from bucketline.engines.ring.deeds import Line
from bucketline.engines.ring.plan import make
from bucketline.engines.ring.reclaim import Manner, reclaim
from bucketline.engines.ring.site import begin
from bucketline.errors import DiskError
from ring.making import Stored
from ring.reclaims import LATER, MANY, looked_twice, terms
from ring.services import Services, serve
from ring.sites import look, opened
from ring.world import World


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 40)) as found:
        yield found


@pytest.mark.slow
def test_what_was_skipped_is_none_of_the_first_deletes(services: Services, tmp_path: Path) -> None:
    looked_twice(services, tmp_path)
    with opened(services, tmp_path, now=LATER) as found:
        plan = make(found).plan
        for one in plan.items[:4]:
            services.world.stored[one.main].mtime += 1
        manner = Manner(canary=3, terms=terms(found))
        waiting = len(plan.items) - 7
        assert reclaim(found, plan, manner) == {"skipped": 4, "done": 3, "waiting": waiting}


@pytest.mark.parametrize("is_told", [True, False])
def test_what_somebody_has_deleted_since_is_no_live_object(
    is_told: bool, services: Services, tmp_path: Path
) -> None:
    """Only when the journals tell so; else it is lost."""
    with opened(services, tmp_path) as found:
        look(found)
        world = services.world
        name, value = next(
            (name, one)
            for name, one in sorted(world.buckets["one"].items())
            if name.startswith("path/") and "\0" not in name and one["location"]
        )
        world.buckets["one"].pop(name)
        keys = {part["key"] for part in value["location"]}
        world.stored = {m: one for m, one in world.stored.items() if one.input_key not in keys}
        if is_told:
            world.wrote("one", name)
        why = gates.sampled(found, 1000)
        assert bool(why) is not is_told
        assert is_told or "live objects are not there" in why


@pytest.mark.parametrize("value", [{}, {"content-length": 5, "location": None}])
def test_what_may_belong_to_an_object_that_says_too_little_is_in_no_plan(
    value: Any, tmp_path: Path
) -> None:
    with serve(World(7, 4)) as services:
        services.world.buckets["one"]["vague"] = value
        looked_twice(services, tmp_path)
        with opened(services, tmp_path, now=LATER) as found:
            made = make(found)
            theirs = {one.input_key[16:30] for one in made.plan.items}
            assert theirs == {services.world.input_key("gone")[16:30]}
            assert made.withheld > 0


class Elsewhere(Stored):
    """Its copies lie by another rule than those that are known."""

    @property
    def rows(self) -> list[str]:
        return [f"{self.main},{self.main},g1disk1,0"]


def test_what_lies_where_nobody_knows_is_in_no_plan(tmp_path: Path) -> None:
    with serve(World(7, 4)) as services:
        world = services.world
        one = world.keep(world.input_key("one"))
        main = f"{one.main[:38]}90"
        del world.stored[one.main]
        world.stored[main] = Elsewhere(main, one.input_key)
        looked_twice(services, tmp_path)
        with opened(services, tmp_path, now=LATER) as found:
            plan = make(found).plan
            assert main not in {one.main for one in plan.items}
            assert plan.bytes > 0


def test_the_gate_says_once_why_a_run_is_partial(tmp_path: Path) -> None:
    with serve(World(7, 4)) as services:
        services.world.pruned = 10_000
        services.before["zwei-ü"] = lambda: services.world.wrote("one", "some")
        looked_twice(services, tmp_path)
        with opened(services, tmp_path, now=LATER) as found:
            (why,) = [gate.why for gate in gates.examine(found, MANY) if gate.name == "complete"]
            assert why.startswith("export: session 1: its journal")
            assert why.count("session 1") == 1


def test_a_run_that_does_not_tell_of_itself_is_told(services: Services, tmp_path: Path) -> None:
    with opened(services, tmp_path) as found:
        (found.folder / "run.json").write_text("{")
        with pytest.raises(DiskError, match="when the run began"):
            look(found)
        (tmp_path / "file").touch()
        with pytest.raises(DiskError, match="cannot be made"):
            begin(replace(found.ring, path=tmp_path / "file"), found.clock)


def written_over_a_limit(path: Path, line: Line) -> None:
    """A limit of the process stands for a full disk: what is over it is not written."""
    with deeds.opened(path) as book:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
        try:
            book.write([line])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_a_full_disk_does_not_take_is_told_and_not_in_the_book(tmp_path: Path) -> None:
    path = tmp_path / "book.deeds"
    with deeds.opened(path) as book:
        book.write([{"event": deeds.SKIPPED, "main": "A"}])
    with pytest.raises(DiskError, match="cannot be written"):
        written_over_a_limit(path, {"event": deeds.INTENT, "main": "B", "why": "x" * 100})
    with deeds.opened(path) as book:
        assert [line["main"] for line in book.lines] == ["A"]
