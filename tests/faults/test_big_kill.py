"""A big object, killed in the middle: what arrived is not sent again, and nothing is left over."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faults.kinds import lose_answer
from faults.proxy import Exchange, FaultProxy
from faults.syncing import MIB, Job, Pair, client_of, manifest, pair

_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_ALL = bool(os.environ.get("BUCKETLINE_TEST_ALL"))
_ROUNDS = 25 if _SOAK else 5 if _ALL else 1
_SIZE = 1024 * MIB if _SOAK else 48 * MIB + 4321
_PART = (8 if _SOAK else 5) * MIB
_AT_ONCE = 4
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))
_KEY = "folder/big object"
_TARGETS = ["ministack", pytest.param("radosgw", marks=[pytest.mark.radosgw, pytest.mark.slow])]


@pytest.fixture(scope="module")
def body() -> bytes:
    dice, left = random.Random(_SEED), range(0, _SIZE, MIB)
    return b"".join(dice.randbytes(min(MIB, _SIZE - start)) for start in left)


@pytest.fixture(scope="module", params=["ministack"] if _SOAK else _TARGETS)
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers"), target=request.param) as both:
        both.fill({_KEY: body})
        yield both


class Killer:
    """Ends a process, with no chance to say anything, when a request is seen."""

    __name__ = "killer"

    def __init__(self, *, is_delivered: bool) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._is_delivered = is_delivered

    def __call__(self, exchange: Exchange) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        if self._is_delivered:  # What was sent arrives, although nobody waits for the answer.
            exchange.forward()
        exchange.reset()


def a_job(servers: Pair, folder: Path, bucket: str) -> Job:
    servers.make_target(bucket)
    servers.target_proxy.forget()
    return replace(Job(servers, folder, bucket), limits={"part_size_max": _PART})


def killed(job: Job, arm: Callable[[Killer], object], *, is_delivered: bool) -> None:
    killer = Killer(is_delivered=is_delivered)
    killer.process = job.start()
    arm(killer)  # After it: a request of one killed before may still be under way.
    assert job.finish(killer.process).code == -signal.SIGKILL
    job.pair.source_proxy.heal()
    job.pair.target_proxy.heal()


def goes_on(job: Job, body: bytes, *, kills: int = 1) -> int:
    """The next run ends it; the bytes that were sent again."""
    done = job.run()
    assert done.code == 0, done.errors
    assert done.summary["done"] + done.summary["skipped"] == 1
    again = job.pair.target_proxy.bytes_sent("PUT", "partNumber=") - len(body)
    assert 0 <= again <= kills * _AT_ONCE * _PART
    assert open_uploads(job) == []
    assert job.pair.held(job.bucket) == manifest({_KEY: body})
    assert job.remembered() == 0
    client_of(job.pair.target).delete_object(Bucket=job.bucket, Key=_KEY)  # Servers have memories.
    return again


def open_uploads(job: Job) -> list[str]:
    told = client_of(job.pair.target).list_multipart_uploads(Bucket=job.bucket)
    return [upload["UploadId"] for upload in told.get("Uploads", ())]


# Named points: method and pattern of the request at which the process dies.
POINTS = {
    "begin": ("POST", r"\?uploads=", 1),
    "first part": ("PUT", r"partNumber=1&", 1),
    "a part in the middle": ("PUT", r"partNumber=", 5),
    "the last part": ("PUT", r"partNumber=10&", 1),
    "the finish": ("POST", r"\?uploadId=", 1),
}


_QUICK = {("begin", True), ("a part in the middle", True), ("the finish", True)}
_CASES = [
    pytest.param(
        point,
        is_delivered,
        marks=[] if (point, is_delivered) in _QUICK else [pytest.mark.slow],
        id=f"{point}-{'arrived' if is_delivered else 'lost'}",
    )
    for point in POINTS
    for is_delivered in (False, True)
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("point", "is_delivered"), _CASES)
def test_killed_at_a_named_point_it_goes_on(
    point: str, is_delivered: bool, servers: Pair, body: bytes, tmp_path: Path
) -> None:
    if _SOAK and point == "the last part":
        pytest.skip("another one is the last")
    job = a_job(servers, tmp_path, f"at-{point.replace(' ', '-')}-{is_delivered}".lower())
    method, path, nth = POINTS[point]

    def arm(killer: Killer) -> None:
        servers.target_proxy.add(killer, method=method, path=path, nth=nth, times=1)

    killed(job, arm, is_delivered=is_delivered)
    goes_on(job, body)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_killed_at_random_requests_it_goes_on(
    number: int, servers: Pair, body: bytes, tmp_path: Path
) -> None:
    dice = random.Random(f"big {_SEED} {number}")
    job = a_job(servers, tmp_path, f"random-{number}")
    parts = -(-_SIZE // _PART)
    kills = dice.randint(1, 3)
    for _ in range(kills):
        proxy: FaultProxy = dice.choice((servers.source_proxy, servers.target_proxy))
        nth = dice.randint(1, max(1, parts // kills))

        def arm(killer: Killer, proxy: FaultProxy = proxy, nth: int = nth) -> None:
            proxy.add(killer, path="folder/big", nth=nth, times=1)

        killed(job, arm, is_delivered=dice.random() < 0.5)
    again = goes_on(job, body, kills=kills)
    print(f"{kills} kills, {again} bytes sent again, {again / _PART:.2f} parts")


def test_a_begin_whose_answer_is_lost_leaves_nothing_behind(
    servers: Pair, body: bytes, tmp_path: Path
) -> None:
    job = a_job(servers, tmp_path, "lost-begin")
    servers.target_proxy.add(lose_answer, method="POST", path=r"\?uploads=", nth=1, times=1)
    assert goes_on(job, body) == 0
    servers.target_proxy.heal()


def test_what_is_no_longer_planned_is_removed(servers: Pair, body: bytes, tmp_path: Path) -> None:
    job = a_job(servers, tmp_path, "unplanned")

    def arm(killer: Killer) -> None:
        servers.target_proxy.add(killer, method="PUT", path="partNumber=", nth=5, times=1)

    killed(job, arm, is_delivered=True)
    assert len(open_uploads(job)) == job.remembered() == 1
    done = replace(job, words=("--exclude", "*")).run()
    assert done.code == 0, done.errors
    assert open_uploads(job) == []
    assert job.remembered() == 0
