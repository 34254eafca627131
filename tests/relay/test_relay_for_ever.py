"""A relay without an end: what comes is brought, outages are waited out, a signal ends it well."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from faults.kinds import refuse
from faults.syncing import SOURCE, Bodies, client_of, manifest, mixed_objects
from relay.jobs import RelayJob, adds_up, hop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
_PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(60, 12)


@pytest.fixture
def job(fresh: RelayJob) -> RelayJob:
    fresh.said = ("--every", "1s")
    return fresh


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


def is_calm(job: RelayJob) -> bool:
    """Whether another relay finds nothing to do."""
    job.said = ("--once",)
    done = job.run()
    return (done.code, hop(done, "fetch")["done"], hop(done, "forward")["done"]) == (0, 0, 0)


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

    assert done.code in (0, 143), done.errors  # Calm, or in the middle of a look.
    assert is_calm(job)
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

    assert done.code in (0, 130), done.errors
    assert is_calm(job)
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


def test_what_has_arrived_is_not_fetched_again_while_the_target_is_away(
    job: RelayJob, bodies: Bodies
) -> None:
    job.said = ("--once",)
    assert job.run().code == 0
    job.said = ("--every", "1s")
    job.pair.source_proxy.forget()
    job.pair.target_proxy.go_away()
    client, process = client_of(job.pair.source), job.start()
    try:
        client.put_object(Bucket=SOURCE, Key="later", Body=b"came later")
        until(lambda: "later" in job.proven_by("fetch"))
        process.send_signal(signal.SIGINT)
        done = job.finish(process)
    finally:
        job.pair.target_proxy.come_back()
        client.delete_object(Bucket=SOURCE, Key="later")
        process.kill()
        process.wait()

    assert "fetching goes on without a look at it" in done.errors
    assert {seen.key for seen in job.pair.source_proxy.seen("GET")} & set(bodies) == set()


def test_a_source_that_was_never_there_ends_it(job: RelayJob) -> None:
    job.source = "no-such-bucket"

    done = job.run()

    assert done.code == 5, done.errors
    assert "no such bucket" in done.errors


def test_a_target_that_takes_nothing_ends_it(job: RelayJob) -> None:
    job.pair.target_proxy.add(refuse(403, "AccessDenied"), method="PUT")

    done = job.run()

    assert done.code == 5, done.errors
    assert "in a row failed so" in done.errors
