"""Nothing that lives is ever deleted; each gate shuts; what was deleted comes back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial as partial_of
from pathlib import Path

import pytest

from bucketline.engines.ring import gates
from bucketline.engines.ring.plan import Plan, load, make
from bucketline.engines.ring.reclaim import Manner, reclaim
from bucketline.engines.ring.site import Site
from bucketline.engines.ring.undelete import undelete
from bucketline.errors import BucketlineError, Refused
from ring.making import NOW
from ring.reclaims import DAY, LATER, MANY, looked_twice, terms
from ring.services import Services, serve
from ring.sites import look, opened
from ring.world import World


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 40)) as found:
        yield found


def dead(services: Services) -> set[str]:
    world = services.world
    keys = {key for kind, key, _ in world.truth if kind in {"ORPHAN", "ORPHAN_CHILD"}}
    return {one.main for one in world.stored.values() if one.input_key in keys}


def test_a_plan_is_what_is_dead(services: Services, tmp_path: Path) -> None:
    looked_twice(services, tmp_path)
    with opened(services, tmp_path, now=LATER) as found:
        plan, path, _ = make(found)

        assert {one.main for one in plan.items} == dead(services)
        assert load(found, plan.sha256) == plan
        assert path.name == f"{plan.sha256}.jsonl"
        assert services.buried == []


def test_what_was_reclaimed_comes_back(services: Services, tmp_path: Path) -> None:
    looked_twice(services, tmp_path)
    before = services.world.hash
    with opened(services, tmp_path, now=LATER) as found:
        plan = make(found).plan
        told = reclaim(found, plan, Manner(terms=terms(found)))

        assert told == {"done": len(plan.items)}
        assert set(services.buried) == dead(services)
        assert services.world.hash != before
        assert undelete(found, plan.sha256) == {"done": len(plan.items)}
        assert services.world.hash == before
        told = reclaim(found, plan, Manner(terms=terms(found)))
        assert told == {"skipped": len(plan.items)}
        assert services.world.hash == before


@pytest.mark.slow
def test_a_plan_expires_and_belongs_to_its_run(services: Services, tmp_path: Path) -> None:
    looked_twice(services, tmp_path)
    with opened(services, tmp_path, now=LATER) as found:
        plan, path, _ = make(found)
    with (
        opened(services, tmp_path, now=LATER + DAY) as found,
        pytest.raises(Refused, match="expired"),
    ):
        load(found, plan.sha256)
    with opened(services, tmp_path, now=LATER + 1, is_new=True) as found:
        with pytest.raises(Refused, match="newer run"):
            load(found, plan.sha256)
        with pytest.raises(Refused, match="no plan has this hash"):
            load(found, "../x")
        path.write_bytes(path.read_bytes().replace(b"ORPHAN", b"ORPHAM", 1))
        with pytest.raises(Refused, match="not the plan"):
            load(found, plan.sha256)


def touched(services: Services, main: str) -> None:
    services.world.stored[main].mtime += 1


def named(services: Services, main: str) -> None:
    one = services.world.stored[main]
    services.world.name("one", "came/back", [one.input_key])


@pytest.mark.slow
@pytest.mark.parametrize(("change", "why"), [(touched, "changed"), (named, "referred to lately")])
def test_a_key_is_looked_at_again_right_before(
    change: Callable[[Services, str], None], why: str, services: Services, tmp_path: Path
) -> None:
    looked_twice(services, tmp_path)
    with opened(services, tmp_path, now=LATER) as found:
        plan = make(found).plan
        main = plan.items[3].main
        change(services, main)
        told = reclaim(found, plan, Manner(terms=terms(found)))

        assert main not in services.buried
        assert told["skipped"] >= 1
        assert told.total() == len(plan.items)
        book = next((tmp_path / "R" / "plans").glob("*.deeds")).read_text()
        assert why in book


@pytest.mark.slow
def test_the_first_deletes_are_few_and_the_rest_come_a_good_while_later(
    services: Services, tmp_path: Path
) -> None:
    looked_twice(services, tmp_path)
    manner = Manner(canary=5)
    with opened(services, tmp_path, now=LATER) as found:
        plan = make(found).plan
        manner = manner._replace(terms=terms(found))
        assert reclaim(found, plan, manner) == {"done": 5, "waiting": len(plan.items) - 5}
        assert reclaim(found, plan, manner)["done"] == 5
        found.clock.sleep(900)
        services.now += 900
        assert reclaim(found, plan, manner) == {"done": len(plan.items)}


@pytest.mark.slow
def test_deletes_that_fail_stop_everything(services: Services, tmp_path: Path) -> None:
    looked_twice(services, tmp_path)
    services.faults = {"chord": 1.0}
    with opened(services, tmp_path, now=LATER) as found:
        plan = make(found).plan
        with pytest.raises(Refused, match="too many deletes failed"):
            reclaim(found, plan, Manner(canary=30, terms=terms(found)))
        services.faults = {}
        told = reclaim(found, plan, Manner(canary=30, terms=terms(found)))

        assert told["failed"] == 0


def partial(found: Site, services: Services) -> None:
    manifest = found.folder / "export" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"why_partial": ""', '"why_partial": "x"'))


def pruned(_: Site, services: Services) -> None:
    services.world.wrote("one", "some")
    services.world.pruned = 10_000


def unresolved(found: Site, _: Services) -> None:
    (found.folder / "orphans" / "manifest.json").unlink()
    dataset = found.dataset("orphans")
    with dataset.piece("more") as rows:
        rows.add(("UNRESOLVED", "", "", "", "", "", 0, ""))
    dataset.seal(notes={"ended": LATER})


def alone(found: Site, _: Services) -> None:
    earlier = gates.earlier(found)
    (earlier.folder / "run.json").unlink()


def upload_old(found: Site, services: Services) -> None:
    """What is under way for longer than the two runs are apart could have become an object."""
    (found.folder / "digest" / "manifest.json").unlink()
    with found.dataset("digest").piece("more") as rows:
        rows.add(("mpu_part", "one", "", "", "u", "", 0, NOW, "", "", ""))
    found.dataset("digest").seal()


def node_lost(_: Site, services: Services) -> None:
    services.nodes -= 1


def clock_off(_: Site, services: Services) -> None:
    services.now += 3600


def unreadable(_: Site, services: Services) -> None:
    services.faults = {"arc": 1.0}


def aged(found: Site, _: Services) -> None:
    found.clock.sleep(2 * DAY)


def nothing(_: Site, services: Services) -> None:
    """The share alone: it is large, and nobody has allowed it."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shut", "name"),
    [
        (partial, "complete"),
        (pruned, "journal"),
        (unresolved, "resolved"),
        (alone, "runs"),
        (upload_old, "runs"),
        (node_lost, "ring"),
        (clock_off, "clock"),
        (unreadable, "sample"),
        (aged, "fresh"),
        (nothing, "share"),
    ],
)
def test_every_gate_shuts(
    shut: Callable[[Site, Services], None], name: str, services: Services, tmp_path: Path
) -> None:
    looked_twice(services, tmp_path)
    with opened(services, tmp_path, now=LATER) as found:
        plan = make(found).plan
        allowed = MANY if shut is nothing else terms(found)
        assert shut is nothing or not [g for g in gates.examine(found, allowed) if g.why]
        shut(found, services)

        assert name in {gate.name for gate in gates.examine(found, allowed) if gate.why}
        with pytest.raises(Refused, match=name):
            reclaim(found, plan, Manner(terms=allowed))
        assert services.buried == []


