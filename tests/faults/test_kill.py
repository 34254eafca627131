"""Real processes, killed: started again they finish and send nothing proven twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.proxy import Exchange, FaultProxy
from faults.syncing import Bodies, Job, Pair, manifest, mixed_objects, pair

_ALL = bool(os.environ.get("BUCKETLINE_TEST_ALL"))
_KILLS = 25 if os.environ.get("BUCKETLINE_SOAK") else 5 if _ALL else 3
_OBJECTS = 2_000 if _ALL else 200
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(_OBJECTS, _SEED)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


class Killer:
    """Ends a process, with no chance to say anything, at the nth request that a proxy sees."""

    def __init__(self, dice: random.Random) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._is_delivered = dice.random() < 0.5

    def __call__(self, exchange: Exchange) -> None:
        if self.process is None:  # A last request of the one that was killed before.
            exchange.reset()
            return
        os.kill(self.process.pid, signal.SIGKILL)
        if self._is_delivered:  # What was sent arrives, although nobody waits for the answer.
            exchange.forward()
        exchange.reset()

    __name__ = "killer"


def killed(job: Job, dice: random.Random, nth: int) -> None:
    """Start the job and kill it at a request of a side chosen by the dice; or it ends before."""
    proxy: FaultProxy = dice.choice((job.pair.source_proxy, job.pair.target_proxy))
    killer = Killer(dice)
    # The first request comes long after the process was started, so that it is known by then.
    proxy.add(killer, nth=nth, times=1)
    killer.process = job.start()
    job.finish(killer.process)
    proxy.heal()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(_KILLS))
def test_a_killed_sync_finishes_when_it_is_started_again(
    number: int, servers: Pair, bodies: Bodies, tmp_path: Path
) -> None:
    dice = random.Random(f"kill {_SEED} {number}")
    bucket = f"target-{number}"
    servers.make_target(bucket)
    job = Job(servers, tmp_path, bucket)
    late = _OBJECTS * 9 // 10  # The first kill comes when much is proven; the others at any time.
    for nth in [dice.randint(1, _OBJECTS) if number else late, *dice.choice(([], [], [50]))]:
        killed_once(job, dice, nth)
    proven = job.proven()
    assert proven or number
    servers.target_proxy.forget()
    done = job.run()
    assert done.code == 0, done.errors
    summary = done.summary
    assert summary["state"] == "complete"
    assert summary["listed"] == summary["skipped"] + summary["done"] == len(bodies)
    assert sent_keys(servers.target_proxy) & proven.keys() == set()
    assert servers.held(bucket) == manifest(bodies)
    assert job.proven().keys() >= bodies.keys() - proven.keys() - skipped_unproven(job, bodies)
    nothing_to_do(job, servers)


def killed_once(job: Job, dice: random.Random, nth: int) -> None:
    """One start that is killed; what was proven before it must not be sent by it."""
    proven = job.proven()
    job.pair.target_proxy.forget()
    killed(job, dice, nth)
    assert sent_keys(job.pair.target_proxy) & proven.keys() == set()
    assert job.proven().keys() <= job.pair.keys(job.bucket)


def sent_keys(proxy: FaultProxy) -> set[str]:
    return {seen.key for seen in proxy.seen("PUT")}


def skipped_unproven(job: Job, bodies: Bodies) -> set[str]:
    """Arrived whole, but the process died before its proof was written: found equal, and left."""
    return job.in_doubt().keys() & bodies.keys()


def nothing_to_do(job: Job, servers: Pair) -> None:
    servers.target_proxy.forget()
    again = job.run()
    assert again.code == 0
    assert again.summary["done"] == 0
    assert sent_keys(servers.target_proxy) == set()
