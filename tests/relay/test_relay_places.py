"""Volumes of a box in the field: copied, moved, given up, in each other's places."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import disks
from faults.syncing import MIB, SOURCE, Bodies, Done, manifest
from relay.jobs import RelayJob, stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return {f"folder/{number:02}": os.urandom(20_000) for number in range(24)}


def ask(job: RelayJob, verb: str) -> Done:
    places = (f"one:{SOURCE}/", f"two:{job.bucket}/") if verb != "status" else ()
    return job.finish(job.start("relay", verb, *places))


def test_a_copy_of_a_volume_is_refused(fresh: RelayJob, bodies: Bodies) -> None:
    one, two = fresh.volumes
    fresh.volumes = (one,)
    stage(fresh)
    shutil.copytree(one, two)
    fresh.volumes = (one, two)

    done = fresh.run()

    assert done.code == 7, done.errors
    assert "are copies of one volume; leave one of them out" in done.errors
    fresh.volumes = (one,)
    assert fresh.run().code == 0
    assert fresh.pair.held(fresh.bucket) == manifest(bodies)


def test_a_volume_that_moved_to_another_folder_is_found(fresh: RelayJob, bodies: Bodies) -> None:
    one, two = fresh.volumes
    fresh.volumes = (one,)
    stage(fresh)
    one.rename(two)
    fresh.volumes = (one, two)
    fresh.pair.source_proxy.forget()

    both = fresh.run()
    fresh.volumes = (two,)
    done = fresh.run()

    assert both.code == 7
    assert f"{one}: its volume is in {two} now" in both.errors
    assert done.code == 0, done.errors
    assert {seen.key for seen in fresh.pair.source_proxy.seen("GET")} & set(bodies) == set()


def test_a_volume_that_is_given_up_holds_up_nothing(fresh: RelayJob) -> None:
    one, two = fresh.volumes
    stage(fresh)
    shutil.rmtree(one)
    fresh.volumes = (two,)

    assert fresh.run().code == 0

    [told] = ask(fresh, "status").records
    assert [volume["folder"] for volume in told["volumes"]] == [str(two)]
    assert [ask(fresh, verb).code for verb in ("verify", "reset")] == [0, 0]


def test_a_memory_that_is_damaged_hides_no_relay(fresh: RelayJob) -> None:
    stage(fresh)
    [memory] = (fresh.state / "ledgers").glob("*.volumes")
    memory.write_text("{")

    [told] = ask(fresh, "status").records

    assert "does not say which volumes there were" in told["error"]


@disks.needs_root
def test_an_object_on_several_volumes_counts_once(fresh: RelayJob, tmp_path: Path) -> None:
    fresh.source = f"large-{os.getpid()}"
    fresh.pair.fill({"large": os.urandom(30 * MIB)}, fresh.source)
    fresh.said = ("--once", "--max-send", "1")
    with disks.tmpfs(tmp_path / "one", 24) as one, disks.tmpfs(tmp_path / "two", 24) as two:
        fresh.volumes = (one, two)
        assert fresh.run().code == 4

        [told] = ask(fresh, "status").records

    assert told["staged"]["objects"] == 1


def test_disks_that_changed_places_are_found(fresh: RelayJob, bodies: Bodies) -> None:
    one, two = fresh.volumes
    stage(fresh)
    fresh.pair.source_proxy.forget()
    one.rename(one.with_name("between"))
    two.rename(one)  # And the other one is not there now.
    missing = fresh.run()
    one.with_name("between").rename(two)

    done = fresh.run()

    assert missing.code == 4
    assert f"{two}: it is gone" in missing.errors
    assert done.code == 0, done.errors
    assert {seen.key for seen in fresh.pair.source_proxy.seen("GET")} & set(bodies) == set()
    assert fresh.pair.held(fresh.bucket) == manifest(bodies)
    assert fresh.staged_files() == []


@disks.needs_root
def test_what_a_given_up_volume_held_in_part_is_fetched_again(
    fresh: RelayJob, tmp_path: Path
) -> None:
    fresh.source = f"striped-{os.getpid()}"
    body = os.urandom(30 * MIB)
    fresh.pair.fill({"large": body}, fresh.source)
    one, two, three = (disks.tmpfs(tmp_path / name, 24) for name in ("one", "two", "three"))
    with one as first, two as second, three as third:
        fresh.volumes = (first, second)
        stage(fresh)
        fresh.volumes = (second, third)

        done = fresh.run()

        assert done.code == 0, done.errors
        assert fresh.pair.held(fresh.bucket) == manifest({"large": body})
        assert [path for path in fresh.staged_files() if path.suffix != ".json"] == []
