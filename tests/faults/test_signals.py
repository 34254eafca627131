"""Real processes and real signals: the first drains and records, the second stops at once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.proxy import Exchange
from faults.syncing import Bodies, Done, Job, Pair, manifest, mixed_objects, pair

_FIRST = 60  # The request at the target at which the signal comes.
_SOON_SECONDS = 20  # For a process that must not wait; a stalled request would take for ever.


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(200, 2, multipart=1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


class Sender:
    """Sends signals to the process when its nth request is seen, then carries it through or not."""

    __name__ = "sender"

    def __init__(self, *signals: int, then: Callable[[Exchange], None]) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._signals = signals
        self._then = then

    def __call__(self, exchange: Exchange) -> None:
        assert self.process is not None
        for number in self._signals:
            os.kill(self.process.pid, number)
        self._then(exchange)


def carry(exchange: Exchange) -> None:
    exchange.send(exchange.forward())


def hang(exchange: Exchange) -> None:
    exchange.stall()
    exchange.close()


def adds_up(done: Done) -> bool:
    told = done.summary
    fates = ("skipped", "done", "failed", "waiting", "unfinished")
    return bool(told["listed"] == sum(told[fate] for fate in fates))


def finishes(job: Job, bodies: Bodies) -> bool:
    done = job.run()
    is_same = job.pair.held(job.bucket) == manifest(bodies)
    return done.code == 0 and done.summary["state"] == "complete" and is_same


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_the_first_signal_lets_what_is_under_way_finish_and_records_it(
    number: int, code: int, servers: Pair, bodies: Bodies, tmp_path: Path
) -> None:
    bucket = f"drained-{code}"
    servers.make_target(bucket)
    job = Job(servers, tmp_path, bucket)
    sender = Sender(number, then=carry)
    servers.target_proxy.add(sender, method="PUT", nth=_FIRST)
    sender.process = job.start()
    done = job.finish(sender.process)
    servers.target_proxy.heal()
    assert done.code == code, done.errors
    assert done.summary["state"] == "interrupted"
    assert done.summary["unfinished"] == 0
    assert adds_up(done)
    assert 0 < done.summary["done"] < len(bodies)
    assert job.in_doubt() == {}
    assert job.proven().keys() == servers.keys(bucket)
    assert finishes(job, bodies)


def test_the_second_signal_does_not_wait_for_what_hangs(
    servers: Pair, bodies: Bodies, tmp_path: Path
) -> None:
    bucket = "stopped"
    servers.make_target(bucket)
    job = Job(servers, tmp_path, bucket, words=("--workers", "8"))
    sender = Sender(signal.SIGINT, signal.SIGTERM, then=hang)
    servers.target_proxy.add(sender, method="PUT", nth=_FIRST)
    sender.process = job.start()
    try:
        sender.process.wait(_SOON_SECONDS)
    finally:
        servers.target_proxy.heal()
    done = job.finish(sender.process)
    assert done.code in {130, 143}, done.errors
    assert done.summary["state"] == "interrupted"
    assert adds_up(done)
    assert done.summary["done"] == len(job.proven())
    assert finishes(job, bodies)


def test_a_stop_while_the_source_is_being_listed_is_a_stop_too(
    servers: Pair, bodies: Bodies, tmp_path: Path
) -> None:
    bucket = "early"
    servers.make_target(bucket)
    job = Job(servers, tmp_path, bucket)
    sender = Sender(signal.SIGINT, then=hang)
    servers.source_proxy.add(sender, method="GET", path="list-type", nth=1)
    sender.process = job.start()
    try:
        sender.process.wait(_SOON_SECONDS)
    finally:
        servers.source_proxy.heal()
    done = job.finish(sender.process)
    assert done.code == 130, done.errors
    assert servers.keys(bucket) == set()
    assert finishes(job, bodies)
