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
from faults.syncing import MIB, SOURCE, Bodies, Done, client_of, manifest
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


def ask(job: RelayJob, verb: str) -> Done:
    places = (f"one:{SOURCE}/", f"two:{job.bucket}/") if verb != "status" else ()
    return job.finish(job.start("relay", verb, *places))


def test_a_copy_of_a_volume_is_refused(fresh: RelayJob, bodies: Bodies) -> None:
    one, two = fresh.volumes
    fresh.volumes = (one,)
    stage(fresh)
    shutil.copytree(one, two)
    fresh.volumes = (one, two)

    done = fresh.run()

    assert done.code == 7, done.errors
    assert "are copies of one volume; leave one of them out" in done.errors
    fresh.volumes = (one,)
    assert fresh.run().code == 0
    assert fresh.pair.held(fresh.bucket) == manifest(bodies)


def test_a_volume_that_moved_to_another_folder_is_found(fresh: RelayJob, bodies: Bodies) -> None:
    one, two = fresh.volumes
    fresh.volumes = (one,)
    stage(fresh)
    one.rename(two)
    fresh.volumes = (one, two)
    fresh.pair.source_proxy.forget()

    both = fresh.run()
    fresh.volumes = (two,)
    done = fresh.run()

    assert both.code == 7
    assert f"{one}: its volume is in {two} now" in both.errors
    assert done.code == 0, done.errors
    assert {seen.key for seen in fresh.pair.source_proxy.seen("GET")} & set(bodies) == set()


def test_a_volume_that_is_given_up_holds_up_nothing(fresh: RelayJob) -> None:
    one, two = fresh.volumes
    stage(fresh)
    shutil.rmtree(one)
    fresh.volumes = (two,)

    assert fresh.run().code == 0

    [told] = ask(fresh, "status").records
    assert [volume["folder"] for volume in told["volumes"]] == [str(two)]
    assert [ask(fresh, verb).code for verb in ("verify", "reset")] == [0, 0]


def test_a_memory_that_is_damaged_hides_no_relay(fresh: RelayJob) -> None:
    stage(fresh)
    [memory] = (fresh.state / "ledgers").glob("*.volumes")
    memory.write_text("{")

    [told] = ask(fresh, "status").records

    assert "does not say which volumes there were" in told["error"]


@disks.needs_root
def test_an_object_on_several_volumes_counts_once(fresh: RelayJob, tmp_path: Path) -> None:
    fresh.source = f"large-{os.getpid()}"
    fresh.pair.fill({"large": os.urandom(30 * MIB)}, fresh.source)
    fresh.said = ("--once", "--max-send", "1")
    with disks.tmpfs(tmp_path / "one", 24) as one, disks.tmpfs(tmp_path / "two", 24) as two:
        fresh.volumes = (one, two)
        assert fresh.run().code == 4

        [told] = ask(fresh, "status").records

    assert told["staged"]["objects"] == 1


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