SEEDS = range(1000 if os.environ.get("BUCKETLINE_SOAK") else 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_live_key_is_ever_in_a_plan(seed: int, tmp_path: Path) -> None:
    plan = planned_under_faults(seed, tmp_path)

    assert plan is None or plan.items


def planned_under_faults(seed: int, folder: Path) -> Plan | None:
    """Two runs while services fail and objects move; each run is begun again until it ends."""
    with serve(World(seed, 12)) as services:
        world = services.world
        chance = world.random
        services.random.seed(seed)
        for now in (NOW, LATER):
            services.now = now
            world.uploads_begin(now - DAY)
            routes = ["listkeys", "default", "_", "arc", "arcdata", "do"]
            services.faults = {one: chance.choice([0, 0, 0.02, 0.3]) for one in routes}
            names = sorted(key for key in world.buckets["zwei-ü"] if "\0" not in key)
            for name in names[:2]:
                two = (("zwei-ü", name), ("one", f"a/{name}"))
                services.before["zwei-ü"] = partial_of(world.move, *two)
            for attempt in range(30):
                try:
                    with opened(services, folder, now=now, is_new=not attempt) as found:
                        look(found)
                    break
                except BucketlineError:
                    continue
        services.faults = {}
        with opened(services, folder, now=LATER) as found:
            try:
                plan = make(found).plan
            except BucketlineError:
                return None
            assert not {one.main for one in plan.items} & world.live
            return plan
