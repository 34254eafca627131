"""A box that has lost the ledgers of a relay, or whose disk has damaged them."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.syncing import MIB, Bodies, client_of, manifest, mixed_objects
from relay.jobs import RelayJob, adds_up, hop
from relay.test_relay_for_ever import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(60, 8, multipart=1)


@pytest.fixture
def staged(fresh: RelayJob, bodies: Bodies) -> RelayJob:
    """All of it is staged, and nothing was sent."""
    proxy = fresh.pair.target_proxy
    fresh.said = ("--every", "1s")
    proxy.go_away()
    process = fresh.start()
    try:
        until(lambda: len(fresh.proven_by("fetch")) == len(bodies))
    finally:
        process.kill()
        process.wait()
        proxy.come_back()
    fresh.said = ("--once",)
    fresh.pair.source_proxy.forget()
    proxy.forget()
    return fresh


def ledger_of(job: RelayJob, name: str) -> Path:
    (found,) = (job.state / "ledgers").glob(f"relay-{name}*.ledger")
    return found


def delivered_by_another(job: RelayJob, bodies: Bodies) -> set[str]:
    """What arrived without a word of it in a ledger."""
    keys = {key for key in sorted(bodies)[::2] if len(bodies[key]) < MIB}
    for key in keys:
        client_of(job.pair.target).put_object(Bucket=job.bucket, Key=key, Body=bodies[key])
    return keys


def repaired(job: RelayJob, *words: str) -> tuple[int, str]:
    places = (f"one:{job.source}/", f"two:{job.bucket}/")
    done = job.finish(job.start("relay", "repair", *places, *words))
    assert adds_up(done)
    return done.code, done.errors


def ends_well(job: RelayJob, bodies: Bodies, there: set[str]) -> None:
    job.pair.target_proxy.forget()
    done = job.run()
    assert done.code == 0, done.errors
    assert {seen.key for seen in job.pair.source_proxy.seen("GET")} & set(bodies) == set()
    assert {seen.key for seen in job.pair.target_proxy.seen("PUT")} & there == set()
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []


def test_lost_ledgers_are_made_anew(staged: RelayJob, bodies: Bodies) -> None:
    there = delivered_by_another(staged, bodies)
    for name in ("fetch", "forward"):
        ledger_of(staged, name).unlink()

    code, errors = repaired(staged)

    assert code == 4, errors  # What did not arrive waits for the next run.
    assert staged.proven_by("fetch") == set(bodies)
    assert staged.proven_by("forward") == there
    ends_well(staged, bodies, there)


def test_a_state_folder_that_is_gone_is_made_anew(staged: RelayJob, bodies: Bodies) -> None:
    there = delivered_by_another(staged, bodies)
    for path in (staged.state / "ledgers").iterdir():
        path.unlink()

    assert repaired(staged)[0] == 2  # Nobody knows the volumes.
    code, errors = repaired(
        staged, *(word for one in staged.volumes for word in ("--volume", str(one)))
    )

    assert code == 4, errors
    ends_well(staged, bodies, there)


@pytest.mark.parametrize("name", ["fetch", "forward"])
def test_a_damaged_ledger_is_told_and_put_aside(
    name: str, staged: RelayJob, bodies: Bodies
) -> None:
    path = ledger_of(staged, name)
    path.write_bytes(b"what a failing disk left" * 1_000)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    run, status = staged.run(), staged.finish(staged.start("relay", "status"))
    assert (run.code, status.code) == (6, 6)
    assert "it is damaged" in run.errors
    assert "relay repair" in status.errors

    code, errors = repaired(staged)

    assert code in (0, 4), errors
    assert "put aside" in errors
    assert path.with_name(f"{path.name}.damaged-1").exists()
    assert staged.finish(staged.start("relay", "status")).code == 0
    ends_well(staged, bodies, set())


def test_what_is_whole_is_left_alone(staged: RelayJob) -> None:
    before = staged.proven_by("fetch")

    code, errors = repaired(staged)

    assert (code, "nothing to repair" in errors) == (0, True)
    assert staged.proven_by("fetch") == before
    assert hop(staged.run(), "forward")["failed"] == 0
