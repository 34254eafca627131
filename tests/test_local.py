"""A folder does as the reference store does, or refuses a key by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.errors import (
    Conflict,
    NotFound,
    Unholdable,
)
from bucketline.stores.base import Store
from bucketline.stores.local import LocalStore
from bucketline.stores.memory import MemoryStore
from flows import drive, listed, put_in_parts


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "empty"),
        ("/a", "empty"),
        ("a/", "empty"),
        ("a//b", "empty"),
        (".", "'.'"),
        ("a/./b", "'.'"),
        ("..", "'..'"),
        ("../a", "'..'"),
        ("a/../b", "'..'"),
        ("a/..", "'..'"),
        ("a\0b", "zero byte"),
        ("a/" + "x" * 256, "255 bytes"),
        ("é" * 128, "255 bytes"),
        ("x/" * 2047 + "x" * 9, "too long"),
        ("a/.bucketline-0123456789abcdef.part", "unfinished"),
        ("\ud800", "not text"),
    ],
)
def test_a_key_that_no_file_can_stand_for_is_refused_with_the_reason(
    store: LocalStore, key: str, why: str
) -> None:
    with pytest.raises(Unholdable, match=why):
        drive(store.write(key, b"x"))
    with pytest.raises(Unholdable, match=why):
        drive(store.begin(key, 1))
    with pytest.raises(NotFound):
        drive(store.stat(key))
    drive(store.delete(key))
    assert listed(store) == []


@pytest.mark.parametrize(
    "key",
    ["...", "..a", "a..", ".a/b", ".\n", "a b", "-rf", "*", "%2F", "a\\b", "\n", "'\"$(x)", "é",
     "e\u0301", "\U0001f600/x", "x" * 255, "\x01\x1f", "\ufffe", "CON", "~", "#?&+;="],
)  # fmt: skip
def test_a_key_that_looks_odd_to_us_is_a_name_like_any_other(store: LocalStore, key: str) -> None:
    drive(store.write(key, b"hello"))
    assert drive(store.read(key)).body == b"hello"
    assert listed(store) == [key]
    drive(store.delete(key))
    assert listed(store) == []


def test_the_error_names_the_store_and_the_key(root: Path) -> None:
    with pytest.raises(Unholdable) as told:
        drive(LocalStore(str(root)).write("a/../b", b""))
    assert str(told.value) == (
        f"{root}/a/../b: a folder cannot hold this key: '..' is no name for a file"
    )


def test_a_key_and_a_folder_of_its_name_cannot_be_both(store: LocalStore) -> None:
    drive(store.write("a/b", b"1"))
    drive(store.write("c", b"2"))
    with pytest.raises(Unholdable, match="a folder of that name"):
        drive(store.write("a", b"x"))
    with pytest.raises(Unholdable, match="a folder of that name"):
        drive(store.write("a", b"x", if_absent=True))
    with pytest.raises(Unholdable, match="a file stands where"):
        drive(store.write("c/d", b"x"))
    drive(store.delete("a"))
    drive(store.delete("c/d"))
    assert {key: drive(store.read(key)).body for key in listed(store)} == {"a/b": b"1", "c": b"2"}


HOSTILE = ["a//b", "/a", "a/", "..", "a/../b", ".", "\0", "x" * 256, ""]
KEYS = [
    "a",
    "a/b",
    "a/b/c",
    "a.txt",
    "a-b",
    "a0",
    "b",
    "é",
    "e\u0301",
    "\U0001f600",
    "c/d/e/f",
    "\n",
]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "parts", "absent", "delete", "delete_many"]),
        st.sampled_from(KEYS + HOSTILE),
        st.binary(max_size=3),
    ),
    max_size=25,
)


def fits(key: str, others: list[str]) -> bool:
    """Whether a folder that holds the others can hold it; said in other words than the store's."""
    names = key.split("/")
    if any(name in ("", ".", "..") or "\0" in name or len(name) > 255 for name in names):
        return False
    return not any(other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in others)


@given(steps=STEPS, page_size=st.integers(1, 4))
@settings(max_examples=60)
def test_it_does_as_the_reference_store_does_or_refuses(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, bytes]], page_size: int
) -> None:
    folder = tmp_path_factory.mktemp("model")
    ours, reference = LocalStore(str(folder), page_size=page_size), MemoryStore()
    for verb, key, body in steps:
        if verb in ("write", "parts", "absent") and not fits(key, list(reference.objects)):
            with pytest.raises(Unholdable):
                drive(ours.write(key, body, if_absent=verb == "absent"))
            continue
        results = [perform(store, verb, key, body) for store in (ours, reference)]
        assert results[0] == results[1]
    assert {key: drive(ours.read(key)).body for key in listed(ours)} == reference.bodies()
    assert listed(ours) == sorted(reference.objects, key=str.encode)
    for key in KEYS:
        assert listed(ours, prefix=key) == listed(reference, prefix=key)
        assert listed(ours, after=key) == listed(reference, after=key)
    files = [name for _, _, names in os.walk(folder) for name in names]
    assert len(files) == len(reference.objects)


def perform(store: Store, verb: str, key: str, body: bytes) -> Any:
    if verb == "parts":
        return put_in_parts(store, key, [body, b"tail"]).etag
    if verb == "delete":
        return drive(store.delete(key))
    if verb == "delete_many":
        return drive(store.delete_many([key, "b"]))
    try:
        return drive(store.write(key, body, if_absent=verb == "absent")).etag
    except Conflict:
        return "conflict"
