"""A box in the field: disks come back late, are copied, run out of names; nothing old wins."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import disks
from faults.proxy import Exchange
from faults.syncing import SOURCE, Bodies, client_of, manifest
from relay.jobs import RelayJob, adds_up, stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return {f"folder/{number:02}": os.urandom(20_000) for number in range(24)}


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


def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        threading.Event().wait(0.05)


def hold(job: RelayJob, folder: Path) -> None:
    """From the first look at the target on, nothing can be removed from the volume."""

    def freeze(exchange: Exchange) -> None:
        disks.run("chattr", "-R", "+i", str(folder / "spool"))
        exchange.send(exchange.forward())

    job.pair.target_proxy.add(freeze, path="list-type", times=1)


@disks.needs_root
def test_what_cannot_be_removed_is_told_and_removed_later(
    fresh: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    with disks.ext4(tmp_path / "one", tmp_path / "image", 48) as one:
        fresh.volumes = (one,)
        stage(fresh)
        hold(fresh, one)

        first = fresh.run()

        disks.run("chattr", "-R", "-i", str(one / "spool"))
        assert first.code == 4, first.errors
        assert "dropped from it later" in first.errors
        assert adds_up(first)
        there = fresh.pair.keys(fresh.bucket)
        assert there
        fresh.pair.target_proxy.forget()
        second = fresh.run()
        assert second.code == 0, second.errors
        assert {seen.key for seen in fresh.pair.target_proxy.seen("PUT")} & there == set()
        assert fresh.pair.held(fresh.bucket) == manifest(bodies)
        assert fresh.staged_files() == []


@disks.needs_root
def test_what_cannot_be_removed_goes_in_the_same_process(
    fresh: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    with disks.ext4(tmp_path / "one", tmp_path / "image", 48) as one:
        fresh.volumes = (one,)
        stage(fresh)
        hold(fresh, one)
        fresh.said = ("--every", "1s")
        process: subprocess.Popen[bytes] = fresh.start()
        try:
            until(lambda: "dropped from it later" in (fresh.state / "err.txt").read_text())
            disks.run("chattr", "-R", "-i", str(one / "spool"))
            until(lambda: fresh.pair.keys(fresh.bucket) == set(bodies) and not fresh.staged_files())
        finally:
            process.send_signal(signal.SIGTERM)
            done = fresh.finish(process)

    assert done.code in {0, 143}, done.errors


@disks.needs_root
def test_a_volume_that_others_fill_is_no_small_one(
    fresh: RelayJob, bodies: Bodies, tmp_path: Path
) -> None:
    with disks.tmpfs(tmp_path / "one", 8) as one:
        ballast = one / "ballast"
        ballast.write_bytes(bytes(7_600_000))
        fresh.volumes = (one,)

        done = fresh.run()

        assert done.code == 4, done.errors
        messages = {record["message"] for record in done.fates("waiting").values()}
        assert all("others fill the volumes; make room there" in said for said in messages)
        ballast.unlink()
        assert fresh.run().code == 0
        assert fresh.pair.held(fresh.bucket) == manifest(bodies)


def test_a_spool_that_was_removed_is_made_anew(fresh: RelayJob, bodies: Bodies) -> None:
    fresh.said = ("--every", "1s")
    process: subprocess.Popen[bytes] = fresh.start()
    client = client_of(fresh.pair.source)
    try:
        until(lambda: fresh.pair.keys(fresh.bucket) == set(bodies) and not fresh.staged_files())
        for folder in fresh.volumes:
            shutil.rmtree(folder / "spool")
        client.put_object(Bucket=SOURCE, Key="later", Body=b"came later")
        until(lambda: "later" in fresh.pair.keys(fresh.bucket))
    finally:
        client.delete_object(Bucket=SOURCE, Key="later")
        process.send_signal(signal.SIGTERM)
        done = fresh.finish(process)

    assert done.code in {0, 143}, done.errors


def test_each_pass_tells_its_own_requests(fresh: RelayJob, bodies: Bodies) -> None:
    fresh.said = ("--every", "1s")
    process: subprocess.Popen[bytes] = fresh.start()
    client = client_of(fresh.pair.source)
    try:
        until(lambda: fresh.pair.keys(fresh.bucket) == set(bodies) and not fresh.staged_files())
        client.put_object(Bucket=SOURCE, Key="later", Body=b"came later")
        until(lambda: "later" in fresh.pair.keys(fresh.bucket))
    finally:
        client.delete_object(Bucket=SOURCE, Key="later")
        process.send_signal(signal.SIGTERM)
        done = fresh.finish(process)

    told = [one for one in done.records if one["event"] == "summary" and one["hop"] == "forward"]
    assert sum(one["requests"].get("PUT", 0) for one in told) == len(bodies) + 1
