"""A relay at full size: 2,000 objects up to 64 MiB, about 1 GiB, three volumes.

Killed more than a hundred times, and through volumes that hold a sixth of it. Only by
`./test soak`; BUCKETLINE_KILL_SEED chooses other sizes and moments.
"""

from __future__ import annotations

import math
import os
import random
from contextlib import ExitStack
from pathlib import Path

import pytest

import disks
from faults.proxy import FaultProxy
from faults.syncing import MIB, Bodies, Pair, manifest
from faults.test_kill import Killer
from relay.jobs import RelayJob, adds_up, hop
from relay.test_relay_disks import Gauge

pytestmark = [
    pytest.mark.skipif(not os.environ.get("BUCKETLINE_SOAK"), reason="moves many GiB"),
    pytest.mark.timeout(3600),
]
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))
_OBJECTS, _BIGGEST, _TOTAL = 2_000, 64 * MIB, 1_100 * MIB
_ROUNDS, _KILLS = 11, 10
_LIFE = 250  # Requests of one side, at most, before it is killed.
_IN_FLIGHT = 64 * MIB  # Of a hop: what it holds in memory, at most.
_ODD = ("sp ace", "plus+", "é/😀", "100%25", "q?a=b&c", "semi;colon", "quo'te\"", "~tilde", "a=b")


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    """Sizes are log-uniform, until there is enough of them; the rest are log-uniform to 4 KiB."""
    dice = random.Random(_SEED)
    pool = dice.randbytes(_BIGGEST + MIB)
    keys = [*_ODD, *(f"folder-{n % 9}/object-{n:05}" for n in range(_OBJECTS - len(_ODD)))]
    dice.shuffle(keys)
    bodies, left = {}, _TOTAL
    for number, key in enumerate(keys):
        most = _BIGGEST if left > 0 else 4_096
        size = 0 if number % 100 == 0 else int(math.exp(dice.uniform(0.0, math.log(most))))
        start = dice.randrange(MIB)
        bodies[key] = pool[start : start + size]
        left -= size
    return bodies


def received(proxy: FaultProxy, bodies: Bodies) -> int:
    """Bytes of bodies that were given out."""
    return sum(seen.answer_bytes for seen in proxy.seen("GET") if seen.key in bodies)


def killed(job: RelayJob, dice: random.Random) -> bool:
    """Start it, and kill it at a request of one of its sides; False = it ended before."""
    proxy = dice.choice((job.pair.source_proxy, job.pair.target_proxy))
    killer = Killer(dice)
    proxy.add(killer, nth=dice.randint(2, _LIFE), times=1)
    killer.process = job.start()
    ended = job.finish(killer.process)
    proxy.heal()
    return ended.code < 0


@pytest.mark.parametrize("number", range(_ROUNDS))
def test_ten_kills_cost_what_was_in_flight(
    number: int,
    servers: Pair,
    bodies: Bodies,
    tmp_path: Path,
) -> None:
    dice = random.Random(f"full {_SEED} {number}")
    servers.make_target(f"full-{number}")
    volumes = [tmp_path / name for name in ("one", "two", "three")]
    job = RelayJob(servers, tmp_path / "state", f"full-{number}", volumes=volumes)
    for proxy in (servers.source_proxy, servers.target_proxy):
        proxy.forget()
    kills = 0
    for _ in range(_KILLS):
        kills += killed(job, dice)
        assert job.proven_by("forward") <= servers.keys(job.bucket)

    done = job.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    assert servers.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []
    size = sum(map(len, bodies.values()))
    fetched = received(servers.source_proxy, bodies) - size
    sent = servers.target_proxy.bytes_sent("PUT") - size
    print(f"\n{kills} kills of {size / MIB:.0f} MiB in {len(bodies)} objects;", end=" ")
    print(f"again: {fetched / MIB:.1f} MiB fetched, {sent / MIB:.1f} MiB sent")
    assert fetched <= kills * _IN_FLIGHT
    assert sent <= kills * _IN_FLIGHT


@disks.needs_root
def test_a_gibibyte_goes_through_volumes_of_64_mebibytes(
    servers: Pair,
    bodies: Bodies,
    tmp_path: Path,
) -> None:
    servers.make_target("narrow")
    with ExitStack() as stack:
        names = ("one", "two", "three")
        volumes = [stack.enter_context(disks.tmpfs(tmp_path / name, 64)) for name in names]
        job = RelayJob(servers, tmp_path / "state", "narrow", volumes=volumes)
        gauge = Gauge(volumes)
        servers.target_proxy.add(gauge, method="PUT")

        done = job.run()

        servers.target_proxy.heal()
        assert done.code == 0, done.errors
        assert adds_up(done)
        assert hop(done, "forward")["done"] == len(bodies)
        assert servers.held("narrow") == manifest(bodies)
        assert job.staged_files() == []
    print(f"\nfullest: {', '.join(f'{most:.3f}' for most in gauge.most.values())}")
    assert all(most <= 0.905 for most in gauge.most.values())
