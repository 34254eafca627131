"""Where exchanges are sent from, and how the wire tells silence from nobody being there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bucketline.clock import SystemClock
from bucketline.errors import Broken, Unreachable
from bucketline.flow.drive import blocking as call
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.base import Request
from bucketline.stores.s3.store import S3Store
from contracts.test_wire import IMPATIENT, ROUTE, ask, failure, get
from faults.http import Message, answer
from faults.raw import RawServer


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as raw:
        yield raw


@pytest.mark.slow
def test_an_upload_that_nobody_takes_is_broken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/b/k"

        assert failure(Request("PUT", url, [], IMPATIENT, bytes(32 << 20))) is Broken


def test_silence_on_a_connection_that_was_used_before_is_broken_too() -> None:
    told: list[Message | None] = [answer(200, b"fine"), None]

    with RawServer(lambda _: told.pop(0)) as server:
        ask(get(f"{server.url}/b/k", IMPATIENT))

        assert failure(get(f"{server.url}/b/k", IMPATIENT)) is Broken
        assert server.connections == 1


def test_each_endpoint_is_reached_from_its_own_address(server: RawServer) -> None:
    keys = Keys("demo-access", Secret("demo-secret-not-real"))
    remote = Remote(
        endpoints=(server.url,) * 3, source_addresses=("127.0.0.2", "", "127.0.0.3"), keys=keys
    )
    store = S3Store(remote, "bucket", clock=SystemClock())

    for number in range(9):
        call(store.write(f"k{number}", b"bytes"))

    assert sorted(server.peers) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert min(one.requests for one in store.pool.counts()) >= 1


def test_one_of_two_remotes_is_reached_from_an_address_of_its_own(server: RawServer) -> None:
    keys = Keys("demo-access", Secret("demo-secret-not-real"))
    remotes = [
        Remote(name, (server.url,), keys=keys, source_address=address)
        for name, address in {"one": "127.0.0.4", "two": "127.0.0.5"}.items()
    ]

    for remote in remotes:
        call(S3Store(remote, "bucket", clock=SystemClock()).write("k", b"bytes"))

    assert server.peers == ["127.0.0.4", "127.0.0.5"]


def test_an_address_that_is_not_ours_is_unreachable(server: RawServer) -> None:
    assert failure(get(server.url, replace(ROUTE, source_address="192.0.2.1"))) is Unreachable
