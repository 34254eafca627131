"""What every store promises of listings: raw prefixes, one order, whole to the end."""

from __future__ import annotations

from bisect import bisect_right

import pytest

from bucketline.flow.drive import blocking as call
from bucketline.stores.base import Flow, Receipt, Store, Together
from contracts.test_store import keys, listed

TREE = ["a", "a-b", "a.txt", "a/b", "a/c", "a0", "ab", "b/c/d", "b/c/e", "b/f", "z"]


def in_order(names: list[str]) -> list[str]:
    return sorted(names, key=str.encode)


def write_all(store: Store, names: list[str]) -> None:
    def writes() -> Flow[list[Receipt]]:
        return (yield Together([store.write(name, name.encode()) for name in names], width=32))

    call(writes())


@pytest.fixture
def tree(store: Store) -> Store:
    """Without `a` itself, which a folder cannot hold beside `a/b`."""
    write_all(store, TREE[1:])
    return store


def test_an_empty_store_lists_nothing_and_ends(store: Store) -> None:
    page = call(store.page())

    assert (page.entries, page.token) == ([], "")


def test_keys_come_in_the_order_of_their_bytes(tree: Store) -> None:
    assert keys(tree) == TREE[1:]


@pytest.mark.parametrize(
    "prefix", ["a", "a/", "a.", "a-", "b/", "b/c", "b/c/", "b/c/d", "b", "b/c/d/", "zz", "/", ""]
)
def test_a_prefix_is_a_raw_string(tree: Store, prefix: str) -> None:
    assert keys(tree, prefix) == [key for key in TREE[1:] if key.startswith(prefix)]


@pytest.mark.parametrize("after", [*TREE, "a/bb", "0", "zzz", "b/", "b/c/", "a\U0001f600", "a&<"])
def test_a_listing_goes_on_strictly_after_a_key(tree: Store, after: str) -> None:
    assert keys(tree, after=after) == TREE[1:][bisect_right(TREE[1:], after) :]


@pytest.mark.parametrize(
    ("prefix", "after"), [("b/", "b/c/d"), ("b/", "a/b"), ("b/", "c"), ("a", "a/b"), ("b/c", "b/c")]
)
def test_prefix_and_after_go_together(tree: Store, prefix: str, after: str) -> None:
    expected = [key for key in TREE[1:] if key.startswith(prefix) and key > after]

    assert keys(tree, prefix, after) == expected


@pytest.mark.parametrize("prefix", ["p ", "p+", "p%2F", "p&", "pä"])
def test_a_prefix_of_odd_characters_is_a_raw_string_too(store: Store, prefix: str) -> None:
    names = ["p x", "p+x", "p%2Fx", "p&x", "päx", "p/x"]
    write_all(store, names)

    assert keys(store, prefix) == [f"{prefix}x"]


def test_more_than_a_page_is_listed_whole_and_deleted_at_once(store: Store) -> None:
    names = [f"{['even', 'odd'][number % 2]}/{number:04}" for number in range(1005)]
    write_all(store, names)

    assert keys(store) == in_order(names)
    assert keys(store, "odd/") == [name for name in names if name.startswith("odd/")]
    assert keys(store, after="even/0998") == in_order(names)[500:]
    assert [entry.size for entry in listed(store, "even/")] == [9] * 503

    assert call(store.delete_many(names[:1000])) == {}
    assert keys(store) == in_order(names[1000:])


def test_a_key_that_sorts_otherwise_in_utf_16_comes_last(store: Store) -> None:
    names = ["o\U0001f600", "o\ufb01", "o\uff21", "oz", "o"]
    write_all(store, names)

    assert keys(store) == ["o", "oz", "o\ufb01", "o\uff21", "o\U0001f600"]
