"""Files that older tools left are taken instead of fetched, if they prove to be the objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.syncing import Bodies, manifest, mixed_objects
from relay.jobs import RelayJob, adds_up

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(60, 33)


@pytest.fixture
def left(tmp_path: Path, bodies: Bodies) -> Path:
    """A folder with half of the objects as files, and one that is nobody's."""
    folder = tmp_path / "volume-01"
    for key in [*list(bodies)[::2], "parts/0", "parts/1"]:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bodies[key])
    (folder / "nobody").write_bytes(b"x")
    return folder


@pytest.fixture
def job(fresh: RelayJob, left: Path) -> RelayJob:
    fresh.said = ("--once", "--adopt", str(left))
    return fresh


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_there_is_not_fetched(job: RelayJob, left: Path, bodies: Bodies) -> None:
    there = names(left)

    done = job.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    read = {seen.key for seen in job.pair.source_proxy.seen("GET")}
    assert read & there == set()
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert names(left) == {"nobody"}


def test_a_file_that_is_not_the_object_is_left_and_the_object_fetched(
    job: RelayJob, left: Path, bodies: Bodies
) -> None:
    whole = {name for name in names(left) & set(bodies) if bodies[name]}
    for name in whole:  # As many bytes, and one of them is wrong.
        damaged = bytearray(bodies[name])
        damaged[len(damaged) // 2] ^= 1
        (left / name).write_bytes(damaged)

    done = job.run()

    assert done.code == 0, done.errors
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert whole <= names(left)


def test_a_file_that_is_cut_short_is_left(job: RelayJob, left: Path, bodies: Bodies) -> None:
    (left / "parts/0").write_bytes(bodies["parts/0"][:-1])

    done = job.run()

    assert done.code == 0, done.errors
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert names(left) == {"nobody", "parts/0"}


def test_a_folder_that_is_not_there_is_told(job: RelayJob) -> None:
    job.said = ("--once", "--adopt", "/no/such/folder")

    done = job.run()

    assert (done.code, "no such folder" in done.errors) == (2, True)
