"""A relay: everything arrives, nothing twice, and nothing is left on the volumes."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Event

import pytest

from faults.proxy import Exchange
from faults.syncing import MIB, SOURCE, Bodies, client_of, manifest, mixed_objects
from relay.jobs import RelayJob, adds_up, hop
from relay.test_relay_for_ever import until

_OBJECTS = 120


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(_OBJECTS, 4)


@pytest.fixture
def job(fresh: RelayJob) -> RelayJob:
    return fresh


def test_all_arrives_and_the_volumes_are_empty(job: RelayJob, bodies: Bodies) -> None:
    done = job.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    assert [hop(done, name)["done"] for name in ("fetch", "forward")] == [len(bodies)] * 2
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []


def test_run_again_moves_nothing(job: RelayJob, bodies: Bodies) -> None:
    job.run()
    for proxy in (job.pair.source_proxy, job.pair.target_proxy):
        proxy.forget()

    done = job.run()

    assert done.code == 0, done.errors
    assert (hop(done, "fetch")["skipped"], hop(done, "fetch")["done"]) == (len(bodies), 0)
    assert job.pair.target_proxy.seen("PUT") == []
    assert {seen.key for seen in job.pair.source_proxy.seen("GET")} & set(bodies) == set()


def test_attributes_come_along(job: RelayJob) -> None:
    client = client_of(job.pair.source)
    told = {"ContentType": "text/x-own", "CacheControl": "no-store", "Metadata": {"a": "b"}}
    client.put_object(Bucket=SOURCE, Key="attributes", Body=b"x", **told)
    try:
        job.said = ("--once", "--include", "attributes", "--exclude", "*")
        done = job.run()
    finally:
        client.delete_object(Bucket=SOURCE, Key="attributes")

    assert done.code == 0, done.errors
    there = client_of(job.pair.target).head_object(Bucket=job.bucket, Key="attributes")
    there["Metadata"] = {name.lower(): value for name, value in there["Metadata"].items()}
    assert {name: there[name] for name in told} == told


def test_what_was_fetched_is_not_fetched_again_when_the_target_was_away(
    job: RelayJob, bodies: Bodies
) -> None:
    job.said = ("--once", "--max-send", "1")
    first = job.run()
    staged = job.proven_by("fetch")
    assert first.code == 4
    assert len(staged) == len(bodies)
    assert len(job.pair.keys(job.bucket)) < len(bodies)
    job.pair.source_proxy.forget()
    job.said = ("--once",)

    done = job.run()

    assert done.code == 0, done.errors
    assert {seen.key for seen in job.pair.source_proxy.seen("GET")} & staged == set()
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []


def test_a_byte_that_flips_while_it_is_staged_is_never_delivered(
    job: RelayJob, bodies: Bodies
) -> None:
    job.said = ("--once", "--max-send", "1")
    job.run()
    victims = [path for path in job.staged_files() if path.stat().st_size > MIB]
    assert victims
    for path in victims:
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 0x40
        path.write_bytes(damaged)
    job.said = ("--once",)

    done = job.run()

    assert done.code == 0, done.errors
    waited = [r for r in done.records if r.get("hop") == "forward" and r.get("fate") == "waiting"]
    assert waited
    assert all("changed on the volume" in record["message"] for record in waited)
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []


def test_an_object_that_changes_at_the_source_is_brought_again(job: RelayJob) -> None:
    client = client_of(job.pair.source)
    job.said = ("--once", "--include", "changing", "--exclude", "*")
    try:
        for body in (b"first", b"second, longer", b"third one"):
            client.put_object(Bucket=SOURCE, Key="changing", Body=body)
            done = job.run()
            assert done.code == 0, done.errors
            there = client_of(job.pair.target).get_object(Bucket=job.bucket, Key="changing")
            assert there["Body"].read() == body
    finally:
        client.delete_object(Bucket=SOURCE, Key="changing")


def test_a_volume_that_is_not_mounted_is_waited_for(job: RelayJob, bodies: Bodies) -> None:
    job.said = ("--once", "--max-send", "1")
    job.run()
    unplugged = job.volumes[0].with_name("unplugged")
    job.volumes[0].rename(unplugged)
    job.said = ("--once",)

    done = job.run()

    assert done.code == 4, done.errors
    assert "is it mounted?" in done.errors
    assert list(job.volumes[0].iterdir()) == []
    job.volumes[0].rmdir()
    unplugged.rename(job.volumes[0])
    job.pair.source_proxy.forget()

    done = job.run()

    assert done.code == 0, done.errors
    assert {seen.key for seen in job.pair.source_proxy.seen("GET")} & set(bodies) == set()
    assert job.pair.held(job.bucket) == manifest(bodies)
    assert job.staged_files() == []


def test_a_second_relay_on_the_same_volumes_says_so_and_leaves(job: RelayJob) -> None:
    done: list[int] = []

    def start_another(exchange: Exchange) -> None:
        other = RelayJob(job.pair, job.state.with_name("other"), job.bucket, volumes=job.volumes)
        second = other.run()
        assert "another relay uses this volume" in second.errors
        done.append(second.code)
        exchange.send(exchange.forward())

    job.pair.source_proxy.add(start_another, nth=3, times=1)

    first = job.run()

    assert first.code == 0, first.errors
    assert done == [7]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--volume is missing"),
        (("--volume", "/proc/no-such-folder"), "no such folder"),
        (("--volume", ".", "--volume", "./"), "overlaps another volume"),
        (("--watermark", "70:90", "--volume", "."), "write HIGH:LOW"),
    ],
)
def test_bad_volumes_are_told_in_one_line(job: RelayJob, words: tuple[str, ...], said: str) -> None:
    places = (f"one:{SOURCE}/", f"two:{job.bucket}/")

    done = job.finish(job.start("relay", "run", *places, "--once", *words))

    assert done.code == 2
    assert said in done.errors
    assert "Traceback" not in done.errors


def test_a_service_manager_hears_when_it_is_ready_and_when_it_ends(
    job: RelayJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert job.run().code == 0
        listener.setblocking(False)
        heard = [listener.recv(1000).decode() for _ in range(3)]

    assert heard[0].startswith("READY=1")
    assert heard[1].startswith("STATUS=last fetch complete")
    assert heard[2] == "STOPPING=1"


def test_what_arrives_after_the_target_was_listed_is_not_fetched_again(
    job: RelayJob, bodies: Bodies
) -> None:
    job.said = ("--once", "--max-send", "1")
    assert job.run().code == 4
    staged = job.proven_by("fetch") - job.proven_by("forward")
    assert staged
    source, target, was_listed = job.pair.source_proxy, job.pair.target_proxy, Event()
    source.forget()

    def listed(exchange: Exchange) -> None:
        """The answer comes late: all has arrived by then, and has gone from the volumes."""
        told = exchange.forward()
        was_listed.set()
        until(lambda: job.pair.keys(job.bucket) == set(bodies) and not job.staged_files())
        exchange.send(told)

    def later(exchange: Exchange) -> None:
        assert was_listed.wait(30)
        exchange.send(exchange.forward())

    target.add(listed, path="list-type", times=1)
    target.add(later, method="PUT")
    job.said = ("--once",)

    done = job.run()

    assert done.code == 0, done.errors
    assert {seen.key for seen in source.seen("GET")} & set(bodies) == set()
    assert job.pair.held(job.bucket) == manifest(bodies)
