"""The source loses what is proven at the target: asked for, after proof, and nothing else."""

from __future__ import annotations

import pytest

from faults.proxy import Exchange
from faults.syncing import Bodies, client_of, manifest, mixed_objects
from relay.jobs import RelayJob, adds_up, hop

pytestmark = pytest.mark.slow
_CLEARS = ("--once", "--source-delete-after-proof")


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(40, 21, multipart=1)


@pytest.fixture
def job(fresh: RelayJob, bodies: Bodies) -> RelayJob:
    """A source of its own."""
    fresh.source, fresh.said = f"source-of-{fresh.bucket}", _CLEARS
    fresh.pair.fill(bodies, fresh.source)
    return fresh


def left(job: RelayJob) -> set[str]:
    """What the source still holds."""
    listed = client_of(job.pair.source).list_objects_v2(Bucket=job.source)
    return {one["Key"] for one in listed.get("Contents", ())}


def brought(job: RelayJob) -> None:
    """Everything arrives, and nothing is cleared yet."""
    job.said = ("--once",)
    assert job.run().code == 0
    job.said = _CLEARS


def test_what_is_proven_goes_at_the_source(job: RelayJob, bodies: Bodies) -> None:
    done = job.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    assert hop(done, "clear")["done"] == len(bodies)
    assert left(job) == set()
    assert job.pair.held(job.bucket) == manifest(bodies)


def test_nothing_goes_unasked(job: RelayJob, bodies: Bodies) -> None:
    brought(job)

    assert left(job) == set(bodies)


def test_what_changes_in_the_last_moment_stays(job: RelayJob, bodies: Bodies) -> None:
    client, changed = client_of(job.pair.source), []

    def change(exchange: Exchange) -> None:
        client.put_object(Bucket=job.source, Key=exchange.seen.key, Body=b"newer")
        changed.append(exchange.seen.key)
        exchange.send(exchange.forward())

    brought(job)
    job.pair.source_proxy.add(change, method="HEAD", nth=3, times=1)

    done = job.run()

    assert done.code == 1, done.errors
    assert left(job) == set(changed)
    assert job.pair.held(job.bucket) == manifest(bodies)


def test_what_the_target_lost_in_the_last_moment_stays(job: RelayJob, bodies: Bodies) -> None:
    client, lost = client_of(job.pair.target), []

    def lose(exchange: Exchange) -> None:
        client.delete_object(Bucket=job.bucket, Key=exchange.seen.key)
        lost.append(exchange.seen.key)
        exchange.send(exchange.forward())

    brought(job)
    job.pair.target_proxy.add(lose, method="HEAD", nth=2, times=1)

    done = job.run()

    assert done.code == 1, done.errors
    assert left(job) == set(lost)
    assert len(job.pair.keys(job.bucket)) == len(bodies) - 1


def test_more_than_the_limit_is_refused_as_a_whole(job: RelayJob, bodies: Bodies) -> None:
    job.said = (*_CLEARS, "--max-delete", "10")

    done = job.run()

    assert done.code == 7
    assert "more than 10 objects at the source" in done.errors
    assert left(job) == set(bodies)


def test_a_listing_that_breaks_off_deletes_nothing(job: RelayJob, bodies: Bodies) -> None:
    def break_off(exchange: Exchange) -> None:
        exchange.send_only(exchange.forward(), 400)
        exchange.reset()

    brought(job)
    job.pair.target_proxy.add(break_off, method="GET", path="list-type")

    done = job.run()

    assert done.code != 0
    assert left(job) == set(bodies)


def test_what_failed_on_its_way_keeps_everything(job: RelayJob, bodies: Bodies) -> None:
    job.pair.target_proxy.add(Exchange.reset, method="PUT", path="folder-1/")

    done = job.run()

    assert done.code in (1, 5), done.errors
    assert left(job) == set(bodies)


def test_it_goes_with_once_alone(job: RelayJob) -> None:
    job.said = ("--source-delete-after-proof",)

    done = job.run()

    assert (done.code, "goes with --once" in done.errors) == (2, True)
