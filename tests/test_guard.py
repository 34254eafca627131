"""What no plan may do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bucketline.errors import Broken, Refused, UsageError
from bucketline.flow.compare.guard import Counts, Limits, guarded, rehearsed
from bucketline.model import Action, Copy, Delete, Entry, Skip

COPY = Copy(Entry("a", 1), "a")


def deletes(count: int) -> list[Action | Skip]:
    return [Delete(Entry(f"{number:06}", 1)) for number in range(count)]


def test_deletes_come_last() -> None:
    plan = [*deletes(2), COPY, Skip(1, 1)]

    assert list(guarded(plan, Limits(), Counts(2, 3))) == [COPY, Skip(1, 1), *deletes(2)]


def test_a_plan_that_breaks_off_lets_no_delete_through() -> None:
    def plan() -> Iterator[Action | Skip]:
        yield from deletes(2)
        yield COPY
        raise Broken("the listing ended early")

    got: list[Action | Skip] = []
    with pytest.raises(Broken):
        got.extend(guarded(plan(), Limits(), Counts(1, 2)))

    assert got == [COPY]


def test_as_many_deletes_as_allowed_pass_and_one_more_is_refused() -> None:
    assert len(list(guarded(deletes(3), Limits(max_delete=3), Counts(1, 3)))) == 3
    with pytest.raises(Refused, match="more than 2 objects"):
        list(guarded(deletes(3), Limits(max_delete=2), Counts(1, 3)))


def test_a_number_is_refused_as_soon_as_it_is_passed() -> None:
    plan = iter([*deletes(2), COPY])
    with pytest.raises(Refused):
        next(guarded(plan, Limits(max_delete=1), Counts(1, 3)))

    assert next(plan) == COPY


def test_a_share_is_of_what_the_target_holds_and_judged_at_the_end() -> None:
    counts = Counts()

    def plan() -> Iterator[Action | Skip]:
        yield from deletes(5)
        counts.source, counts.target = 95, 100

    assert len(list(guarded(plan(), Limits(max_delete_percent=5), counts))) == 5
    with pytest.raises(Refused, match=r"5 of 100 objects .* more than 4.5%"):
        list(guarded(plan(), Limits(max_delete_percent=4.5), counts))


def test_an_empty_source_never_empties_its_target() -> None:
    with pytest.raises(Refused, match="source is empty"):
        list(guarded(deletes(1), Limits(), Counts(0, 1)))


def test_an_empty_source_with_nothing_to_delete_is_no_trouble() -> None:
    assert list(guarded([], Limits(max_delete=0), Counts(0, 0))) == []


def test_a_rehearsal_shows_all_of_a_plan_before_it_is_refused() -> None:
    got: list[Action | Skip] = []
    with pytest.raises(Refused, match="more than 1 "):
        got.extend(rehearsed([*deletes(2), COPY], Limits(max_delete=1), Counts(1, 2)))

    assert got == [COPY, *deletes(2)]


def test_held_deletes_are_all_there_however_many() -> None:
    assert list(guarded(deletes(12_345), Limits(), Counts(1, 20_000))) == deletes(12_345)


def test_limits_are_read_from_text() -> None:
    assert Limits.of("100") == Limits(max_delete=100)
    assert Limits.of("0") == Limits(max_delete=0)
    assert Limits.of(" 2.5% ") == Limits(max_delete_percent=2.5)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "%", "1e3", "5 %", "٣"])
def test_what_is_no_limit_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="no limit"):
        Limits.of(text)
