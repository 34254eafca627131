"""Pools of endpoints before a real server: they die, come back, turn slow; a run ends complete."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from faults import kinds
from faults.proxy import Exchange, Fault, FaultProxy, obey
from faults.syncing import Bodies, Done, Job, Pair, manifest, mixed_objects, pair

_COUNT = 4_000 if os.environ.get("BUCKETLINE_SOAK") else 400


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(_COUNT, 5, multipart=3)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


@pytest.fixture
def doors(servers: Pair) -> Iterator[list[FaultProxy]]:
    """Three ways to the target, all counted."""
    with ExitStack() as stack:
        yield [stack.enter_context(FaultProxy(servers.target.url)) for _ in range(3)]


def job_of(servers: Pair, folder: Path, bucket: str, doors: list[FaultProxy], *words: str) -> Job:
    servers.make_target(bucket)
    urls = tuple(door.url for door in doors)
    return Job(servers, folder, bucket, words=words, targets=urls, progress="json")


def is_whole(done: Done, servers: Pair, bucket: str, bodies: Bodies) -> bool:
    adds_up = done.summary["listed"] == done.summary["done"] == len(bodies)
    is_same = servers.held(bucket) == manifest(bodies)
    return done.code == 0 and done.summary["state"] == "complete" and adds_up and is_same


def counted(done: Done, doors: list[FaultProxy]) -> list[dict[str, Any]]:
    """The target's endpoints by the summary, in the order of the doors."""
    told = {one["endpoint"]: one for one in done.summary["endpoints"] if one["side"] == "target"}
    return [told[door.url] for door in doors]


def notes(done: Done) -> list[str]:
    records = [json.loads(line) for line in done.errors.splitlines() if line.startswith("{")]
    return [record["message"] for record in records if record["event"] == "note"]


def going(door: FaultProxy) -> Fault:
    """From this request on, nobody is there any more."""

    def go(exchange: Exchange) -> None:
        door.go_away()
        exchange.reset()

    return go


def coming_back(door: FaultProxy) -> Fault:
    """With this request at another door, it is back."""

    def come(exchange: Exchange) -> None:
        door.come_back()
        exchange.send(exchange.forward())

    return come


