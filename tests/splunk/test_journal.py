"""Journals are decoded whole, in each compression, and damage never passes for an end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.engines.splunk.codecs import Damaged
from bucketline.engines.splunk.journal import counted, decoded, events
from splunk import decoder
from splunk.journals import CODECS, HEADER, digest, event, journal, lines, slices

MANY = 1_000_000 if os.environ.get("BUCKETLINE_SOAK") else 100_000
ALL_OPCODES = (1, 2, *range(32, 44))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("count", [0, 1, 7, 20_000])
def test_every_event_is_told(codec: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(journal(count, codec, opcodes=ALL_OPCODES))

    found = counted(path)

    assert found.events == count
    assert found.digest == digest(lines(count))
    assert found.raw_size == sum(map(len, lines(count)))


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
def test_many_events_are_told(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(journal(MANY, codec))

    found = counted(path)

    assert (found.events, found.digest) == (MANY, digest(lines(MANY)))


def test_an_event_knows_where_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(journal(2))

    first, second = events(path)

    assert (first.host, first.source, first.sourcetype) == ("web-1", "/var/log/a", "plain")
    assert (first.time, second.time) == (1_651_669_557, 1_651_669_558)
    assert first.raw == next(lines(1))


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 50), st.data())
def test_it_does_not_matter_where_pieces_end(
    raws: list[bytes], size: int, data: st.DataObject
) -> None:
    opcodes = data.draw(st.lists(st.sampled_from(ALL_OPCODES), min_size=1, max_size=5))
    plain = b"".join(slices(raws, opcodes))

    found = decoded(plain[at : at + size] for at in range(0, len(plain), size))

    assert [one.raw for one in found] == raws


@pytest.mark.parametrize("codec", CODECS)
def test_one_that_is_cut_is_never_taken_for_whole(codec: str, tmp_path: Path) -> None:
    whole = journal(9_000, codec)
    path = tmp_path / "journal"
    for size in (0, 1, 5, len(whole) // 3, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:size])
        try:
            count = counted(path).events
        except Damaged:
            continue
        assert count < 9_000, f"cut at {size}, and no event is missing"


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=8),
    st.lists(st.sampled_from(ALL_OPCODES), min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.integers(1, 255),
)
def test_what_is_read_of_damage_is_what_another_decoder_reads(
    raws: list[bytes], opcodes: list[int], place: int, change: int
) -> None:
    plain = bytearray(b"".join(slices(raws, opcodes)))
    plain[place % len(plain)] ^= change

    try:
        found = [one.raw for one in decoded([bytes(plain)])]
    except Damaged:
        return
    assert found == decoder.raws_of(bytes(plain))


def test_an_event_of_many_pieces_is_joined_once() -> None:
    """In time that grows with its size: what is left waits until all of it is there."""
    raw = os.urandom(8 << 20)
    plain = HEADER + event(raw, 1)

    found = list(decoded(plain[at : at + 64] for at in range(0, len(plain), 64)))

    assert [one.raw for one in found] == [raw]


@given(st.binary(max_size=400))
def test_noise_is_damage_or_events_and_nothing_else(noise: bytes) -> None:
    try:
        list(decoded([HEADER + noise]))
    except Damaged:
        return


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "empty"),
        (b"\x02\x21\x4c\x18abc", "no size"),
        (b"\x02\x21\x4c\x18\x09\0\0\0abc", "middle of a block"),
        (b"\x02\x21\x4c\x18\x02\0\0\0\xf0\xff", "middle of a sequence"),
        (b"\x02\x21\x4c\x18\x02\0\0\0\x40a", "more than it can"),
        (b"PK\x03\x04", "no known"),
        (HEADER + event(b"x" * 50, 1)[:-3], "middle of an event"),
        (HEADER + b"\x63", "opcode 99"),
        (HEADER + b"\x21" + b"\xff" * 12, "number without an end"),
        (HEADER + b"\x21\xff\xff\xff\xff\x7f", "an event of"),
        (HEADER + b"\x18\x05" + event(b"x", 1), "never named"),
    ],
)
def test_damage_is_told(text: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(text)

    with pytest.raises(Damaged, match=said):
        counted(path)
