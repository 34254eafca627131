"""One request in a hundred fails, over many objects: the run ends complete and everything is there.

Against 100,000 objects in the soak, a twentieth of them in `./test all`.
"""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.base import Flow, Together
from bucketline.stores.s3 import S3Store
from faults import kinds
from faults.proxy import Exchange, Fault
from faults.syncing import SOURCE, TARGET, Job, Pair, client_of, pair

_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_COUNT = 100_000 if _SOAK else 5_000
_SEED = int(os.environ.get("BUCKETLINE_SOAK_SEED", "1"))
_ONE_IN = 100
_SOURCE_FAULTS: tuple[Fault, ...] = (
    kinds.reset_before_headers,
    kinds.end_early,
    kinds.flip_answer,
    kinds.fail,
    kinds.slow_down(),
)
_TARGET_FAULTS: tuple[Fault, ...] = (
    kinds.reset_before_headers,
    kinds.lose_answer,
    kinds.flip_request,
    kinds.fail,
    kinds.slow_down(),
)


class Chance:
    """One of some faults, by the dice."""

    __name__ = "chance"

    def __init__(self, faults: tuple[Fault, ...], seed: str) -> None:
        self._faults = faults
        self._dice = random.Random(seed)

    def __call__(self, exchange: Exchange) -> None:
        self._dice.choice(self._faults)(exchange)


def body_of(number: int) -> bytes:
    return b"%d " % number * (1 + number % 50)


def key_of(number: int) -> str:
    return f"d{number // 1000:03}/é {number:06}"


def fill(servers: Pair) -> None:
    client_of(servers.source).create_bucket(Bucket=SOURCE)
    store = S3Store(servers.source.remote(), SOURCE, clock=SystemClock())
    for first in range(0, _COUNT, 10_000):
        some = range(first, min(_COUNT, first + 10_000))
        blocking(_written(store, some))


def _written(store: S3Store, numbers: range) -> Flow[None]:
    flows = [store.write(key_of(number), body_of(number)) for number in numbers]
    yield Together(flows, width=32)


def etags(servers: Pair) -> dict[str, str]:
    """Of everything at the target; rclone computes them from the bytes that it holds."""
    pages = client_of(servers.target).get_paginator("list_objects_v2").paginate(Bucket=TARGET)
    return {
        one["Key"]: one["ETag"].strip('"') for page in pages for one in page.get("Contents", ())
    }


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("surroundings")
def test_one_fault_in_a_hundred_requests_leaves_nothing_undone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pair(tmp_path / "servers") as servers:
        fill(servers)
        servers.make_target(TARGET)
        rules = [
            servers.source_proxy.add(
                Chance(_SOURCE_FAULTS, f"s{_SEED}"), method="GET", path="/d[0-9]", every=_ONE_IN
            ),
            servers.target_proxy.add(
                Chance(_TARGET_FAULTS, f"t{_SEED}"), method="PUT", every=_ONE_IN
            ),
        ]
        done = Job(servers, tmp_path / "job").run_here(capsys)
        told = done.summary
        assert (done.code, told["state"]) == (0, "complete"), done.errors
        assert told["listed"] == told["done"] == _COUNT
        assert min(rule.struck for rule in rules) >= _COUNT // _ONE_IN
        expected = {key_of(n): hashlib.md5(body_of(n)).hexdigest() for n in range(_COUNT)}
        assert etags(servers) == expected
        print(f"{_COUNT} objects, {sum(r.struck for r in rules)} faults, {told['seconds']} s")
