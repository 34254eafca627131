"""Hashes against the simplest programs that compute them, and those of parts against the whole."""

from __future__ import annotations

import hashlib
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.flow.drive import blocking
from bucketline.stores.digests import CRC32, CRC32C, CRC64NVME, MD5, SHA256, VOUCHED, Algorithm

CRCS = {CRC32: 0xEDB88320, CRC32C: 0x82F63B78, CRC64NVME: 0x9A6C9329AC4BC9B5}
CHECK = b"123456789"  # What catalogues of CRCs give each one's value of.


def bit_by_bit(body: bytes, polynomial: int, width: int) -> bytes:
    """A CRC, as it is defined."""
    ones = (1 << 8 * width) - 1
    value = ones
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
    return (value ^ ones).to_bytes(width, "big")


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        (CRC32, "cbf43926"),
        (CRC32C, "e3069283"),
        (CRC64NVME, "ae8b14860a799888"),
        (MD5, "25f9e794323b453885f5181f1b624d0b"),
        (SHA256, hashlib.sha256(CHECK).hexdigest()),
    ],
    ids=lambda value: value.name if isinstance(value, Algorithm) else "",
)
def test_values_are_those_of_the_catalogues(algorithm: Algorithm, expected: str) -> None:
    assert algorithm.digest(CHECK).hex() == expected
    assert algorithm.digest(memoryview(CHECK)).hex() == expected


@pytest.mark.parametrize("algorithm", CRCS, ids=lambda one: one.name)
@given(body=st.binary(max_size=300))
def test_a_crc_is_what_its_definition_gives(algorithm: Algorithm, body: bytes) -> None:
    width = len(algorithm.digest(b""))
    assert algorithm.digest(body) == bit_by_bit(body, CRCS[algorithm], width)


@pytest.mark.parametrize("algorithm", CRCS, ids=lambda one: one.name)
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=6))
def test_the_parts_crcs_make_the_one_of_the_whole(algorithm: Algorithm, parts: list[bytes]) -> None:
    each = [(algorithm.digest(part), len(part)) for part in parts]
    assert algorithm.of_parts(each) == algorithm.digest(b"".join(parts))


@pytest.mark.parametrize("algorithm", CRCS, ids=lambda one: one.name)
def test_parts_as_large_as_real_ones_are_combined_too(algorithm: Algorithm) -> None:
    large, rest = bytes(range(256)) * (40 << 10), b"the last part"
    each = [(algorithm.digest(part), len(part)) for part in (large, large, rest)]
    assert algorithm.of_parts(each) == algorithm.digest(large + large + rest)


@pytest.mark.parametrize("algorithm", [MD5, SHA256], ids=lambda one: one.name)
def test_what_cannot_be_combined_says_so(algorithm: Algorithm) -> None:
    with pytest.raises(ValueError, match="cannot be combined"):
        algorithm.of_parts([(algorithm.digest(b"a"), 1)])


def test_many_bytes_are_hashed_on_a_thread_and_few_on_the_spot() -> None:
    few, many = b"x", bytes(algorithm_limit := CRC64NVME.inline_max + 1)
    assert len(many) == algorithm_limit
    assert blocking(CRC64NVME.of(many)) == CRC64NVME.digest(many)
    with pytest.raises(StopIteration) as ended:
        CRC64NVME.of(few).send(None)
    assert ended.value.value == CRC64NVME.digest(few)


def test_a_store_is_told_the_bytes_in_base64_under_the_name_it_knows() -> None:
    told = CRC64NVME.checksum(CRC64NVME.digest(CHECK))
    assert told.algorithm == "crc64nvme"
    assert b64decode(told.value).hex() == "ae8b14860a799888"
    assert list(VOUCHED) == ["crc64nvme", "crc32c", "sha256", "crc32"]
