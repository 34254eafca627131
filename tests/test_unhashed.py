"""When a file is hashed instead of copied."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import BadListing, StoreError
from bucketline.flow.compare.pairs import Both, Verdict
from bucketline.flow.compare.unhashed import hashed_first
from bucketline.flow.drive import blocking
from bucketline.model import Entry
from bucketline.stores.base import Flow, Piece
from bucketline.stores.local import LocalStore
from bucketline.stores.local.attributes import ShortMemory
from flows import drive, entries
from shelf import Shelf

T = TypeVar("T")
HELLO = hashlib.md5(b"hello").hexdigest()
IN_PARTS = hashlib.md5(hashlib.md5(b"hello").digest()).hexdigest() + "-1"


class Driver:
    """Runs a flow to its end."""

    def call(self, flow: Flow[T]) -> T:
        return blocking(flow)


@pytest.fixture
def folder(tmp_path: Path) -> LocalStore:
    (tmp_path / "k").write_bytes(b"hello")
    later = FakeClock((tmp_path / "k").stat().st_ctime + 10)
    return LocalStore(str(tmp_path), ShortMemory(), clock=later)


def verdict(folder: LocalStore, etag: str, *, first: Verdict = Verdict.MODIFIED) -> Verdict:
    """Of the file against an object of this etag, whose ledger or time says `first`."""
    shelf = Shelf()
    shelf.put("k", b"hello", etag=etag)
    [mine] = entries(folder)
    there = [
        hashed_first(lambda _: [first], folder, shelf, Driver())([Both(mine, shelf.entries["k"])])
    ]
    back = [
        hashed_first(lambda _: [first], shelf, folder, Driver())([Both(shelf.entries["k"], mine)])
    ]
    assert there == back
    assert shelf.reads == 0
    [[found]] = there
    return found


@pytest.mark.parametrize("etag", [HELLO, IN_PARTS])
def test_a_file_of_the_same_bytes_is_not_copied_and_known_from_then_on(
    folder: LocalStore, etag: str
) -> None:
    assert verdict(folder, etag) is Verdict.SAME
    assert [entry.etag for entry in entries(folder)] == [etag]


def test_a_file_of_other_bytes_is_copied(folder: LocalStore) -> None:
    assert verdict(folder, "0" * 32) is Verdict.MODIFIED


@pytest.mark.parametrize("etag", ["opaque", f"{HELLO}-x"])
def test_an_etag_that_tells_nothing_leaves_it_as_it_was(folder: LocalStore, etag: str) -> None:
    assert verdict(folder, etag, first=Verdict.ETAG) is Verdict.ETAG


def test_a_file_whose_hash_is_known_is_not_read(folder: LocalStore, tmp_path: Path) -> None:
    folder.remember(drive(folder.read("k")).found.entry, HELLO)
    status = (tmp_path / "k").stat()

    assert verdict(folder, "0" * 32) is Verdict.MODIFIED
    assert (tmp_path / "k").stat().st_atime_ns == status.st_atime_ns


def test_a_file_that_is_known_by_its_parts_is_compared_as_a_whole(folder: LocalStore) -> None:
    folder.remember(drive(folder.read("k")).found.entry, IN_PARTS)

    assert verdict(folder, HELLO) is Verdict.SAME


def test_a_file_that_went_is_left_to_the_copy(folder: LocalStore, tmp_path: Path) -> None:
    [mine] = entries(folder)
    (tmp_path / "k").unlink()
    settle = hashed_first(lambda _: [Verdict.ETAG], folder, Shelf(), Driver())

    assert settle([Both(mine, Entry("k", 5, etag=HELLO))]) == [Verdict.ETAG]


def test_what_stops_a_run_stops_it_here_too(folder: LocalStore, tmp_path: Path) -> None:
    [mine] = entries(folder)

    class Failing(Shelf):
        def read(self, key: str, **_: Any) -> Flow[Piece]:
            yield from ()
            raise BadListing("gone")

    settle = hashed_first(lambda _: [Verdict.ETAG], Failing(), Shelf(), Driver())
    with pytest.raises(StoreError, match="gone"):
        settle([Both(mine, Entry("k", 5, etag=HELLO))])
