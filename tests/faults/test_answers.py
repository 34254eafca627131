"""Answers that are wrong, late or another's (F3, F4, F5, F10): what arrives is the source's."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faults import kinds
from faults.http import Message
from faults.proxy import Exchange, Fault
from faults.syncing import MIB, Bodies, Done, Job, Pair, client_of, manifest, pair

pytestmark = [pytest.mark.usefixtures("surroundings"), pytest.mark.timeout(120)]

_SAME = "/same/"
_PACKED = "packed.gz"


class Another:
    """Answers with what another object was: its body under the asked one's head, or all of it."""

    __name__ = "another"

    def __init__(self, *, with_head: bool) -> None:
        self._with_head = with_head
        self._last: Message | None = None

    def __call__(self, exchange: Exchange) -> None:
        told = exchange.forward()
        last, self._last = self._last, told
        if last is None:
            exchange.send(told)
        else:
            exchange.send(last if self._with_head else Message(told.head, last.body))


def drip(exchange: Exchange) -> None:
    """A body that comes byte by byte and would take an hour."""
    told = exchange.forward()
    exchange.client.sendall(told.head)
    for place in range(len(told.body)):
        exchange.client.sendall(told.body[place : place + 1])
        if exchange.released.wait(0.4):
            break
    exchange.close()


def fail_in_200_after_all(exchange: Exchange) -> None:
    """It was done, and the answer is an error."""
    exchange.forward()
    kinds.fail_in_200(exchange)


def _etag(value: str) -> Callable[[Message], Message]:
    def changed(told: Message) -> Message:
        lines = [line for line in told.head.split(b"\r\n") if not line.lower().startswith(b"etag:")]
        if value:
            lines.insert(1, f'ETag: "{value}"'.encode())
        return Message(b"\r\n".join(lines), told.body)

    return changed


def _extra(told: Message) -> Message:
    return told.with_body(told.body + b"more")


def _beyond(told: Message) -> Message:
    """More bytes than the head says."""
    return Message(told.head, told.body + b"more")


def _shorter(told: Message) -> Message:
    return told.with_body(told.body[:-1])


_GET: dict[str, Any] = {"method": "GET", "path": _SAME}
_PUT: dict[str, Any] = {"method": "PUT", "path": _SAME}
_END: dict[str, Any] = {"method": "POST", "path": "uploadId=", "times": 1}
_SOME = {"every": 5, "times": 2}  # Three of one object in a row would be a failure, and rightly.

# Side, fault, when it strikes: the target is whole after this very run.
OVERCOME: dict[str, tuple[str, Fault, dict[str, Any]]] = {
    "429 with Retry-After": (
        "target",
        kinds.refuse(429, "TooManyRequests", {"Retry-After": "1"}),
        {**_PUT, "times": 2},
    ),
    "502": ("target", kinds.refuse(502, "BadGateway"), {**_PUT, **_SOME}),
    "504": ("source", kinds.refuse(504, "GatewayTimeout"), {**_GET, **_SOME}),
    "a write fails in a 200": ("target", kinds.fail_in_200, {**_PUT, **_SOME}),
    "a finish fails in a 200": ("target", kinds.fail_in_200, _END),
    "a finish that was done fails in a 200": ("target", fail_in_200_after_all, _END),
    "another's body": ("source", Another(with_head=False), {**_GET, "times": 4}),
    "another's answer": ("source", Another(with_head=True), {**_GET, "times": 4}),
    "extra bytes": ("source", kinds.edit(_extra), {**_GET, **_SOME}),
    "bytes beyond the length": ("source", kinds.edit(_beyond), {**_GET, **_SOME}),
    "a shorter body": ("source", kinds.edit(_shorter), {**_GET, **_SOME}),
    "no etag of what is read": ("source", kinds.edit(_etag("")), {**_GET, **_SOME}),
    "no etag of what is written": ("target", kinds.edit(_etag("")), {**_PUT, **_SOME}),
    "etags that are no MD5": ("target", kinds.edit(_etag("device-7")), _PUT),
    "a body byte by byte": ("source", drip, {**_GET, "nth": 3}),
}
# What never ends is told: the cause of each.
TOLD: dict[str, tuple[str, Fault, dict[str, Any], str]] = {
    "always a shorter body": ("source", kinds.edit(_shorter), {"path": "/same/3"}, "Mismatch"),
    "always extra bytes": ("source", kinds.edit(_extra), {"path": "/same/3"}, "Mismatch"),
    "no permission to read": (
        "source",
        kinds.refuse(403, "AccessDenied"),
        {"path": "/same/3"},
        "Denied",
    ),
}


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    dice = random.Random(4)
    bodies = {f"same/{number:02}": dice.randbytes(5_000) for number in range(40)}
    return {**bodies, "parts/0": dice.randbytes(17 * MIB), "empty": b""}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers"), target="ministack") as both:
        both.fill(bodies)
        yield both


