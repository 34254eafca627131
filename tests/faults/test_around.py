"""The world around a run breaks (F6-F9, F14): clock, rights, buckets, ledger, disk, processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faults import kinds
from faults.proxy import Exchange
from faults.syncing import Bodies, Done, Job, Pair, client_of, manifest, mixed_objects, pair

pytestmark = [pytest.mark.usefixtures("surroundings"), pytest.mark.timeout(180)]

_NTH = 40  # The write at which it happens.
_IS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(150, 6, multipart=1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


@pytest.fixture
def job(servers: Pair, tmp_path: Path) -> Iterator[Job]:
    bucket = f"b-{abs(hash(tmp_path)):x}"[:40]
    servers.make_target(bucket)
    servers.source_proxy.forget()
    servers.target_proxy.forget()
    yield Job(servers, tmp_path / "job", bucket, words=("--workers", "8"))
    servers.source_proxy.heal()
    servers.target_proxy.heal()


class Once:
    """A deed at the nth request; then all goes its way."""

    __name__ = "once"

    def __init__(self, deed: Callable[[], object]) -> None:
        self._deed = deed

    def __call__(self, exchange: Exchange) -> None:
        self._deed()
        exchange.send(exchange.forward())


def at_the_nth_write(job: Job, deed: Callable[[], object]) -> None:
    job.pair.target_proxy.add(Once(deed), method="PUT", nth=_NTH)


def ends_whole(job: Job, bodies: Bodies, done: Done) -> None:
    assert done.code == 0, done.errors
    assert done.summary["state"] == "complete"
    assert job.pair.held(job.bucket) == manifest(bodies)


def told_in_one_line(done: Done) -> str:
    assert "Traceback" not in done.errors
    return done.errors.strip().splitlines()[-1]


def all_done_is_true(job: Job, bodies: Bodies) -> None:
    held, expected = job.pair.held(job.bucket), manifest(bodies)
    proven = job.proven()
    assert {key: held.get(key) for key in proven} == {key: expected[key] for key in proven}


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [-1200, 1200, -7200, -1_700_000_000])
def test_a_clock_that_jumps_in_mid_run_stops_nothing(
    seconds: int,
    job: Job,
    bodies: Bodies,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    right = time.time

    def jump() -> None:
        monkeypatch.setattr(time, "time", lambda: max(0.0, right() + seconds))

    at_the_nth_write(job, jump)
    done = job.run_here(capsys)
    monkeypatch.undo()
    ends_whole(job, bodies, done)


@pytest.mark.slow
def test_a_target_that_only_reads_ends_the_run(
    job: Job, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = kinds.refuse(403, "AccessDenied")
    for method in ("PUT", "POST"):
        job.pair.target_proxy.add(refused, method=method)
    done = job.run_here(capsys)
    assert done.code == 5, done.errors
    assert done.summary["done"] == 0
    assert "not allowed" in done.errors
    assert len(job.pair.target_proxy.seen("PUT")) < len(bodies)
    job.pair.target_proxy.heal()
    ends_whole(job, bodies, job.run_here(capsys))


@pytest.mark.slow
def test_a_bucket_that_is_deleted_in_mid_run_ends_it(
    job: Job, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = kinds.refuse(404, "NoSuchBucket")
    at_the_nth_write(job, lambda: job.pair.target_proxy.add(gone))
    done = job.run_here(capsys)
    job.pair.target_proxy.heal()
    assert done.code == 5, done.errors
    assert "no such bucket" in told_in_one_line(done)
    all_done_is_true(job, bodies)
    ends_whole(job, bodies, job.run_here(capsys))


def ledger_of(job: Job) -> Path:
    (path,) = (job.state / "ledgers").glob("**/*.ledger")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("what", ["deleted", "an older copy"])
def test_a_ledger_that_was_lost_or_put_back_costs_no_truth(
    what: str, job: Job, bodies: Bodies, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = replace(job, words=("--max-bytes", "200K"))
    assert part.run_here(capsys).code == 4
    old = tmp_path / "old"
    shutil.copytree(job.state / "ledgers", old)
    assert job.run_here(capsys).code == 0
    victim = min(bodies)
    client_of(job.pair.target).delete_object(Bucket=job.bucket, Key=victim)
    shutil.rmtree(job.state / "ledgers")
    if what != "deleted":
        shutil.copytree(old, job.state / "ledgers")
    done = job.run_here(capsys)
    ends_whole(job, bodies, done)
    assert done.summary["done"] == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes, if we may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if not _IS_ROOT or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_under_the_ledger_ends_the_run_and_no_fate_is_made_up(
    job: Job, bodies: Bodies, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = replace(job, state=small_disk / "job")
    ballast = small_disk / "ballast"

    def fill() -> None:
        room = os.statvfs(small_disk)
        ballast.write_bytes(bytes(room.f_bavail * room.f_frsize))

    at_the_nth_write(full, fill)
    done = full.run_here(capsys)
    full.pair.target_proxy.heal()
    assert done.code == 6, done.errors
    assert "full" in done.errors
    ballast.unlink()
    all_done_is_true(full, bodies)
    ends_whole(full, bodies, full.run_here(capsys))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_a_target_folder_that_takes_no_more_ends_the_run_and_shows_no_part_of_a_file(
    kind: str, job: Job, bodies: Bodies, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small_disk / "target"
    folder.mkdir()
    if kind == "read-only":
        command = ["mount", "-o", "remount,ro", str(small_disk)]
        subprocess.run(command, check=True, capture_output=True)
    down = replace(job, instead=("sync", f"one:{job.source}/", str(folder)))
    done = down.run_here(capsys)
    assert done.code == 6, done.errors
    assert "Traceback" not in done.errors
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert {key: files[key] for key in files} == {key: bodies.get(key) for key in files}
    assert files.keys() >= down.proven().keys()


@pytest.mark.slow
def test_a_second_instance_of_a_job_says_so_and_leaves(job: Job, bodies: Bodies) -> None:
    arrived = threading.Event()

    def hold(exchange: Exchange) -> None:
        arrived.set()
        exchange.stall()
        exchange.send(exchange.forward())

    job.pair.target_proxy.add(hold, method="PUT")
    first = job.start()
    assert arrived.wait(60)
    second = subprocess.run(
        [sys.executable, "-m", "bucketline", *job.words_for()],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert second.returncode == 7, second.stderr
    assert str(first.pid) in second.stderr
    job.pair.target_proxy.heal()
    ends_whole(job, bodies, job.finish(first))


class Stopper:
    """Stops a process; it goes on once it was missed.

    That is when the same is asked again, or whether the server is back at all.
    """

    __name__ = "stopper"

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.stopped_at = ""
        self.went_on = False

    def __call__(self, exchange: Exchange) -> None:
        if not self.stopped_at:
            self.stopped_at = exchange.seen.key
            os.kill(self.pid, signal.SIGSTOP)
        elif exchange.seen.key in ("", self.stopped_at) and not self.went_on:
            self.went_on = True
            os.kill(self.pid, signal.SIGCONT)
        exchange.send(exchange.forward())


@pytest.mark.slow
def test_a_server_that_stands_still_for_a_while_is_asked_again(
    job: Job, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    (pid,) = job.pair.target.pids
    stopper = Stopper(pid)
    for method in ("PUT", "HEAD"):
        job.pair.target_proxy.add(stopper, method=method)
    try:
        done = job.run_here(capsys)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert stopper.went_on
    ends_whole(job, bodies, done)


@pytest.mark.slow
def test_a_client_that_was_stopped_goes_on_over_new_connections(job: Job, bodies: Bodies) -> None:
    stopped = threading.Event()

    def stop(exchange: Exchange) -> None:
        os.kill(process.pid, signal.SIGSTOP)
        stopped.set()
        exchange.forward()
        exchange.reset()

    job.pair.target_proxy.add(stop, method="PUT", nth=_NTH)
    process = job.start()
    assert stopped.wait(60)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    job.pair.source_proxy.drop_connections()
    job.pair.target_proxy.drop_connections()
    os.kill(process.pid, signal.SIGCONT)
    ends_whole(job, bodies, job.finish(process))