@pytest.mark.timeout(600)
def test_one_of_three_dies_comes_back_and_another_turns_slow(
    servers: Pair, bodies: Bodies, doors: list[FaultProxy], tmp_path: Path
) -> None:
    first, second, third = doors
    first.add(going(first), method="PUT", nth=_COUNT // 20)
    second.add(coming_back(first), method="PUT", nth=_COUNT * 3 // 10)
    third.add(kinds.slow(0.05))

    done = job_of(servers, tmp_path, "pool-1", doors, "--workers", "16").run()

    assert is_whole(done, servers, "pool-1", bodies), done.errors
    one, two, three = counted(done, doors)
    assert one["times_opened"] >= 1
    assert one["faults"] <= 5 + 16 + one["times_opened"] * 3
    if _COUNT > 1_000:  # Of all that was asked, what went to one that was not there.
        assert one["faults"] / (one["requests"] + two["requests"] + three["requests"]) < 0.01
    assert two["requests"] > three["requests"] > 0
    assert (two["faults"], three["faults"]) == (0, 0)
    written = one["bytes_written"] + two["bytes_written"] + three["bytes_written"]
    assert written >= sum(map(len, bodies.values()))


@pytest.mark.parametrize(
    "death",
    [
        kinds.reset_before_headers,
        kinds.fail,
        pytest.param(kinds.stall, marks=pytest.mark.slow),
    ],
)
def test_parts_of_one_object_go_through_other_endpoints_when_one_dies(
    death: Fault, servers: Pair, bodies: Bodies, doors: list[FaultProxy], tmp_path: Path
) -> None:
    dead: list[FaultProxy] = []
    for door in doors:
        door.add(_of_the_first(death, door, dead), path="partNumber")
    bucket = f"pool-parts-{death.__name__.replace('_', '-')}"

    job = job_of(servers, tmp_path, bucket, doors, "--include", "parts/*")
    done = job.run()
    dead[0].heal()

    parts = {key: body for key, body in bodies.items() if key.startswith("parts/")}
    assert is_whole(done, servers, bucket, parts), done.errors
    others = [door for door in doors if door is not dead[0]]
    assert any(door.seen("PUT", "partNumber") for door in others)


def _of_the_first(death: Fault, door: FaultProxy, dead: list[FaultProxy]) -> Fault:
    """The door that is asked first is the one that dies."""

    def strike(exchange: Exchange) -> None:
        if not dead:
            dead.append(door)
        (death if door is dead[0] else obey)(exchange)

    return strike


@pytest.mark.slow
def test_all_go_away_the_run_waits_says_so_and_goes_on(
    servers: Pair, bodies: Bodies, doors: list[FaultProxy], tmp_path: Path
) -> None:
    asked, are_gone = itertools.count(1), threading.Event()

    def all_go(exchange: Exchange) -> None:
        if next(asked) < 90 or are_gone.is_set():  # Whichever of them was asked.
            exchange.send(exchange.forward())
            return
        are_gone.set()
        for door in doors:
            door.go_away()
        exchange.reset()

    for door in doors:
        door.add(all_go, method="PUT")
    job = job_of(servers, tmp_path, "pool-2", doors, "--workers", "16")
    process = job.start()
    _await_note(job, process, "target down since")
    for door in doors:
        door.come_back()
    done = job.finish(process)

    assert is_whole(done, servers, "pool-2", bodies), done.errors
    assert any(note.startswith("target is back after") for note in notes(done))
    assert all(one["times_opened"] for one in counted(done, doors))


@pytest.mark.slow
def test_a_single_endpoint_is_waited_for_too(
    servers: Pair, bodies: Bodies, doors: list[FaultProxy], tmp_path: Path
) -> None:
    door = doors[0]
    door.add(going(door), method="PUT", nth=30)
    job = job_of(servers, tmp_path, "pool-3", [door])
    process = job.start()
    _await_note(job, process, '"down":[{"side":"target","since":')
    door.come_back()
    done = job.finish(process)

    assert is_whole(done, servers, "pool-3", bodies), done.errors


def test_a_run_that_waits_ends_when_asked_and_the_next_one_goes_on(
    servers: Pair, bodies: Bodies, doors: list[FaultProxy], tmp_path: Path
) -> None:
    door = doors[0]
    door.add(going(door), method="PUT", nth=30)
    job = job_of(servers, tmp_path, "pool-4", [door])
    process = job.start()
    _await_note(job, process, "target down since")
    os.kill(process.pid, signal.SIGINT)
    done = job.finish(process)

    told = done.summary
    assert (done.code, told["state"], told["unfinished"], told["failed"]) == (
        130,
        "interrupted",
        0,
        0,
    ), done.errors
    assert {one["cause"] for one in done.fates("waiting").values()} == {"Away"}
    assert job.in_doubt() == {}
    before = len(job.proven())
    door.heal()
    door.come_back()
    again = job.run()
    # What arrived without an answer needs no second journey.
    assert (again.code, again.summary["listed"]) == (0, len(bodies)), again.errors
    assert again.summary["done"] <= len(bodies) - before
    assert servers.held("pool-4") == manifest(bodies)


@pytest.mark.slow
def test_endpoints_of_which_none_ever_answered_are_an_error(
    servers: Pair, doors: list[FaultProxy], tmp_path: Path
) -> None:
    for door in doors:
        door.go_away()

    done = job_of(servers, tmp_path, "pool-5", doors).run()

    assert done.code == 5
    assert "cannot be reached" in done.errors


def _await_note(job: Job, process: subprocess.Popen[bytes], words: str) -> None:
    """Until the program has said so, on stderr; its end would come first if it never did."""
    said = job.state / "err.txt"
    while words not in said.read_text():
        assert process.poll() is None, said.read_text()
