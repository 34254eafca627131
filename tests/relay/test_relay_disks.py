"""Disks of a relay: small, full, read-only, unplugged. The relay goes on, says so, and heals."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

import disks
from faults.proxy import Exchange
from faults.syncing import MIB, Bodies, manifest
from relay.jobs import RelayJob, adds_up, hop

pytestmark = [disks.needs_root, pytest.mark.slow]
_ALL = bool(os.environ.get("BUCKETLINE_SOAK") or os.environ.get("BUCKETLINE_TEST_ALL"))
_COUNT = 160 if _ALL else 48


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    """Several times as much as the volumes hold."""
    sizes = [MIB, 3 * MIB, 100, 5 * MIB, 0, 2 * MIB + 7]
    return {
        f"folder-{number % 5}/{number:04}": os.urandom(sizes[number % len(sizes)])
        for number in range(_COUNT)
    }


@pytest.fixture
def job(fresh: RelayJob) -> RelayJob:
    """No volumes yet."""
    fresh.volumes = ()
    return fresh


class Gauge:
    """Looks how full the disks are at each request, and lets none through before they are full."""

    __name__ = "gauge"

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self.most = dict.fromkeys(folders, 0.0)
        self._until = 0.0

    def __call__(self, exchange: Exchange) -> None:
        self._until = self._until or time.monotonic() + 2.0
        while self._look() < 0.6 and time.monotonic() < self._until:
            threading.Event().wait(0.01)
        exchange.send(exchange.forward())

    def _look(self) -> float:
        """The least that any disk was ever filled, at its fullest."""
        for folder in self.folders:
            told = os.statvfs(folder)
            full = 1 - told.f_bavail / told.f_blocks
            self.most[folder] = max(self.most[folder], full)
        return min(self.most.values())


def test_more_than_the_volumes_hold_goes_through_them(
    job: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    with disks.tmpfs(tmp_path / "one", 16) as one, disks.tmpfs(tmp_path / "two", 24) as two:
        job.volumes = (one, two)
        gauge = Gauge([one, two])
        job.pair.target_proxy.add(gauge, method="PUT")

        done = job.run()

        assert done.code == 0, done.errors
        assert adds_up(done)
        assert hop(done, "forward")["done"] == len(bodies)
        assert job.pair.held(job.bucket) == manifest(bodies)
        assert job.staged_files() == []
    for most in gauge.most.values():  # Filled, up to the mark and some blocks of its own.
        assert 0.5 <= most <= 0.905


def test_an_object_larger_than_any_volume_is_striped(
    job: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    del bodies
    body = os.urandom(30 * MIB + 11)
    job.source = "striped"
    job.pair.fill({"large": body}, f"striped-{os.getpid()}")
    job.source = f"striped-{os.getpid()}"
    with disks.tmpfs(tmp_path / "one", 24) as one, disks.tmpfs(tmp_path / "two", 24) as two:
        job.volumes = (one, two)

        done = job.run()

        assert done.code == 0, done.errors
        assert job.pair.held(job.bucket) == manifest({"large": body})


def test_an_object_that_fits_on_no_volume_is_said_so(
    job: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    with disks.tmpfs(tmp_path / "one", 4) as one:
        job.volumes = (one,)

        done = job.run()

        assert done.code == 1, done.errors
        failed = done.fates("failed")
        assert set(failed) == {key for key, body in bodies.items() if len(body) > 3.5 * MIB}
        assert all("name a larger --volume" in record["message"] for record in failed.values())
        whole = {key: body for key, body in bodies.items() if key not in failed}
        assert job.pair.held(job.bucket) == manifest(whole)


def test_a_read_only_volume_is_left_alone(job: RelayJob, bodies: Bodies, tmp_path: Path) -> None:
    with (
        disks.tmpfs(tmp_path / "one", 24) as one,
        disks.ext4(tmp_path / "two", tmp_path / "image", 24) as two,
    ):
        job.volumes = (one, two)
        job.said = ("--once", "--max-fetch", "1")
        job.run()
        disks.run("mount", "-o", "remount,ro", str(two))
        job.said = ("--once",)

        done = job.run()

        assert done.code == 0, done.errors
        assert "Read-only" in done.errors
        assert job.pair.held(job.bucket) == manifest(bodies)


def test_a_volume_that_is_unplugged_under_way_is_waited_for(
    job: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    with (
        disks.tmpfs(tmp_path / "one", 48) as one,
        disks.ext4(tmp_path / "two", tmp_path / "image", 48) as two,
    ):
        job.volumes = (one, two)

        def unplug(exchange: Exchange) -> None:
            disks.run("umount", "-l", str(two))
            exchange.send(exchange.forward())

        job.pair.source_proxy.add(unplug, nth=12, times=1)
        first = job.run()
        assert first.code in (0, 4), first.errors
        assert not (two / "spool").exists()
        disks.run("mount", "-o", "loop", str(tmp_path / "image"), str(two))

        done = job.run()

        assert done.code == 0, done.errors
        assert job.pair.held(job.bucket) == manifest(bodies)
        assert job.staged_files() == []


def test_a_volume_that_cannot_be_read_stops_no_other(
    job: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    image = tmp_path / "image"
    with disks.tmpfs(tmp_path / "one", 200) as one, disks.ext4(tmp_path / "two", image, 200) as two:
        job.volumes = (one, two)
        job.said = ("--once", "--max-send", "1")
        job.run()
        on_two = {path.name for path in job.staged_files() if two in path.parents}
        assert on_two
        os.truncate(image, MIB)  # Behind the file system's back: what it reads there fails.
        Path("/proc/sys/vm/drop_caches").write_text("3")
        job.said = ("--once",)

        broken = job.run()

        assert broken.code in (1, 4), broken.errors
        assert adds_up(broken)
        assert "Traceback" not in broken.errors
        there = job.pair.held(job.bucket)
        assert there
        assert there.items() <= manifest(bodies).items()
        job.volumes = (one,)  # It is given up for good: what it held is fetched again.

        done = job.run()

        assert done.code == 0, done.errors
        assert job.pair.held(job.bucket) == manifest(bodies)
