"""The power of the edge box fails at any moment: its disks are what they were, and all arrives."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import disks
from faults import syncing
from faults.proxy import Exchange
from faults.syncing import Bodies, Pair, manifest, mixed_objects
from relay import stopping
from relay.jobs import RelayJob, adds_up

pytestmark = [disks.needs_root, pytest.mark.slow]
_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_ALL = _SOAK or bool(os.environ.get("BUCKETLINE_TEST_ALL"))
_ROUNDS = 34 if _SOAK else 4 if _ALL else 1
_CUTS = 3  # A round.
_OBJECTS = 200 if _ALL else 80
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(_OBJECTS, _SEED + 50)


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("outer")
    with disks.reflinks(home / "disk", home / "image", 2_000) as folder:
        yield folder


@dataclass
class Box:
    """The edge box: two disks, the first of which has the ledgers, too."""

    job: RelayJob
    power: disks.TwoDisks

    def run_until_cut(self, dice: random.Random) -> None:
        """Its process and its disks stop at the same request; or it ends before."""
        side = dice.choice((self.job.pair.source_proxy, self.job.pair.target_proxy))
        process: list[subprocess.Popen[bytes]] = []
        is_delivered = dice.random() < 0.5
        was_cut: list[bool] = []

        def cut(exchange: Exchange) -> None:
            os.kill(process[0].pid, signal.SIGKILL)
            self.power.cut()
            was_cut.append(True)
            if is_delivered:  # What was on its way arrives all the same.
                exchange.forward()
            exchange.reset()

        side.add(cut, nth=dice.randint(2, _OBJECTS), times=1)
        process.append(self.job.start())
        self.job.finish(process[0])
        side.heal()
        if was_cut:
            self.power.power_on()

    def run_until_stopped(self) -> bool:
        """Its process stops itself, then the power fails; False = it ended before."""
        process = self.job.start()
        told = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        is_stopped = told is not None and told.si_code == os.CLD_STOPPED
        if is_stopped:
            self.power.cut()
            process.kill()
        self.job.finish(process)
        if is_stopped:
            self.power.power_on()
        return is_stopped


@pytest.fixture
def box(servers: Pair, outer: Path, tmp_path: Path) -> Iterator[Box]:
    mounts = (tmp_path / "one", tmp_path / "two")
    power = disks.TwoDisks(outer, mounts)
    try:
        power.mount()
        bucket = f"target-{tmp_path.name.replace('_', '-').lower()[-40:]}"
        servers.make_target(bucket)
        volumes = (mounts[0] / "volume", mounts[1] / "volume")
        yield Box(RelayJob(servers, mounts[0] / "state", bucket, volumes=volumes), power)
    finally:
        power.close()
        for image in outer.glob("*.img"):
            image.unlink()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_nothing_is_lost_when_the_power_fails(number: int, box: Box, bodies: Bodies) -> None:
    dice = random.Random(f"power {_SEED} {number}")
    job = box.job
    for _ in range(_CUTS):
        box.run_until_cut(dice)
        delivered, there = job.proven_by("forward"), job.pair.keys(job.bucket)
        assert delivered <= there  # What is called done, and was dropped from its volume.
        job.pair.target_proxy.forget()
    ends_well(job, bodies)


def ends_well(job: RelayJob, bodies: Bodies) -> None:
    """The next run brings all that is left, and nothing twice."""
    delivered, there = job.proven_by("forward"), job.pair.keys(job.bucket)
    assert delivered <= there
    job.pair.target_proxy.forget()

    done = job.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    assert {seen.key for seen in job.pair.target_proxy.seen("PUT")} & delivered == set()
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []


_SOME = {("rename", "after"), ("record", "after"), ("remove", "before")}
_NAMED = [
    pytest.param(name, when, nth, id=f"{when}-{name}-{nth}")
    for name in stopping.POINTS
    for when in ("before", "after")
    for nth in ((1, 2, 3, 5, 9, 14, 20) if _SOAK else (5,))
    if _SOAK or (name, when) in _SOME
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "when", "nth"), _NAMED)
def test_nothing_is_lost_at_any_named_point(
    name: str, when: str, nth: int, box: Box, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        program = (sys.executable, str(Path(stopping.__file__)))
        patched.setattr(syncing, "_PROGRAM", program)
        patched.setenv("BUCKETLINE_TEST_STOP", f"{name} {when} {nth}")
        assert box.run_until_stopped()

    ends_well(box.job, bodies)
