"""The Merkle tree agrees with RFC 6962, and its paths show what they must and no more."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.flow.proof.merkle import Tree, is_included, leaf_hash

# RFC 6962 2.1, of the test vectors that certificate transparency's implementations share.
LINES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def naive_root(lines: list[bytes]) -> bytes:
    """MTH of RFC 6962, word for word."""
    if not lines:
        return sha256(b"").digest()
    if len(lines) == 1:
        return sha256(b"\0" + lines[0]).digest()
    k = _split(len(lines))
    return sha256(b"\1" + naive_root(lines[:k]) + naive_root(lines[k:])).digest()


def naive_path(number: int, lines: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, word for word."""
    if len(lines) == 1:
        return []
    k = _split(len(lines))
    if number < k:
        return [*naive_path(number, lines[:k]), naive_root(lines[k:])]
    return [*naive_path(number - k, lines[k:]), naive_root(lines[:k])]


def _split(count: int) -> int:
    """The largest power of two smaller than count."""
    return 1 << (count - 1).bit_length() - 1


def grown(lines: list[bytes], watched: int = -1) -> Tree:
    tree = Tree()
    tree.watched = watched
    for line in lines:
        tree.add(leaf_hash(line))
    return tree


@pytest.mark.parametrize("count", ROOTS)
def test_roots_are_those_of_the_published_vectors(count: int) -> None:
    assert grown(LINES[:count]).root.hex() == ROOTS[count]


def test_a_tree_of_nothing_has_the_hash_of_nothing() -> None:
    assert Tree().root == sha256(b"").digest()
    assert Tree().path == []


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_the_naive_one_and_asking_changes_nothing(lines: list[bytes]) -> None:
    tree = Tree()
    for count, line in enumerate(lines, 1):
        tree.add(leaf_hash(line))
        assert tree.root == tree.root == naive_root(lines[:count])
    assert tree.count == len(lines)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70), st.data())
def test_the_path_is_the_naive_one_and_shows_its_leaf(
    lines: list[bytes], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(lines) - 1))
    tree = grown(lines, number)
    assert tree.path == naive_path(number, lines)
    assert is_included(leaf_hash(lines[number]), number, len(lines), tree.path, tree.root)


@given(st.integers(1, 40), st.data())
def test_a_path_shows_nothing_else(count: int, data: st.DataObject) -> None:
    lines = [bytes([number]) for number in range(count)]
    number = data.draw(st.integers(0, count - 1))
    tree = grown(lines, number)
    leaf, path, root = leaf_hash(lines[number]), tree.path, tree.root
    assert not is_included(leaf_hash(b"other"), number, count, path, root)
    assert not is_included(leaf, count, count, path, root)
    assert not is_included(leaf, number, count, path, naive_root([*lines, b"x"]))
    assert not is_included(leaf, number, count, [*path, root], root)
    if path:
        assert not is_included(leaf, number, count, path[:-1], root)
        spoilt = data.draw(st.integers(0, len(path) - 1))
        assert not is_included(
            leaf, number, count, [*path[:spoilt], bytes(32), *path[spoilt + 1 :]], root
        )
    for other in set(range(count)) - {number}:
        assert not is_included(leaf, other, count, path, root)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_a_tree_that_grew_keeps_what_it_held(lines: list[bytes], data: st.DataObject) -> None:
    """What was shown of the old tree can be shown of the new one: it only grows at its end."""
    older = data.draw(st.integers(1, len(lines)))
    number = data.draw(st.integers(0, older - 1))
    for count in (older, len(lines)):
        tree = grown(lines[:count], number)
        assert is_included(leaf_hash(lines[number]), number, count, tree.path, tree.root)
