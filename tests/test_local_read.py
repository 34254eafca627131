"""Files that come in parts, reading, and what belongs to a file beside its bytes."""

from __future__ import annotations

import errno
import os
import time
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from bucketline.errors import (
    BadRequest,
    Changed,
    Denied,
    DiskFault,
    NoRoom,
    NotFound,
    StoreError,
    Unholdable,
)
from bucketline.model import Attributes
from bucketline.stores.local import LocalStore, ShortMemory
from bucketline.stores.local.attributes import from_seconds, to_seconds
from bucketline.stores.local.paths import cause, why_unholdable
from flows import HELLO_MD5, drive, entries, listed, put_in_parts


def test_parts_in_any_order_become_a_file_all_at_once(store: LocalStore, root: Path) -> None:
    drive(store.write("k", b"old"))
    upload = drive(store.begin("k", 10, attributes=Attributes(metadata={"mtime": "1500000000"})))
    world = drive(store.part("k", upload, 2, b"world", offset=5))
    drive(store.part("k", upload, 1, b"other", offset=0))
    hello = drive(store.part("k", upload, 1, b"hello", offset=0))
    assert drive(store.read("k")).body == b"old"
    receipt = drive(store.finish("k", upload, [hello.etag, world.etag]))
    digests = bytes.fromhex(hello.etag + world.etag)
    assert receipt.etag == f"{md5(digests).hexdigest()}-2"
    assert drive(store.finish("k", upload, [hello.etag, world.etag])) == receipt
    assert drive(store.read("k")).body == b"helloworld"
    assert (root / "k").stat().st_mtime == 1_500_000_000
    assert [path.name for path in root.iterdir()] == ["k"]


def test_parts_that_do_not_make_the_whole_are_refused(store: LocalStore, root: Path) -> None:
    upload = drive(store.begin("k", 10))
    drive(store.part("k", upload, 1, b"hello", offset=0))
    for etags in ([HELLO_MD5], [HELLO_MD5, HELLO_MD5], []):
        with pytest.raises(BadRequest):
            drive(store.finish("k", upload, etags))
    with pytest.raises(BadRequest):
        drive(store.part("k", upload, 2, b"too long", offset=5))
    assert listed(store) == []
    drive(store.abandon("k", upload))
    drive(store.abandon("k", upload))
    assert list(root.iterdir()) == []
    with pytest.raises(NotFound):
        drive(store.part("k", upload, 1, b"hello", offset=0))


def test_attributes_are_kept_beside_the_bytes(store: LocalStore, root: Path) -> None:
    attributes = Attributes(
        {"content-type": "text/plain", "cache-control": "no-cache"},
        {"mtime": "1500000000.123456789", "owner": "jürgen"},
        {"class": "a b"},
        "COLD",
    )
    drive(store.write("k", b"hello", attributes=attributes))
    if not store.able.metadata:
        pytest.skip("this file system keeps no attributes")
    assert drive(store.stat("k")).attributes == attributes
    assert drive(store.tags("k")) == {"class": "a b"}
    assert (root / "k").stat().st_mtime_ns == 1_500_000_000_123_456_789


def test_metadata_that_a_file_cannot_hold_is_refused(store: LocalStore, root: Path) -> None:
    with pytest.raises(Unholdable, match="so much metadata"):
        drive(store.write("k", b"", attributes=Attributes(metadata={"a": "x" * 4000})))
    assert list(root.iterdir()) == []


