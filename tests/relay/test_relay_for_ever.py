"""A relay without an end: what comes is brought, outages are waited out, a signal ends it well."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.syncing import SOURCE, Bodies, Pair, client_of, manifest, mixed_objects, pair
from relay.jobs import RelayJob, adds_up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
_COUNTED = iter(range(1_000))
_PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(60, 12)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


@pytest.fixture
def job(servers: Pair, tmp_path: Path) -> RelayJob:
    bucket = f"target-{next(_COUNTED)}-{os.getpid()}"
    servers.make_target(bucket)
    for proxy in (servers.source_proxy, servers.target_proxy):
        proxy.heal()
        proxy.forget()
    volumes = (tmp_path / "one", tmp_path / "two")
    return RelayJob(servers, tmp_path / "state", bucket, volumes=volumes, said=("--every", "1s"))


@pytest.fixture
def running(job: RelayJob) -> Iterator[subprocess.Popen[bytes]]:
    process = job.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        threading.Event().wait(0.05)


def test_what_comes_later_is_brought_too(
    job: RelayJob, running: subprocess.Popen[bytes], bodies: Bodies
) -> None:
    until(lambda: len(job.pair.keys(job.bucket)) == len(bodies))
    client = client_of(job.pair.source)
    try:
        client.put_object(Bucket=SOURCE, Key="later", Body=b"came later")
        until(lambda: "later" in job.pair.keys(job.bucket))
        client.put_object(Bucket=SOURCE, Key="later", Body=b"changed")
        there = manifest({"later": b"changed"})["later"]
        until(lambda: job.pair.held(job.bucket)["later"] == there)
    finally:
        client.delete_object(Bucket=SOURCE, Key="later")

    running.send_signal(signal.SIGTERM)
    done = job.finish(running)

    assert done.code == 0, done.errors  # It was calm: nothing was interrupted.
    assert adds_up(done)
    held = job.pair.held(job.bucket)
    assert {key: told for key, told in held.items() if key != "later"} == manifest(bodies)
    assert job.staged_files() == []


def test_fetching_goes_on_while_the_target_is_away(job: RelayJob, bodies: Bodies) -> None:
    job.pair.target_proxy.go_away()
    process = job.start()
    try:
        until(lambda: len(job.proven_by("fetch")) == len(bodies))
        job.pair.target_proxy.come_back()
        until(lambda: len(job.pair.keys(job.bucket)) == len(bodies))
        until(lambda: not job.staged_files())
        process.send_signal(signal.SIGINT)
        done = job.finish(process)
    finally:
        process.kill()
        process.wait()

    assert done.code == 0, done.errors
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []


def test_sending_goes_on_while_the_source_is_away(job: RelayJob, bodies: Bodies) -> None:
    job.said = ("--once", "--max-send", "1")
    job.run()
    job.said = ("--every", "1s")
    job.pair.source_proxy.go_away()
    process = job.start()
    try:
        until(lambda: len(job.pair.keys(job.bucket)) == len(bodies))
        process.send_signal(signal.SIGINT)
        done = job.finish(process)
    finally:
        job.pair.source_proxy.come_back()
        process.kill()
        process.wait()

    assert job.pair.held(job.bucket) == manifest(bodies)
    assert done.code in (0, 130), done.errors
