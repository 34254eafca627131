"""Files appear whole or not at all, and are on the disk when they are said to be."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from hashlib import md5
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bucketline.errors import (
    Conflict,
    DiskFault,
    Mismatch,
    StoreError,
    Unholdable,
)
from bucketline.stores.local import LocalStore
from flows import HELLO_MD5, drive, listed, put_in_parts


def test_a_receipt_has_the_md5_of_what_was_written(store: LocalStore) -> None:
    assert drive(store.write("k", b"hello")).etag == HELLO_MD5
    large = b"x" * 300_000
    assert drive(store.write("large", large)).etag == md5(large).hexdigest()
    assert drive(store.read("large")).body == large


@pytest.mark.parametrize("size", [5, 4_096, 300_000, 3 << 20])
def test_a_receipt_is_of_the_bytes_that_the_disk_gives_back(
    size: int, store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, body = os.pwrite, b"x" * size

    def lying(file: int, data: Any, offset: int) -> int:
        """Keeps another byte than the last one that it was handed, and says that all is well."""
        return write(file, bytes(data[:-1]) + b"!", offset)

    upload = drive(store.begin("parts", size))
    monkeypatch.setattr(os, "pwrite", lying)
    digest = md5(body).digest()
    with pytest.raises(Mismatch):
        drive(store.write("k", body, md5=digest))
    with pytest.raises(Mismatch):
        drive(store.part("parts", upload, 1, body, offset=0, md5=digest))
    assert drive(store.write("k", body)).etag == md5(body[:-1] + b"!").hexdigest()
    drive(store.abandon("parts", upload))
    assert [path.name for path in root.iterdir()] == ["k"]


def test_a_conditional_write_spares_what_is_there(store: LocalStore) -> None:
    drive(store.write("k", b"hello", if_absent=True))
    with pytest.raises(Conflict):
        drive(store.write("k", b"world", if_absent=True))
    assert drive(store.read("k")).body == b"hello"


class Recorder:
    """Notes the calls that make things durable, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        for name in ("fdatasync", "rename", "fsync", "unlink"):
            monkeypatch.setattr(os, name, self._noted(name, getattr(os, name)))

    def _noted(self, name: str, call: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            return call(*args, **kwargs)

        return noted


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_answer(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(store.write("a/old", b""))
    recorder = Recorder(monkeypatch)
    drive(store.write("a/k", b"hello"))
    assert recorder.calls == ["fdatasync", "rename", "fsync"]
    recorder.calls.clear()
    drive(store.write("new/er/k", b"hello"))  # The new folders, and those that hold them.
    assert recorder.calls == ["fdatasync", "rename", "fsync", "fsync", "fsync"]
    recorder.calls.clear()
    drive(store.delete("a/old"))
    assert recorder.calls == ["unlink", "fsync"]


def test_a_failing_disk_leaves_the_old_bytes_and_nothing_else(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(store.write("k", b"old"))

    def fail(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    for body in (b"new", b"n" * 300_000):
        with pytest.raises(DiskFault):
            drive(store.write("k", body))
    with pytest.raises(DiskFault):
        put_in_parts(store, "k", [b"ne", b"w"])
    assert [path.name for path in root.iterdir()] == ["k"]
    assert drive(store.read("k")).body == b"old"


def test_many_writes_at_once_all_arrive_and_one_that_cannot_hurts_no_other(
    store: LocalStore,
) -> None:
    drive(store.write("dir/file", b"x"))
    outcomes: dict[str, Any] = {}

    def work(number: int) -> None:
        for index in range(20):
            key = f"{index % 3}/{number}-{index}"
            outcomes[key] = drive(store.write(key, key.encode())).etag
            with pytest.raises(Unholdable):
                drive(store.write("dir", b"never"))

    threads = [Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 160
    assert listed(store) == sorted([*outcomes, "dir/file"])
    assert all(etag == md5(key.encode()).hexdigest() for key, etag in outcomes.items())
    assert all(drive(store.read(key)).body == key.encode() for key in outcomes)


def test_writing_into_a_folder_that_others_empty_all_the_time_succeeds(store: LocalStore) -> None:
    def work(name: str) -> None:
        for _ in range(100):
            drive(store.write(f"a/b/{name}", b"x"))
            drive(store.delete(f"a/b/{name}"))

    errors: list[Exception] = []

    def guarded(name: str) -> None:
        try:
            work(name)
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=guarded, args=[name]) for name in "cdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert listed(store) == []


KILLED = """
import os, sys
from bucketline.stores.local import LocalStore
store = LocalStore(sys.argv[1])
os.rename = lambda *_, **__: os._exit(9)
flow = store.write("k", b"new bytes")
next(flow).call()
"""


def test_a_process_killed_before_the_rename_leaves_the_old_bytes_and_is_cleared_up_after(
    store: LocalStore, root: Path
) -> None:
    drive(store.write("k", b"old"))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(root)], check=False, timeout=60)
    assert killed.returncode == 9
    assert len(list(root.iterdir())) == 2
    other = LocalStore(str(root))
    assert listed(other) == ["k"]
    assert drive(other.read("k")).body == b"old"
    assert len(list(root.iterdir())) == 2  # Looking changes nothing.
    drive(other.write("other", b""))
    assert sorted(path.name for path in root.iterdir()) == ["k", "other"]


def test_the_unfinished_files_of_a_living_process_are_left_alone(root: Path) -> None:
    one, other = LocalStore(str(root)), LocalStore(str(root))
    upload = drive(one.begin("k", 5))
    assert listed(other) == []
    drive(other.write("x", b""))
    drive(one.part("k", upload, 1, b"hello", offset=0))
    drive(one.finish("k", upload, [HELLO_MD5]))
    assert listed(other) == ["k", "x"]


def test_empty_folders_go_with_their_last_file(store: LocalStore, root: Path) -> None:
    drive(store.write("a/b/c/d", b""))
    drive(store.write("a/e", b""))
    drive(store.delete("a/b/c/d"))
    assert not (root / "a" / "b").exists()
    drive(store.write("a/b", b"now a file"))
    assert drive(store.delete_many(["a/b", "a/e", "absent"])) == {}
    assert list(root.iterdir()) == []
    (root / "k").mkdir()
    drive(store.write("k", b""))  # An empty folder is no object: it gives way.
    assert listed(store) == ["k"]


def test_a_write_is_not_taken_for_done_where_its_folder_was_moved_away(
    store: LocalStore, root: Path
) -> None:
    drive(store.write("a/b", b"old"))
    (root / "a").rename(root / "c")
    with pytest.raises(StoreError):
        drive(store.write("a/x", b"new"))
    drive(store.write("a/x", b"new"))
    assert drive(store.read("a/x")).body == b"new"
