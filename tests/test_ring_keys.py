"""Keys of the ring, held against keys that real rings and their tools have shown."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bucketline.engines.ring import keys
from bucketline.engines.ring.keys import Main, Protection
from bucketline.errors import UsageError

INPUT_KEYS = st.binary(min_size=20, max_size=20).map(lambda raw: raw.hex().upper())
PROTECTIONS = st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda two: Protection(*two))
ZEROS = st.integers(0, 20)


@pytest.mark.parametrize(
    ("input_key", "found"),
    [
        ("DFB745B781FD8F5F5E832D11B257AB4D18E17720", "4A121AC61828A937E32EAF"),
        ("0035EC2ECEE4AD0EE6925A81CE25250801B28620", "DB8AC8E4E99B10324AA389"),
        ("000000122526CF764735B024EB3ED54DCC2E5900", "55A0249F5F59A3AF58AB79"),
    ],
)
def test_the_dig_is_the_one_of_the_old_tools(input_key: str, found: str) -> None:
    assert keys.dig(input_key) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [("4+2", "102060"), ("8+4", "2040C0"), ("9+3", "2430C0"), ("7+5", "1C50C0"), ("5+7", "1470C0")],
)
def test_the_schema_is_computed(text: str, code: str) -> None:
    assert keys.schema_code(keys.parse_protection(text)) == code


@pytest.mark.parametrize("text", ["8", "8+", "+4", "8+4+1", "0+4", "64+4", "a+b"])
def test_what_is_no_protection_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="as in 8"):
        keys.parse_protection(text)


def test_the_chunks_of_an_object_lie_where_a_real_ring_has_them() -> None:
    chunks = Main("8000004F3F3A54FFEADF8C00000000511470C070").chunks

    assert chunks[10] == "555555A4948FAA554034E155555555A61470C07A"
    assert len(set(chunks)) == 12


@given(INPUT_KEYS, PROTECTIONS)
def test_a_main_chunk_is_the_first_of_its_chunks(key: str, protection: Protection) -> None:
    main = Main(keys.striped_main(key, protection))

    assert main.chunks[0] == main.key
    assert len(set(main.chunks)) == sum(protection)
    assert (main.protection, main.dig, main.service) == (protection, keys.dig(key), keys.STRIPED)


@given(INPUT_KEYS, st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8]))
def test_copies_lie_apart(key: str, copies_class: int) -> None:
    main = Main(keys.replicated_main(key, copies_class))

    assert main.chunks[0] == main.key
    assert len(set(main.chunks)) == (copies_class + 1 if copies_class <= 5 else 3)


@given(INPUT_KEYS, ZEROS)
def test_leading_zeros_may_be_left_out(key: str, zeros: int) -> None:
    key = "0" * zeros + key[zeros:]
    assume(key.strip("0"))

    assert keys.padded(key.lstrip("0").lower()) == key
    raw = bytes.fromhex(key).lstrip(b"\0")
    assert keys.dig(key) == hashlib.md5(raw).hexdigest()[:22].upper()


@pytest.mark.parametrize("text", ["xyz", "0" * 41, "12 34", "12\0" + "0" * 37])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        keys.padded(text)


def index_of(children: list[str], marker: str) -> bytes:
    """An index as the ring keeps it: keys without their leading zero bytes, behind a marker."""
    text = ""
    for child in children:
        raw = bytes.fromhex(child).lstrip(b"\0")
        text += marker + f"{len(raw):02x}" + raw.hex()
    return bytes.fromhex("ab" * 7 + (text if len(text) % 2 == 0 else f"0{text}"))


@given(
    st.lists(st.tuples(INPUT_KEYS, st.sampled_from([0, 0, 2, 4, 6, 8])), min_size=1, max_size=9),
    st.sampled_from(["02000000000000", "0201000000", "51d688000000"]),
)
def test_the_children_of_an_index_are_found(drawn: list[tuple[str, int]], marker: str) -> None:
    children = ["0" * zeros + key[zeros:30] + "4C" + key[32:] for key, zeros in drawn]
    found = keys.children_of(index_of(children, marker))

    assert set(children) <= set(found)


def test_an_index_without_children_has_none() -> None:
    assert keys.children_of(b"nothing of the kind") == []