def test_a_plain_file_tells_its_time_in_its_metadata(store: LocalStore, root: Path) -> None:
    (root / "k").write_text("hello")
    os.utime(root / "k", ns=(0, 1_600_000_000_000_000_001))
    found = drive(store.stat("k"))
    assert found.attributes == Attributes(metadata={"mtime": "1600000000.000000001"})
    # It came here now, whatever its time: a target must not look older than its source for ever.
    assert found.entry.modified == pytest.approx(time.time(), abs=3600)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1700000000.123456789", 1_700_000_000_123_456_789),
        ("1700000000.5", 1_700_000_000_500_000_000),
        ("0", 0),
        ("-1.25", -1_250_000_000),
        ("1.1234567891", 1_123_456_789),
        ("", None),
        ("yesterday", None),
        ("1e9", None),
        ("1.", None),
        ("9" * 30, None),
    ],
)
def test_times_are_read_in_rclones_form(text: str, nanoseconds: int | None) -> None:
    assert from_seconds(text) == nanoseconds
    if nanoseconds is not None:
        assert from_seconds(to_seconds(nanoseconds)) == nanoseconds


def test_a_pinned_read_says_changed_when_the_file_is_another(store: LocalStore, root: Path) -> None:
    drive(store.write("k", b"hello"))
    etag = drive(store.stat("k")).entry.pin
    assert drive(store.read("k", start=1, size=2, etag=etag)).body == b"el"
    drive(store.write("k", b"world"))
    with pytest.raises(Changed):
        drive(store.read("k", start=3, size=2, etag=etag))
    etag = drive(store.read("k")).found.entry.pin
    os.utime(root / "k", ns=(1, 1))
    with pytest.raises(Changed):
        drive(store.read("k", etag=etag))


def test_a_file_that_changes_while_it_is_read_is_not_handed_over(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(store.write("k", b"hello"))
    pread = os.pread

    def and_change(*args: Any) -> bytes:
        body = pread(*args)
        with (root / "k").open("ab") as file:
            file.write(b"!")
        return body

    monkeypatch.setattr(os, "pread", and_change)
    with pytest.raises(Changed):
        drive(store.read("k"))


def test_ranges_end_where_the_file_ends(store: LocalStore) -> None:
    drive(store.write("k", b"hello"))
    assert drive(store.read("k", start=3, size=30)).body == b"lo"
    assert drive(store.read("k", start=9, size=1)).body == b""
    assert drive(store.read("k", size=0)).found.entry.size == 5


def test_a_remembered_hash_is_listed_until_the_file_changes(root: Path) -> None:
    store = LocalStore(str(root), ShortMemory())
    drive(store.write("k", b"hello"))
    parts = put_in_parts(store, "p", [b"ab", b"c"]).etag
    assert [entry.etag for entry in entries(store)] == [HELLO_MD5, parts]
    assert drive(store.read("k", etag=HELLO_MD5)).body == b"hello"
    os.utime(root / "k", ns=(1, 1))
    assert [entry.etag for entry in entries(store)] == ["", parts]
    with pytest.raises(Changed):
        drive(store.read("k", etag=HELLO_MD5))
    assert [entry.etag for entry in entries(LocalStore(str(root)))] == ["", ""]


def test_a_folder_keeps_no_versions(store: LocalStore) -> None:
    drive(store.write("k", b"hello"))
    with pytest.raises(NotFound):
        drive(store.read("k", version="1"))
    drive(store.delete("k", version="1"))
    assert listed(store) == ["k"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.EACCES, Denied),
        (errno.ENOSPC, NoRoom),
        (errno.EDQUOT, NoRoom),
        (errno.EROFS, DiskFault),
        (errno.EIO, DiskFault),
        (errno.ENOENT, NotFound),
        (errno.EISDIR, Unholdable),
        (errno.ENAMETOOLONG, Unholdable),
    ],
)
def test_what_the_system_says_becomes_a_cause(code: int, kind: type[StoreError]) -> None:
    told = cause(OSError(code, os.strerror(code)), "/folder/", "k")
    assert type(told) is kind
    assert str(told).startswith("/folder/k: ")


def test_a_full_disk_is_told_and_leaves_nothing(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(NoRoom):
        drive(store.write("a/k", b"hello"))
    assert list(root.iterdir()) == []


def test_a_path_is_too_long_only_with_its_root() -> None:
    key = "/".join(["x" * 200] * 20)
    assert why_unholdable(key, 10) == ""
    assert "too long" in why_unholdable(key, 200)
