"""A node's list goes to the disk as it comes: whole, from one attempt, however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.engines.ring.client import Client
from bucketline.engines.ring.listing import _Spool, list_keys
from bucketline.errors import DiskError
from bucketline.flow.drive import blocking
from bucketline.stores.base import Route
from ring.services import Services, serve
from ring.sites import HASTE, opened
from ring.world import World

LIST = "/listkeys?dso=R&vnode=4244&mtime_min=0&mtime_max=9999999999"


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with serve(World(7, 40)) as found:
        yield found


class Taken:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.attempts = 0

    def begin(self) -> None:
        self.attempts += 1
        self.pieces.clear()

    def take(self, data: bytes) -> None:
        self.pieces.append(data)


def test_a_body_that_goes_elsewhere_is_not_kept_in_memory(services: Services) -> None:
    taken, client = Taken(), Client(services.url, Route(), HASTE)

    answer = blocking(client.ask("GET", LIST, into=taken))
    plain = blocking(client.ask("GET", LIST))

    assert (answer.body, b"".join(taken.pieces)) == (b"", bytes(plain.body))


def test_what_a_failed_attempt_brought_is_forgotten(services: Services) -> None:
    taken, client = Taken(), Client(services.url, Route(), HASTE._replace(tries=100))
    services.random.seed(5)
    services.faults = {"listkeys": 0.9}
    blocking(client.ask("GET", LIST, into=taken))
    services.faults = {}

    assert taken.attempts > 1
    assert b"busy" not in b"".join(taken.pieces)


def test_every_chunk_is_listed_with_what_is_too_new_apart(
    services: Services, tmp_path: Path
) -> None:
    with opened(services, tmp_path) as found:
        list_keys(found)
        rows = found.engine.rows("SELECT main, is_new FROM listkeys", found.files("listkeys"))
        told = Counter(rows)
        begun, cutoff = int(found.begun), found.cutoff

    held = services.world.stored.values()
    assert {main for main, _ in told} == {one.main for one in held if one.chunks}
    assert {main for main, is_new in told if is_new} == {
        one.main for one in held if cutoff <= one.mtime <= begun
    }


def test_a_disk_without_room_for_a_list_is_one_line() -> None:
    with Path("/dev/full").open("wb", buffering=0) as file:
        spool = _Spool(file)
        spool.take(b"something")
        with pytest.raises(DiskError, match="n1: its list cannot be kept") as caught:
            next(spool.lines("n1"))
    assert "\n" not in str(caught.value)
