"""Six faults at eight operations, at four moments: none lost, no false DONE, a true exit code."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from faults import matrix
from faults.matrix import EXTRA, FAULTS, OFFSETS, OPERATIONS, PART, TARGET, Case, Room
from faults.proxy import Rule
from faults.syncing import Done, Job, Pair, client_of, pair

_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_CASES = matrix.cases() if _SOAK else matrix.latin(matrix.cases())
_MORE = matrix.more_cases() if _SOAK else matrix.more_cases()[::7]
_AT_ONCE = 4
# A flipped bit of a listing changes what the run believes to be there. What it then cannot read
# it says; what it copies for nothing is proven as ever. Of a finish, it makes the list of parts
# malformed to a server that looks at no signature: its word is taken, and the next run goes on.
_MAY_FAIL = {
    ("flipped bit", "list source"),
    ("flipped bit", "list target"),
    ("flipped bit", "finish upload"),
}


@dataclass
class World:
    servers: Pair
    rooms: dict[str, Room]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pair(tmp_path_factory.mktemp("servers"), target="ministack") as servers:
        rooms = matrix.rooms()
        matrix.furnish(servers, rooms)
        yield World(servers, rooms)


@dataclass
class Trial:
    """One case: its job, and what is looked at by others than the program."""

    world: World
    case: Case
    state: Path
    capsys: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        self.room = self.world.rooms[self.case.operation.room]
        self.servers = self.world.servers
        self.bucket = f"{TARGET}-{self.room.bucket}"
        self.job = Job(
            self.servers,
            self.state,
            self.bucket,
            self.room.bucket,
            words=("--delete", "--max-delete", "10", "--workers", "8"),
            limits={"part_size_max": PART},
        )

    def run(self) -> Done:
        self.servers.source_proxy.forget()
        self.servers.target_proxy.forget()
        done = self.job.run_here(self.capsys)
        self.servers.source_proxy.heal()
        self.servers.target_proxy.heal()
        return done

    def arm(self) -> Rule:
        """From the nth of these requests on, so many in a row."""
        fault, times = self.case.strike()
        operation = self.case.operation
        proxy = getattr(self.servers, f"{operation.side}_proxy")
        rule: Rule = proxy.add(
            fault,
            method=operation.method,
            path=operation.path,
            times=times,
            start=self.case.nth,
        )
        return rule

    def held(self) -> dict[str, tuple[int, str]]:
        """What the target holds besides what was there already, which must be as it was."""
        client, told = client_of(self.servers.target), {}
        listed = self.listed()
        there = {key: md5(body) for key, body in self.room.there.items()}
        assert {key: listed.pop(key, "") for key in there} == there
        for key in listed:
            body = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            told[key] = (len(body), hashlib.sha256(body).hexdigest())
        return told

    def listed(self) -> dict[str, str]:
        """The etag of each object, as another client is told."""
        pages = client_of(self.servers.target).get_paginator("list_objects_v2")
        return {
            entry["Key"]: entry["ETag"].strip('"')
            for page in pages.paginate(Bucket=self.bucket)
            for entry in page.get("Contents", ())
        }

    def sent(self) -> set[str]:
        return {seen.key for seen in self.servers.target_proxy.seen("PUT")}

    def open_uploads(self) -> list[str]:
        told = client_of(self.servers.target).list_multipart_uploads(Bucket=self.bucket)
        return [upload["Key"] for upload in told.get("Uploads", ())]


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def adds_up(told: dict[str, Any]) -> bool:
    fates = ("skipped", "done", "failed", "waiting")
    return bool(told["listed"] == sum(told[fate] for fate in fates))


def tells_the_truth(trial: Trial, done: Done) -> None:
    """The exit code, the counters, the ledger and every DONE, against what the target holds."""
    told, held, expected = done.summary, trial.held(), trial.room.manifest
    is_whole = held == expected
    failed = done.fates("failed")
    assert adds_up(told), told
    assert told["failed"] == len(failed)
    assert all(record["cause"] and record["message"] for record in failed.values())
    if done.code == 0:
        assert is_whole
        assert told["state"] == "complete"
    else:
        assert trial.case[:2] in _MAY_FAIL, (done.code, done.errors)
        assert done.code == (1 if failed else 5), done.errors
        assert done.errors.strip()
    proven = {key for key in trial.job.proven() if key in expected}
    assert {key: held.get(key) for key in proven} == {key: expected[key] for key in proven}
    assert done.fates("done").keys() == trial.job.proven().keys()
    assert trial.job.in_doubt() == {}


def sends_no_more_than_it_must(trial: Trial, rule: Rule) -> None:
    """A part that was struck is sent again, and not the object."""
    bodies = trial.room.moved.items()
    parts = sum(len(body) for key, body in bodies if key.startswith("parts/"))
    sent = trial.servers.target_proxy.bytes_sent("PUT", "partNumber=")
    assert sent <= parts + (rule.struck + _AT_ONCE) * PART


def ends_calm(trial: Trial, first: Done) -> None:
    """One further run at most, which sends nothing that was proven."""
    proven = {key for key in trial.job.proven() if key in trial.room.moved}
    again = trial.run()
    assert again.code == 0, again.errors
    assert trial.sent() & proven == set()
    if first.code == 0:
        assert trial.sent() == set()
        assert again.summary["done"] == 0
    else:
        assert trial.held() == trial.room.manifest
    assert trial.open_uploads() == []
    assert trial.job.remembered() == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("case", [*_CASES, *_MORE], ids=lambda case: case.id)
def test_a_fault_loses_nothing_and_is_told_as_it_was(
    case: Case, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = Trial(world, case, tmp_path / "job", capsys)
    matrix.empty(trial.servers, trial.room)
    rule = trial.arm()
    done = trial.run()
    assert rule.struck, "the fault never struck"
    tells_the_truth(trial, done)
    sends_no_more_than_it_must(trial, rule)
    ends_calm(trial, done)


def test_the_matrix_is_whole() -> None:
    whole, some = matrix.cases(), matrix.latin(matrix.cases())
    assert len(whole) == len(set(whole)) == 192
    assert len(some) == len(FAULTS) * len(OPERATIONS)
    assert {case.offset for case in some} == set(OFFSETS)
    assert set(EXTRA)
