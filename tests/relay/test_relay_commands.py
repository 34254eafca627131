"""What is told of relays, and how one is forgotten."""

from __future__ import annotations

import threading

import pytest

from faults.proxy import Exchange
from faults.syncing import SOURCE, Bodies, Done, client_of, manifest, mixed_objects
from relay.jobs import RelayJob

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(60, 9)


@pytest.fixture
def job(fresh: RelayJob) -> RelayJob:
    """One that has fetched everything and sent nothing."""
    fresh.said = ("--once", "--max-send", "1")
    fresh.run()
    fresh.said = ("--once",)
    return fresh


def ask(job: RelayJob, verb: str, *words: str) -> Done:
    places = (f"one:{SOURCE}/", f"two:{job.bucket}/") if verb != "status" else ()
    return job.finish(job.start("relay", verb, *places, *words))


def test_status_tells_both_hops_and_what_is_staged(job: RelayJob, bodies: Bodies) -> None:
    [told] = ask(job, "status").records

    sent = told["forward"]["done"]
    assert told["running"] is False
    assert told["fetch"]["done"] == len(bodies)
    assert told["staged"]["objects"] == len(bodies) - sent
    assert told["staged"]["oldest"] > 0
    assert [volume["reason"] for volume in told["volumes"]] == ["", ""]
    staged = sum(path.stat().st_size for path in job.staged_files() if path.suffix != ".json")
    assert told["staged"]["bytes"] == staged


def test_status_can_be_asked_while_it_runs(job: RelayJob) -> None:
    told: list[bool] = []
    looked = threading.Event()

    def look(exchange: Exchange) -> None:
        looker = RelayJob(job.pair, job.state.with_name("looker"), job.bucket)
        words = ("--state", str(job.state / "ledgers"))
        try:
            done = looker.finish(looker.start("relay", "status", *words))
            told.extend(record["running"] for record in done.records)
        finally:
            looked.set()
        exchange.send(exchange.forward())

    def wait(exchange: Exchange) -> None:
        looked.wait()  # Else it may be at its end before the looker has so much as started.
        exchange.send(exchange.forward())

    job.pair.target_proxy.add(look, method="PUT", nth=5)
    job.pair.target_proxy.add(wait, method="PUT", start=6)

    assert job.run().code == 0
    assert told == [True]


def test_a_volume_that_is_away_is_told_by_status(job: RelayJob) -> None:
    job.volumes[0].rename(job.volumes[0].with_name("unplugged"))
    job.volumes = job.volumes[1:]

    [told] = ask(job, "status").records

    assert [volume["reason"] for volume in told["volumes"]] == ["it is not mounted", ""]


def test_verify_reads_every_staged_byte(job: RelayJob) -> None:
    whole = ask(job, "verify")
    large = max(job.staged_files(), key=lambda path: path.stat().st_size)
    damaged = bytearray(large.read_bytes())
    damaged[0] ^= 1
    large.write_bytes(damaged)

    done = ask(job, "verify")

    counts = whole.records[-1]["counts"]
    assert (whole.code, counts["sound"]) == (0, counts["source same"])
    assert done.code == 3
    assert done.records[-1]["counts"]["rotten"] == 1


def test_verify_tells_what_has_changed_at_the_source(job: RelayJob, bodies: Bodies) -> None:
    key = "parts/1"
    client = client_of(job.pair.source)
    try:
        client.put_object(Bucket=SOURCE, Key=key, Body=b"another")
        done = ask(job, "verify")
    finally:
        client.put_object(Bucket=SOURCE, Key=key, Body=bodies[key])

    states = {r["key"]: r["source"] for r in done.records if r["event"] == "object"}
    assert states[key] == "changed"


def test_reset_refuses_to_lose_what_is_staged(job: RelayJob, bodies: Bodies) -> None:
    staged = len(list(job.volumes[0].parent.glob("*/spool/*/*/*.json")))

    refused = ask(job, "reset")
    wrong = ask(job, "reset", "--discard-staged", f"{staged + 1}-objects")

    assert [refused.code, wrong.code] == [7, 7]
    assert f"--discard-staged {staged}-objects" in refused.errors
    assert len(job.staged_files()) > staged
    done = ask(job, "reset", "--discard-staged", f"{staged}-objects")
    assert done.code == 0, done.errors
    assert job.staged_files() == []
    assert job.run().code == 0
    assert job.pair.held(job.bucket) == manifest(bodies)


def test_a_relay_that_never_was_is_told_in_one_line(job: RelayJob) -> None:
    done = job.finish(job.start("relay", "verify", f"one:{SOURCE}/", "two:no-such-bucket/"))

    assert done.code == 2
    assert "knows no relay between these" in done.errors


_NAMED = ("relay", "run", "--name", "nightly", "--once")


def test_a_relay_of_the_configuration_is_called_by_its_name(job: RelayJob, bodies: Bodies) -> None:
    volume = job.state.with_name("by-name")
    volume.mkdir()
    job.configuration = f"""
jobs:
  nightly:
    source: "one:{SOURCE}/"
    target: "two:{job.bucket}/"
    relay:
      volumes: ["{volume}"]
      watermark: "95:80"
      every: 5m
"""

    done = job.finish(job.start(*_NAMED))

    assert done.code == 0, done.errors
    assert job.pair.held(job.bucket) == manifest(bodies)


def test_what_is_wrong_with_a_relay_of_the_configuration_is_told(job: RelayJob) -> None:
    job.configuration = """
jobs:
  nightly: {source: a, target: b, relay: {every: soon, watermark: half}}
"""

    done = job.finish(job.start(*_NAMED))

    assert done.code == 2
    assert all(word in done.errors for word in ("volumes", "every", "watermark"))
