"""A folder's listing: in key order, complete or broken, and never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bucketline.errors import (
    BadListing,
    BucketDenied,
    NoBucket,
    NotFound,
    StoreError,
    Unholdable,
)
from bucketline.stores.local import LocalStore
from flows import drive, entries, listed


def test_a_listing_goes_on_from_any_token_also_in_another_process(root: Path) -> None:
    keys = ["a-b", "a.txt", "a/b", "a/c/d", "a/c/e", "a0", "z"]
    for key in keys:
        drive(LocalStore(str(root)).write(key, b""))
    for token in keys:
        page = drive(LocalStore(str(root), page_size=100).page(token=token))
        assert [entry.key for entry in page.entries] == [key for key in keys if key > token]
    one = LocalStore(str(root), page_size=2)
    token = drive(one.page()).token
    again = [drive(one.page(token=token)).entries for _ in range(2)]
    assert again[0] == again[1]
    assert [entry.key for entry in again[0]] == ["a/b", "a/c/d"]


def test_a_prefix_is_a_raw_string(store: LocalStore) -> None:
    for key in ["p", "p1", "q/r/s", "q/r2", "q/rr/t"]:
        drive(store.write(key, b""))
    assert listed(store, "p") == ["p", "p1"]
    assert listed(store, "q/r") == ["q/r/s", "q/r2", "q/rr/t"]
    assert listed(store, "q/r/") == ["q/r/s"]
    for prefix in ("none/", "p/", "/", "q//r", "../", "q/../", "q/./"):
        assert listed(store, prefix) == []


def test_a_missing_folder_is_no_empty_folder_and_a_write_makes_it(root: Path) -> None:
    store = LocalStore(str(root / "new" / "er"))
    with pytest.raises(NoBucket):
        drive(store.page())
    with pytest.raises(NoBucket):
        drive(store.page("x/"))
    drive(store.write("a/b", b"hello"))
    assert listed(store) == ["a/b"]


def test_what_is_no_object_is_reported_by_name_and_does_not_stop_the_listing(
    store: LocalStore, root: Path
) -> None:
    drive(store.write("good", b""))
    (root.parent / "outside").write_text("secret")
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    Path(os.fsdecode(bytes(root) + b"/bad\xff")).write_text("")
    (root / "out").symlink_to(root.parent / "outside")
    (root / "up").symlink_to("folder")
    (root / "nothing").symlink_to("absent")
    assert listed(store) == ["good"]
    assert dict(store.refused) == {
        "bad\\xff": "it is not text",
        "nothing": "it is a symbolic link to nothing",
        "out": "it is a symbolic link out of the folder",
        "pipe": "it is no regular file",
        "up": "it is a symbolic link to a folder; those are not followed",
    }
    for key in ("out", "up", "pipe", "nothing", "folder"):
        with pytest.raises(NotFound):
            drive(store.read(key))


def test_a_folder_that_is_replaced_while_it_is_listed_is_no_complete_listing(root: Path) -> None:
    store = LocalStore(str(root), page_size=1)
    for key in ("a", "b", "c/d"):
        drive(store.write(key, b""))
    token = drive(store.page()).token
    root.rename(root.parent / "moved")
    root.mkdir()
    with pytest.raises(BadListing, match="unmounted or replaced"):
        drive(store.page(token=token))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_may_not_be_listed_ends_the_listing(store: LocalStore, root: Path) -> None:
    (root / "closed").mkdir(mode=0)
    with pytest.raises(BucketDenied):
        listed(store)


def test_a_link_to_a_file_within_is_read_as_a_file_and_replaced_by_a_write(
    store: LocalStore, root: Path
) -> None:
    drive(store.write("real/file", b"hello"))
    (root / "link").symlink_to("real/file")
    assert [(entry.key, entry.size) for entry in entries(store)] == [("link", 5), ("real/file", 5)]
    assert drive(store.read("link")).body == b"hello"
    drive(store.write("link", b"new"))
    assert not (root / "link").is_symlink()
    assert drive(store.read("real/file")).body == b"hello"


def test_nothing_is_written_read_or_deleted_through_a_linked_folder(
    store: LocalStore, root: Path
) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("precious")
    (root / "way").symlink_to(outside)
    for key in ("way/file", "way/new"):
        with pytest.raises(Unholdable):
            drive(store.write(key, b"x"))
        with pytest.raises(NotFound):
            drive(store.read(key))
        drive(store.delete(key))
    assert listed(store, "way/") == []
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "precious"


def test_a_folder_that_becomes_a_link_under_way_is_not_followed(
    store: LocalStore, root: Path
) -> None:
    drive(store.write("a/b", b"old"))
    outside = root.parent / "outside"
    outside.mkdir()
    (root / "a").rename(root.parent / "moved")
    (root / "a").symlink_to(outside)
    with pytest.raises(StoreError):
        drive(store.write("a/b", b"new"))
    with pytest.raises(Unholdable):
        drive(store.write("a/b", b"new"))
    assert list(outside.iterdir()) == []
