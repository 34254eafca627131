"""What a folder remembers of its files' bytes, and what it does not believe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Changed
from bucketline.stores.local import LocalStore
from bucketline.stores.local.attributes import ShortMemory, stamp_read
from flows import drive, entries, put_in_parts

MD5 = "5d41402abc4b2a76b9719d911017c592"
SECOND = 1_000_000_000


def store_at(root: Path, seconds_later: float, memory: ShortMemory | None = None) -> LocalStore:
    """A store whose clock shows some seconds after the file `k` was last changed."""
    clock = FakeClock((root / "k").stat().st_ctime + seconds_later)
    return LocalStore(str(root), memory or ShortMemory(), clock=clock)


@pytest.fixture
def hello(root: Path) -> Path:
    root.mkdir()
    (root / "k").write_bytes(b"hello")
    return root


def learn(store: LocalStore) -> list[str]:
    """Read the file, say what was read; what is listed then."""
    store.remember(drive(store.read("k")).found.entry, MD5)
    return [entry.etag for entry in entries(store)]


def test_what_was_hashed_is_listed(hello: Path) -> None:
    assert learn(store_at(hello, 10)) == [MD5]


def test_what_changed_a_moment_before_it_was_read_is_not_believed(hello: Path) -> None:
    """Its next change could fall into the same tick of the file system's clock."""
    store = store_at(hello, 0.001)
    piece = drive(store.read("k"))

    assert learn(store) == [""]
    assert piece.found.entry.pin != next(entries(store)).pin
    assert drive(store.read("k", etag=piece.found.entry.pin)).body == b"hello"


def test_a_clock_that_was_set_back_makes_nothing_believed(hello: Path) -> None:
    assert learn(store_at(hello, -3600)) == [""]


@pytest.mark.parametrize(("age", "is_believed"), [(1.0, False), (3.0, True)])
def test_a_file_system_of_whole_seconds_is_given_more_time(age: float, is_believed: bool) -> None:
    whole = os.stat_result(
        (0, 1, 1, 1, 0, 0, 5, 0, 0, 0), {"st_mtime_ns": 7 * SECOND, "st_ctime_ns": 7 * SECOND}
    )

    assert stamp_read(whole, 7 + age).endswith("~") is not is_believed


def test_a_file_that_changed_since_it_was_read_is_not_taken_for_it(hello: Path) -> None:
    store = store_at(hello, 10)
    entry = drive(store.read("k")).found.entry
    (hello / "k").write_bytes(b"other")
    store.remember(entry, MD5)
    assert [entry.etag for entry in entries(store)] == [""]

    (hello / "k").unlink()
    store.remember(entry, MD5)
    assert list(entries(store)) == []


def test_an_edit_whose_time_is_set_back_is_another_file(hello: Path) -> None:
    store = store_at(hello, 10)
    assert learn(store) == [MD5]
    before = (hello / "k").stat()
    (hello / "k").write_bytes(b"jello")
    os.utime(hello / "k", ns=(before.st_atime_ns, before.st_mtime_ns))

    [entry] = entries(store)
    assert entry.etag == ""
    with pytest.raises(Changed):
        drive(store.read("k", etag=MD5))


def test_a_link_is_known_by_the_file_it_stands_for(hello: Path) -> None:
    (hello / "link").symlink_to("k")
    store = store_at(hello, 10)
    entry = drive(store.read("link")).found.entry
    store.remember(entry, MD5)

    assert [entry.etag for entry in entries(store)] == [MD5, MD5]


def test_what_is_written_is_known_by_its_receipt(root: Path) -> None:
    store = LocalStore(str(root), ShortMemory())
    one = drive(store.write("k", b"hello"))
    parts = put_in_parts(store, "p", [b"ab", b"c"])

    assert [(entry.etag, entry.pin) for entry in entries(store)] == [
        (MD5, one.pin),
        (parts.etag, parts.pin),
    ]
    assert "" not in {one.stamp, parts.stamp}
