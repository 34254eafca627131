"""The doctor finds out what a place can do, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bucketline.clock import SystemClock
from bucketline.engines.doctor import Finding, examine, try_writes
from bucketline.flow.drive import Drive, blocking, open_drive
from bucketline.settings import Remote
from bucketline.stores.memory import MemoryStore
from bucketline.stores.s3 import S3Store
from faults.http import answer
from faults.raw import RawServer
from servers import Endpoint

CLOCK = SystemClock()


@pytest.fixture
def drive() -> Iterator[Drive]:
    opened = open_drive()
    yield opened
    opened.close()


def answers(findings: Iterator[Finding]) -> dict[str, str]:
    return {finding.about: finding.answer for finding in findings}


def test_a_place_in_memory_is_healthy_and_left_as_it_was(drive: Drive) -> None:
    store = MemoryStore()
    blocking(store.write("a", b"hello"))

    reads = answers(examine(store, "", drive, CLOCK))
    writes = answers(try_writes(store, "scratch/", drive, CLOCK))

    assert reads["may list"] == reads["lists in key order"] == reads["reads ranges"] == "yes"
    assert "certificate trusted" not in reads
    assert "no" not in writes.values()
    assert writes["holds odd keys"] == writes["deletes"] == "yes"
    assert [entry.key for entry in blocking(store.page()).entries] == ["a"]


def test_a_server_is_asked_first_and_its_gaps_are_found(drive: Drive, rclone: Endpoint) -> None:
    store = S3Store(rclone.remote(), "doctor", clock=CLOCK)
    blocking(store.create_bucket())
    blocking(store.write("a", b"hello"))

    reads = answers(examine(store, "", drive, CLOCK))
    writes = answers(try_writes(store, "scratch/", drive, CLOCK))

    assert reads["listing version"] == "V2"
    assert reads["credentials accepted"] == reads["bucket exists"] == "yes"
    assert writes["etag is the MD5"] == writes["refuses bytes with a wrong MD5"] == "yes"
    assert writes["refuses to replace (If-None-Match)"] == writes["keeps tags"] == "no"


def test_a_web_page_is_reached_and_nothing_else_is_known(drive: Drive) -> None:
    with RawServer(lambda _: answer(200, b"<html>Hi</html>")) as server:
        store = S3Store(Remote(endpoints=(server.url,), anonymous=True), "b", clock=CLOCK)
        found = list(examine(store, "", drive, CLOCK))

    assert [finding.answer for finding in found] == ["yes", "?", "?", "?", "?", "?", "no"]
    assert "a web page answers, and no S3 service" in found[-1].detail


def test_a_missing_bucket_says_how_far_the_way_goes(drive: Drive, rclone: Endpoint) -> None:
    store = S3Store(rclone.remote(), "not-there", clock=CLOCK)

    found = answers(examine(store, "", drive, CLOCK))

    assert found == {
        "reachable": "yes",
        "certificate trusted": "yes",
        "clock agrees": "yes",
        "credentials accepted": "yes",
        "bucket exists": "no",
        "may list": "?",
    }
