"""Rates by the hour of the week, as people write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bucketline.errors import UsageError
from bucketline.sizes import parse_seconds
from bucketline.timetable import parse_timetable

MIB = 1 << 20
DAY = 24 * 60


def test_a_plain_rate_holds_for_ever() -> None:
    assert parse_timetable("10M").rate(0.0) == 10 * MIB
    assert parse_timetable("off").rate(1e9) is None


def test_each_change_holds_until_the_next_one_over_midnight_and_the_weekend() -> None:
    table = parse_timetable("08:00,10M 19:00,off")
    at = table.rate_at
    assert (at(0), at(8 * 60 - 1), at(8 * 60), at(19 * 60 - 1)) == (None, None, 10 * MIB, 10 * MIB)
    assert at(19 * 60) is None
    assert (at(6 * DAY + 12 * 60), at(7 * DAY - 1)) == (10 * MIB, None)


def test_nothing_moves_while_it_says_stop() -> None:
    at = parse_timetable("08:00,stop 19:00,off").rate_at
    assert (at(0), at(8 * 60), at(18 * 60), at(19 * 60)) == (None, 0, 0, None)


def test_days_may_differ() -> None:
    at = parse_timetable("mon-08:00,1M Fri-19:00,off").rate_at
    assert (at(0), at(8 * 60), at(3 * DAY), at(4 * DAY + 19 * 60)) == (None, MIB, MIB, None)


def test_the_time_is_the_machine_s_own() -> None:
    table, now = parse_timetable("00:00,1K 12:00,2K"), 1_700_000_000.0
    local = time.localtime(now)
    assert table.rate(now) == (1024 if local.tm_hour < 12 else 2048)


@given(some.dictionaries(some.integers(0, DAY - 1), some.integers(1, 99), min_size=1))
def test_a_table_of_each_day_says_what_its_words_say(changes: dict[int, int]) -> None:
    words = [f"{minute // 60:02}:{minute % 60:02},{rate}" for minute, rate in changes.items()]
    table = parse_timetable(" ".join(words))
    for minute in range(0, 7 * DAY, 97):
        earlier = [start for start in changes if start <= minute % DAY]
        start = max(earlier) if earlier else max(changes)
        assert table.rate_at(minute) == changes[start]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no rate"),
        ("fast", "'fast' is no size"),
        ("08:00", "'08:00' is no size"),
        ("25:00,1M", "is no entry of a timetable"),
        ("08:60,1M", "is no entry of a timetable"),
        ("Xyz-08:00,1M", "is no entry of a timetable"),
        ("08:00,1M 19:00", "'19:00' is no entry"),
        ("08:00,1M 08:00,2M", "two rates for one time"),
        ("08:00,0", "'0' is no size"),
        ("stop", "moves nothing, ever"),
        ("08:00,stop 19:00,stop", "nothing would ever move"),
    ],
)
def test_what_makes_no_sense_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_timetable(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), ("15min", 900), ("2h30m", 9_000), ("1d 1h", 90_000)],
)
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "1.5h", "5 apples", "30m2h"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="no length of time"):
        parse_seconds(text)