@pytest.fixture
def job(servers: Pair, tmp_path: Path) -> Iterator[Job]:
    bucket = f"b-{abs(hash(tmp_path)):x}"[:40]
    servers.make_target(bucket)
    yield Job(servers, tmp_path / "job", bucket, words=("--workers", "4"))
    servers.source_proxy.heal()
    servers.target_proxy.heal()


def is_whole(job: Job, bodies: Bodies) -> bool:
    return job.pair.held(job.bucket) == manifest(bodies)


def run(job: Job, capsys: pytest.CaptureFixture[str], code: int = 0) -> Done:
    done = job.run_here(capsys)
    assert done.code == code, (done.records[-1:], done.errors)
    return done


@pytest.mark.slow
@pytest.mark.parametrize("name", OVERCOME)
def test_a_wrong_answer_is_found_out_and_asked_for_again(
    name: str, job: Job, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    side, fault, when = OVERCOME[name]
    rule = getattr(job.pair, f"{side}_proxy").add(fault, **when)
    done = run(job, capsys)
    assert rule.struck, "the fault never struck"
    assert done.summary["done"] == len(bodies)
    assert is_whole(job, bodies)


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLD)
def test_an_answer_that_stays_wrong_fails_its_objects_by_cause(
    name: str, job: Job, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    side, fault, when, cause = TOLD[name]
    getattr(job.pair, f"{side}_proxy").add(fault, method="GET", **when)
    done = run(job, capsys, 1)
    unlucky = {key for key in bodies if key.startswith("same/3")}
    told = done.fates("failed")
    assert {key: record["cause"] for key, record in told.items()} == dict.fromkeys(unlucky, cause)
    assert done.fates("done").keys() == bodies.keys() - unlucky
    assert job.pair.keys(job.bucket) == bodies.keys() - unlucky
    job.pair.source_proxy.heal()
    run(job, capsys)
    assert is_whole(job, bodies)


def test_packed_bytes_arrive_packed(
    servers: Pair, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    client, body = client_of(servers.source), gzip.compress(b"many words " * 500)
    client.create_bucket(Bucket="packed")
    client.put_object(Bucket="packed", Key=_PACKED, Body=body, ContentEncoding="gzip")
    run(replace(job, source="packed"), capsys)
    told = client_of(servers.target).get_object(Bucket=job.bucket, Key=_PACKED)
    assert (told["ContentEncoding"], told["Body"].read()) == ("gzip", body)


class Before:
    """Something happens at the source just before an object is read."""

    __name__ = "before"

    def __init__(self, deed: Callable[[str], object]) -> None:
        self._deed = deed

    def __call__(self, exchange: Exchange) -> None:
        self._deed(exchange.seen.key)
        exchange.send(exchange.forward())


@pytest.fixture
def own(job: Job, bodies: Bodies, tmp_path: Path) -> Job:
    """A source that may be changed."""
    name = f"own-{job.bucket}"
    job.pair.fill({key: body for key, body in bodies.items() if key != "parts/0"}, name)
    return replace(job, source=name)


def test_what_was_deleted_since_it_was_listed_is_told(
    own: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    client = client_of(own.pair.source)
    gone: list[str] = []

    def delete(key: str) -> None:
        client.delete_object(Bucket=own.source, Key=key)
        gone.append(key)

    own.pair.source_proxy.add(Before(delete), method="GET", path=_SAME, nth=7)
    done = run(own, capsys, 1)
    assert {key: told["cause"] for key, told in done.fates("failed").items()} == {
        gone[0]: "NotFound"
    }
    assert gone[0] not in own.pair.keys(own.bucket)
    assert run(own, capsys).summary["done"] == 0


def test_what_changed_since_it_was_listed_arrives_as_it_is_now(
    own: Job, bodies: Bodies, capsys: pytest.CaptureFixture[str]
) -> None:
    client, changed = client_of(own.pair.source), {}

    def change(key: str) -> None:
        changed[key] = b"another body"
        client.put_object(Bucket=own.source, Key=key, Body=changed[key])

    own.pair.source_proxy.add(Before(change), method="GET", path=_SAME, nth=7)
    run(own, capsys)
    expected = {key: body for key, body in bodies.items() if key != "parts/0"} | changed
    assert len(changed) == 1
    assert is_whole(own, expected)


def test_what_appears_while_the_run_is_under_way_comes_with_the_next(
    own: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    client = client_of(own.pair.source)

    def add(_key: str) -> None:
        client.put_object(Bucket=own.source, Key="a-new-one", Body=b"new")

    own.pair.source_proxy.add(Before(add), method="GET", path=_SAME, nth=7)
    run(own, capsys)
    assert run(own, capsys).summary["done"] == 1
    assert "a-new-one" in own.pair.keys(own.bucket)
