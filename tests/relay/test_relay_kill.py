"""A relay, killed at any moment: started again it loses nothing, and moves nothing twice."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from faults.proxy import FaultProxy
from faults.syncing import Bodies, Pair, manifest, mixed_objects
from faults.test_kill import Killer
from relay.jobs import RelayJob, adds_up, hop

pytestmark = pytest.mark.slow
_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_ALL = _SOAK or bool(os.environ.get("BUCKETLINE_TEST_ALL"))
_ROUNDS = 40 if _SOAK else 6 if _ALL else 2
_KILLS = 3  # A round.
_OBJECTS = 2_000 if _SOAK else 300 if _ALL else 120
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(_OBJECTS, _SEED, multipart=4)


def killed(job: RelayJob, dice: random.Random) -> None:
    """Start it, and kill it at a request of one of its sides; or it ends before."""
    proxy: FaultProxy = dice.choice((job.pair.source_proxy, job.pair.target_proxy))
    killer = Killer(dice)
    proxy.add(killer, nth=dice.randint(1, _OBJECTS), times=1)
    killer.process = job.start()
    job.finish(killer.process)
    proxy.heal()


def sent(proxy: FaultProxy, verb: str, bodies: Bodies) -> set[str]:
    return {seen.key for seen in proxy.seen(verb)} & set(bodies)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_a_killed_relay_goes_on_where_it_was(
    number: int, servers: Pair, bodies: Bodies, tmp_path: Path
) -> None:
    dice = random.Random(f"relay {_SEED} {number}")
    bucket = f"target-{number}"
    servers.make_target(bucket)
    volumes = [tmp_path / name for name in ("one", "two", "three")]
    job = RelayJob(servers, tmp_path / "state", bucket, volumes=volumes)
    for _ in range(_KILLS):
        fetched, delivered = job.proven_by("fetch"), job.proven_by("forward")
        servers.source_proxy.forget()
        servers.target_proxy.forget()
        killed(job, dice)
        assert sent(servers.source_proxy, "GET", bodies) & fetched == set()
        assert sent(servers.target_proxy, "PUT", bodies) & delivered == set()
        assert job.proven_by("forward") <= servers.keys(bucket)
    fetched, delivered = job.proven_by("fetch"), job.proven_by("forward")
    servers.source_proxy.forget()
    servers.target_proxy.forget()

    done = job.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    assert sent(servers.source_proxy, "GET", bodies) & fetched == set()
    assert sent(servers.target_proxy, "PUT", bodies) & delivered == set()
    assert servers.held(bucket) == manifest(bodies)
    assert job.staged_files() == []
    again = job.run()
    assert (again.code, hop(again, "fetch")["done"], hop(again, "forward")["done"]) == (0, 0, 0)
