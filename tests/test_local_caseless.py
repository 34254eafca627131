"""Where a file system takes two names for one, no key loses its bytes to another.

Such a one (other case, other accents) needs root and a driver; here names are looked up as it does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from bucketline.errors import Unholdable
from bucketline.stores.local import LocalStore
from flows import drive, listed


def _folded(name: str) -> str:
    return normalize("NFC", name).lower()


def _as_there(name: str, folder: int) -> str:
    """The name under which it finds a file."""
    with os.scandir(f"/proc/self/fd/{folder}") as found:
        return next((one.name for one in found if _folded(one.name) == _folded(name)), name)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    for verb in ("open", "lstat", "mkdir", "unlink", "rmdir"):
        call = getattr(os, verb)

        def found(name: Any, *words: Any, _call: Any = call, **named: Any) -> Any:
            if (folder := named.get("dir_fd")) is not None:
                name = _as_there(name, folder)
            return _call(name, *words, **named)

        monkeypatch.setattr(os, verb, found)
    rename, link = os.rename, os.link

    def renamed(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        new = _as_there(new, dst_dir_fd)
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def linked(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        new = _as_there(new, dst_dir_fd)
        link(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "link", linked)
    return LocalStore(str(tmp_path))


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("A", "a"),
        ("f/A", "f/a"),
        ("Dir/x", "dir/x"),
        ("\u00e9", "e\u0301"),
        ("e\u0301/x", "\u00e9/x"),
    ],
)
def test_what_it_takes_for_another_name_fails_by_name(
    store: LocalStore, tmp_path: Path, key: str, other: str
) -> None:
    drive(store.write(key, b"first"))

    for again in (store, LocalStore(str(tmp_path))):
        with pytest.raises(Unholdable, match="takes it for another name that stands there"):
            drive(again.write(other, b"second"))

    assert listed(store) == [key]
    assert (tmp_path / key).read_bytes() == b"first"


def test_an_object_in_another_folder_of_such_a_name_fails_too(store: LocalStore) -> None:
    """It would be listed under the first one's name, and deleted as nobody's."""
    drive(store.write("Dir/x", b"first"))

    with pytest.raises(Unholdable):
        drive(store.write("dir/y", b"second"))

    assert listed(store) == ["Dir/x"]


def test_the_same_name_is_replaced_as_ever(store: LocalStore) -> None:
    for body in (b"first", b"second"):
        drive(store.write("Dir/A", body))

    assert drive(store.read("Dir/A")).body == b"second"
    drive(store.delete("Dir/A"))
    assert listed(store) == []


def test_who_deletes_by_another_name_deletes_nothing(store: LocalStore) -> None:
    drive(store.write("Dir/A", b"first"))

    with pytest.raises(Unholdable):
        drive(store.delete("dir/A"))

    assert listed(store) == ["Dir/A"]
