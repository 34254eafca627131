"""A real sync through a bad network: DONE is true, or the failure is told with key and cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from faults import kinds
from faults.proxy import Fault
from faults.syncing import Bodies, Job, Pair, manifest, mixed_objects, pair

_KEYS = r"/(folder|parts|sp)"  # Objects, not listings.
_ONCE: dict[str, Any] = {"path": _KEYS, "every": 7, "times": 5, "times_a_key": 1}
_ALWAYS: dict[str, Any] = {"path": "/folder-3/"}  # One folder is out of luck for ever.

# Side, fault, when it strikes: the retries overcome these.
PASSING: dict[str, tuple[str, Fault, dict[str, Any]]] = {
    "reset while reading": ("source", kinds.reset_before_headers, {"method": "GET", **_ONCE}),
    "reset in a body": ("source", kinds.reset_in_body, {"method": "GET", **_ONCE}),
    "early end of a body": ("source", kinds.end_early, {"method": "GET", **_ONCE}),
    "bit flipped on the way down": ("source", kinds.flip_answer, {"method": "GET", **_ONCE}),
    "reset while writing": ("target", kinds.reset_before_headers, {"method": "PUT", **_ONCE}),
    "bit flipped on the way up": ("target", kinds.flip_request, {"method": "PUT", **_ONCE}),
    "answer to a write lost": ("target", kinds.lose_answer, {"method": "PUT", **_ONCE}),
    "storm of 503": ("target", kinds.slow_down(), {"every": 2, "times": 30}),
    "some 500": ("target", kinds.fail, _ONCE),
    "200 with an error": ("target", kinds.fail_in_200, {"method": "POST", "times": 1}),
    "wrong etag": ("target", kinds.wrong_etag, {"method": "PUT", **_ONCE}),
    "listing cut once": (
        "source",
        kinds.listing_cut_in_the_middle,
        {"path": "list-type", "times": 1},
    ),
    "stall while reading": ("source", kinds.stall_in_body, {"path": _KEYS, "nth": 3}),
    "stall while writing": ("target", kinds.stall, {"method": "PUT", "path": _KEYS, "nth": 3}),
}
# These never end: what cannot be done must be said.
LASTING: dict[str, tuple[str, Fault, dict[str, Any]]] = {
    "every read is damaged": ("source", kinds.end_early, {"method": "GET", **_ALWAYS}),
    "every write is refused": ("target", kinds.refuse(403, "AccessDenied"), _ALWAYS),
    "every write is damaged": ("target", kinds.flip_request, {"method": "PUT", **_ALWAYS}),
    "every answer is lost": ("target", kinds.lose_answer, {"method": "PUT", **_ALWAYS}),
    "500 for ever": ("target", kinds.fail, {"method": "PUT", **_ALWAYS}),
}
_QUICK = {
    "reset in a body",
    "bit flipped on the way down",
    "bit flipped on the way up",
    "answer to a write lost",
    "200 with an error",
    "listing cut once",
}


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    """Those without luck have bytes: nothing cannot be damaged."""
    bodies = mixed_objects(60, 3, multipart=1)
    return {key: body or b"something" for key, body in bodies.items()}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


@pytest.fixture
def job(servers: Pair, tmp_path: Path) -> Iterator[Job]:
    """A sync into a bucket of its own; the proxies are healed when the test ends."""
    bucket = f"bucket-{uuid4().hex[:12]}"
    servers.make_target(bucket)
    yield Job(servers, tmp_path, bucket, words=("--workers", "8"))
    servers.source_proxy.heal()
    servers.target_proxy.heal()


def strike(job: Job, side: str, fault: Fault, when: dict[str, Any]) -> Any:
    return getattr(job.pair, f"{side}_proxy").add(fault, **when)


def nothing_is_called_done_that_is_not(job: Job, bodies: Bodies) -> None:
    held, expected = job.pair.held(job.bucket), manifest(bodies)
    assert {key: held.get(key) for key in job.proven()} == {
        key: expected[key] for key in job.proven()
    }


def cases(table: dict[str, Any]) -> list[Any]:
    slow = pytest.mark.slow
    return [pytest.param(name, marks=() if name in _QUICK else slow) for name in table]


@pytest.mark.parametrize("name", cases(PASSING))
def test_a_fault_that_passes_is_overcome(name: str, job: Job, bodies: Bodies) -> None:
    rule = strike(job, *PASSING[name])
    done = job.run()
    assert rule.struck, "the fault never struck"
    assert done.code == 0, (done.records[-1:], done.errors)
    assert done.summary["done"] == len(bodies)
    assert job.pair.held(job.bucket) == manifest(bodies)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", cases(LASTING))
def test_a_fault_that_lasts_is_told_by_key_and_cause(name: str, job: Job, bodies: Bodies) -> None:
    rule = strike(job, *LASTING[name])
    done = job.run()
    unlucky = {key for key in bodies if key.startswith("folder-3/")}
    assert rule.struck, "the fault never struck"
    assert done.code == 1, (done.records[-1:], done.errors)
    failed = done.fates("failed")
    assert failed.keys() == unlucky
    assert all(record["cause"] and record["message"] for record in failed.values())
    assert done.fates("done").keys() == bodies.keys() - unlucky
    assert done.summary["failed"] == len(unlucky)
    nothing_is_called_done_that_is_not(job, bodies)
    getattr(job.pair, f"{LASTING[name][0]}_proxy").heal()
    again = job.run()
    assert again.code == 0, again.errors
    assert job.pair.held(job.bucket) == manifest(bodies)


@pytest.mark.slow
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_listing_that_is_always_cut_stops_the_run_and_deletes_nothing(
    side: str, job: Job, bodies: Bodies
) -> None:
    assert job.run().code == 0
    before = job.pair.keys(job.bucket)
    strike(job, side, kinds.listing_cut_in_the_middle, {"path": "list-type"})
    deleting = Job(job.pair, job.state, job.bucket, words=("--delete",))
    done = deleting.run()
    assert done.code == 5, (done.records, done.errors)
    assert done.summary["state"] == "failed"
    assert "listing" in done.errors
    assert job.pair.keys(job.bucket) == before
    assert job.pair.target_proxy.seen("DELETE") == []


@pytest.mark.slow
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_went_away_is_told_in_one_line(side: str, job: Job) -> None:
    strike(job, side, kinds.reset_before_headers, {})
    done = job.run()
    assert done.code == 5, (done.records, done.errors)
    assert "Traceback" not in done.errors
    assert done.summary["done"] == 0
