"""Whether two objects hold the same bytes."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.flow.compare.content import same_bytes
from bucketline.flow.compare.pairs import Both
from bucketline.flow.drive import blocking
from bucketline.stores.base import Abilities
from bucketline.stores.digests import CRC32C
from shelf import Shelf

MIB = 1 << 20


ANSWERS = Abilities(checksums=frozenset({"crc32c", "sha256"}))  # For what it holds.


def pair(
    one: bytes,
    other: bytes,
    *,
    etags: tuple[str, str] = ("", ""),
    able: tuple[Abilities, Abilities] = (Abilities(), Abilities()),
) -> tuple[Shelf, Shelf]:
    source, target = Shelf(able=able[0]), Shelf(able=able[1])
    source.put("a", one, etag=etags[0])
    target.put("a", other, etag=etags[1])
    return source, target


def is_same(source: Shelf, target: Shelf) -> bool:
    both = Both(source.entries["a"], target.entries["a"])
    return blocking(same_bytes(both, source, target))


def etag_of_parts(body: bytes, part_size: int) -> str:
    digests = [
        hashlib.md5(body[start : start + part_size]).digest()
        for start in range(0, len(body), part_size)
    ]
    return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"


@pytest.mark.parametrize(
    ("mine", "other", "expected"),
    [
        ({"sha256": "x"}, {"sha256": "x"}, True),
        ({"sha256": "x"}, {"sha256": "y"}, False),
        ({"crc32c": "x-2", "sha256": "x"}, {"crc32c": "y-3", "sha256": "x"}, True),
        ({"crc32c": "x-2"}, {"crc32c": "x-2"}, True),
    ],
)
def test_checksums_of_both_sides_answer_without_reading(
    mine: dict[str, str], other: dict[str, str], *, expected: bool
) -> None:
    source, target = pair(b"1", b"2", etags=("p", "q"), able=(ANSWERS, ANSWERS))
    source.checksums["a"], target.checksums["a"] = mine, other

    assert is_same(source, target) is expected
    assert source.reads == target.reads == 0


@pytest.mark.parametrize(
    ("mine", "other"),
    [({"crc32c": "x-2"}, {"crc32c": "y-3"}), ({"sha256": "x"}, {"crc32c": "y-3"})],
)
def test_checksums_that_cannot_tell_are_not_believed(
    mine: dict[str, str], other: dict[str, str]
) -> None:
    source, target = pair(b"1", b"1", etags=("p", "q"), able=(ANSWERS, ANSWERS))
    source.checksums["a"], target.checksums["a"] = mine, other

    assert is_same(source, target)
    assert source.reads == target.reads == 1


@pytest.mark.parametrize("able", [(Abilities(), ANSWERS), (ANSWERS, Abilities())])
@pytest.mark.parametrize("body", [b"1", b"2"])
def test_what_one_side_answers_for_is_held_against_the_bytes_of_the_other(
    able: tuple[Abilities, Abilities], body: bytes
) -> None:
    source, target = pair(b"1", body, etags=("p", "q"), able=able)
    told = {"sha256": b64encode(hashlib.sha256(b"1").digest()).decode()}
    source.checksums["a"] = told
    target.checksums["a"] = {"sha256": b64encode(hashlib.sha256(body).digest()).decode()}

    assert is_same(source, target) is (body == b"1")
    assert source.reads + target.reads == 1


def test_a_large_body_is_held_against_a_crc_piece_by_piece() -> None:
    body = bytes(range(256)) * (33 << 10)  # 8.25 MiB: two pieces.
    source, target = pair(body, body, etags=("p", "q"), able=(ANSWERS, Abilities()))
    source.checksums["a"] = {"crc32c": CRC32C.checksum(CRC32C.digest(body)).value}

    assert is_same(source, target)
    assert (source.reads, target.reads) == (0, 2)


def test_an_etag_that_is_the_md5_of_what_was_read_saves_the_other_reading() -> None:
    source, target = pair(b"1", b"1", etags=("", "pin-1"))
    assert is_same(source, target)
    assert (source.reads, target.reads) == (0, 1)

    source, target = pair(b"1", b"1", etags=("pin-1", ""), able=(Abilities(), ANSWERS))
    assert is_same(source, target)
    assert (source.reads, target.reads) == (1, 0)


@pytest.mark.parametrize("checksums", [{}, {"sha256": "x"}])
def test_equal_etags_and_checksums_over_damaged_bytes_deceive_nobody(
    checksums: dict[str, str],
) -> None:
    """A server that only keeps what it was told goes on telling it when its disk has rotted."""
    source, target = pair(b"1", b"1")
    source.checksums["a"], target.checksums["a"] = checksums, checksums
    target.bodies["a"] = b"2"
    assert not is_same(source, target)


def test_a_source_that_rotted_is_not_what_the_target_should_become() -> None:
    source, target = pair(b"1", b"1")
    source.bodies["a"] = b"2"
    assert is_same(source, target)


def test_equal_etags_that_both_sides_answer_for_are_enough() -> None:
    source, target = pair(b"1", b"1", able=(ANSWERS, ANSWERS))
    assert is_same(source, target)
    assert source.reads == target.reads == 0


def test_etags_that_say_nothing_leave_it_to_both_bodies() -> None:
    assert is_same(*pair(b"1", b"1", etags=("f" * 32, "e" * 32)))
    assert not is_same(*pair(b"1", b"2", etags=("f" * 32, "e" * 32)))


def test_two_empty_objects_are_the_same() -> None:
    assert is_same(*pair(b"", b"", etags=("p", "q")))


@pytest.mark.parametrize("part_size", [5 * MIB, 6 * MIB, 8 * MIB])
def test_parts_are_recognised_on_either_side(part_size: int) -> None:
    body = bytes(range(256)) * (65 << 10)  # 16.25 MiB.
    other = body[:-1] + b"x"
    etag = etag_of_parts(body, part_size)

    source, target = pair(body, body, etags=("pin", etag), able=(Abilities(), ANSWERS))
    assert is_same(source, target)
    assert target.reads == 0
    assert is_same(*pair(body, body, etags=(etag, "pin")))
    assert not is_same(*pair(other, body, etags=("pin", etag)))


@pytest.mark.parametrize("etag", ["x-0", "x-", "x-99999", "x-٣", "x-2-2", "-"])
def test_strange_etags_are_no_trouble(etag: str) -> None:
    assert is_same(*pair(b"1", b"1", etags=("pin", etag)))


@given(st.binary(max_size=4), st.binary(max_size=4), st.sampled_from(["", "pin", "x-1", "f" * 32]))
def test_the_answer_is_always_what_comparing_the_bytes_gives(
    one: bytes, other: bytes, etag: str
) -> None:
    other = other[: len(one)].ljust(len(one), b"\0")

    assert is_same(*pair(one, other, etags=(etag, etag and f"{etag}-1"))) is (one == other)
