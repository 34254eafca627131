"""A box in the field: disks come back late, are copied, run out of names; nothing old wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import disks
from faults.proxy import Exchange
from faults.syncing import SOURCE, Bodies, client_of, manifest
from relay.jobs import RelayJob, adds_up

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return {f"folder/{number:02}": os.urandom(20_000) for number in range(24)}


def stage(job: RelayJob) -> None:
    """Fetch all of it, and send next to nothing."""
    job.said = ("--once", "--max-send", "1")
    assert job.run().code == 4
    job.said = ("--once",)


def test_what_comes_back_late_does_not_win_over_what_is_newer(
    fresh: RelayJob, bodies: Bodies
) -> None:
    one, two = fresh.volumes
    fresh.volumes = (one,)
    stage(fresh)
    staged = fresh.proven_by("fetch") - fresh.proven_by("forward")
    key = min(staged)
    client = client_of(fresh.pair.source)
    fresh.volumes = (two,)  # The other one is given up, and found again afterwards.
    try:
        client.put_object(Bucket=SOURCE, Key=key, Body=b"the newer one")
        assert fresh.run().code == 0
        fresh.volumes = (one, two)

        done = fresh.run()
    finally:
        client.put_object(Bucket=SOURCE, Key=key, Body=bodies[key])

    assert done.code == 0, done.errors
    assert fresh.pair.held(fresh.bucket) == manifest({**bodies, key: b"the newer one"})
    assert fresh.staged_files() == []


@disks.needs_root
def test_a_disk_that_runs_out_of_names_is_sent_and_nothing_is_fetched_in_vain(
    fresh: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    words = ("-t", "tmpfs", "-o", "size=64m,nr_inodes=40", "tmpfs")
    with disks.mounted(tmp_path / "one", *words) as one:
        fresh.volumes = (one,)
        stage(fresh)
        staged = fresh.proven_by("fetch")
        fetched = [seen.key for seen in fresh.pair.source_proxy.seen("GET") if seen.key in bodies]
        assert set(fetched) == staged
        assert 0 < len(staged) < len(bodies)
        fill(one)

        done = fresh.run()  # It is the disk's own objects that make room.

        assert done.code == 0, done.errors
        assert fresh.pair.held(fresh.bucket) == manifest(bodies)


def fill(folder: Path) -> None:
    """Until it takes no more names."""
    try:
        for number in range(1000):
            (folder / f"ballast-{number}").touch()
    except OSError:
        return


def test_what_tells_of_an_object_goes_amid_a_run(fresh: RelayJob, bodies: Bodies) -> None:
    stage(fresh)
    sidecars = [path for path in fresh.staged_files() if path.suffix == ".json"][-4:]

    def damage(exchange: Exchange) -> None:
        for number, path in enumerate(sidecars):
            if number % 2:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(b"x")
        exchange.send(exchange.forward())

    fresh.pair.target_proxy.add(damage, path="list-type", times=1)
    fresh.said = ("--once", "--workers", "1")

    done = fresh.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    assert fresh.pair.held(fresh.bucket) == manifest(bodies)
    assert fresh.staged_files() == []
