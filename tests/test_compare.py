"""Two streams of entries become pairs, verdicts, actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.flow.compare.doubts import Lookup, by_ledger
from bucketline.flow.compare.pairs import (
    Both,
    Mode,
    Pair,
    Rule,
    Verdict,
    decide,
    differences,
    judged,
    pair_up,
)
from bucketline.model import Action, Copy, Delete, Entry, Skip

MD5 = "0123456789abcdef0123456789abcdef"
OTHER_MD5 = "ffffffffffffffffffffffffffffffff"
S3 = Rule(Mode.AUTO, etags_are_md5=True)
FOLDER = Rule(Mode.AUTO, etags_are_md5=False)


@dataclass(frozen=True)
class Remembered:
    size: int
    source_etag: str
    target_etag: str


def nothing_known(_: Sequence[str]) -> Mapping[str, Remembered]:
    return {}


def entries(text: str) -> list[Entry]:
    return [Entry(key, 1) for key in text.split()]


def verdict(rule: Rule, source: Entry, target: Entry, lookup: Lookup = nothing_known) -> Verdict:
    (one,) = judged([Pair(source, target)], rule, by_ledger(lookup, rule))
    assert not isinstance(one, Skip)
    return one.verdict


def plan(
    source: list[Entry], target: list[Entry], *, delete_extra: bool = False
) -> list[Action | Skip]:
    pairs = differences(source, target, is_same=S3.is_same)
    return list(decide(pairs, S3, by_ledger(nothing_known, S3), delete_extra=delete_extra))


def test_each_key_on_either_side_comes_once_in_order() -> None:
    got = pair_up(entries("a b d"), entries("b c d e"))

    assert [(s.key if s else "", t.key if t else "") for s, t in got] == [
        ("a", ""),
        ("b", "b"),
        ("", "c"),
        ("d", "d"),
        ("", "e"),
    ]


@given(st.sets(st.text(max_size=3)), st.sets(st.text(max_size=3)))
def test_pairs_are_what_a_union_of_keys_gives(left: set[str], right: set[str]) -> None:
    expected = [
        Pair(Entry(k, 1) if k in left else None, Entry(k, 2) if k in right else None)
        for k in sorted(left | right)
    ]

    got = pair_up([Entry(key, 1) for key in sorted(left)], [Entry(key, 2) for key in sorted(right)])

    assert expected == list(got)


def test_prefixes_are_taken_away_before_keys_are_compared() -> None:
    got = differences(entries("long/a long/c"), entries("p/a p/b"), cuts=(5, 2))

    assert list(got) == [
        Pair(Entry("long/a", 1), Entry("p/a", 1)),
        Pair(None, Entry("p/b", 1)),
        Pair(Entry("long/c", 1), None),
    ]


def test_what_is_the_same_is_counted_and_not_told_one_by_one() -> None:
    same = [Entry(f"{number:06}", 2, etag=MD5) for number in range(25_000)]

    assert plan(same, same) == [Skip(10_000, 20_000), Skip(10_000, 20_000), Skip(5_000, 10_000)]


def test_a_missing_object_is_copied_and_an_extra_one_left_alone() -> None:
    assert plan(entries("a"), entries("b")) == [Copy(Entry("a", 1), "a")]


def test_an_extra_object_is_deleted_when_a_person_wants_it() -> None:
    assert plan(entries("a"), entries("b"), delete_extra=True) == [
        Copy(Entry("a", 1), "a"),
        Delete(Entry("b", 1)),
    ]


def test_a_copy_says_what_it_replaces_and_why() -> None:
    source, target = Entry("a", 1, etag=MD5), Entry("a", 2, etag=MD5)

    assert plan([source], [target]) == [Copy(source, "a", replaces=target, reason="size")]


def test_a_copy_goes_to_the_renamed_key() -> None:
    got = decide(
        [Pair(Entry("p/a", 1), None)],
        S3,
        by_ledger(nothing_known, S3),
        rename=lambda key: f"q/{key[2:]}",
    )

    assert list(got) == [Copy(Entry("p/a", 1), "q/a")]


@pytest.mark.parametrize(
    ("mode", "source", "target", "expected"),
    [
        (Mode.SIZE, Entry("a", 1, 9.0, MD5), Entry("a", 1, 1.0, OTHER_MD5), Verdict.SAME),
        (Mode.SIZE, Entry("a", 1), Entry("a", 2), Verdict.SIZE),
        (Mode.MTIME, Entry("a", 1, 5.0), Entry("a", 1, 5.0), Verdict.SAME),
        (Mode.MTIME, Entry("a", 1, 5.0), Entry("a", 1, 6.0), Verdict.SAME),
        (Mode.MTIME, Entry("a", 1, 6.0), Entry("a", 1, 5.0), Verdict.MODIFIED),
        (Mode.MTIME, Entry("a", 1, 5.9), Entry("a", 1, 5.0), Verdict.SAME),
        (Mode.MTIME, Entry("a", 1, 6.1), Entry("a", 1, 5.0), Verdict.MODIFIED),
        (Mode.MTIME, Entry("a", 1, 5.9), Entry("a", 1, 5.1), Verdict.MODIFIED),
        (Mode.MTIME, Entry("a", 1, 5.0), Entry("a", 2, 6.0), Verdict.SIZE),
        (Mode.ETAG, Entry("a", 1, 9.0, MD5), Entry("a", 1, 1.0, MD5), Verdict.SAME),
        (Mode.ETAG, Entry("a", 1, 1.0, MD5), Entry("a", 1, 9.0, OTHER_MD5), Verdict.ETAG),
        (Mode.ETAG, Entry("a", 1, 9.0, "x-3"), Entry("a", 1, 1.0, "x-3"), Verdict.SAME),
        (Mode.ETAG, Entry("a", 1, 1.0, MD5), Entry("a", 1, 9.0, "x-3"), Verdict.ETAG),
        (Mode.AUTO, Entry("a", 1, 9.0, MD5), Entry("a", 1, 1.0, MD5), Verdict.SAME),
        (Mode.AUTO, Entry("a", 1, 1.0, MD5), Entry("a", 1, 9.0, OTHER_MD5), Verdict.ETAG),
        (Mode.AUTO, Entry("a", 1, 1.0, MD5), Entry("a", 1, 9.0, "x-3"), Verdict.SAME),
        (Mode.AUTO, Entry("a", 1, 9.0, MD5), Entry("a", 1, 1.0, "x-3"), Verdict.MODIFIED),
        (Mode.AUTO, Entry("a", 1, 9.0), Entry("a", 1, 1.0), Verdict.MODIFIED),
    ],
)
def test_each_mode_has_its_verdict(
    mode: Mode, source: Entry, target: Entry, expected: Verdict
) -> None:
    assert verdict(Rule(mode, etags_are_md5=True), source, target) is expected


def test_unequal_etags_that_are_no_md5s_leave_it_to_time() -> None:
    source, target = Entry("a", 1, 1.0, MD5), Entry("a", 1, 9.0, OTHER_MD5)

    assert verdict(FOLDER, source, target) is Verdict.SAME
    assert verdict(FOLDER, source._replace(modified=10.0), target) is Verdict.MODIFIED


def test_the_last_proven_copy_ends_a_doubt_in_both_directions() -> None:
    source, target = Entry("p/a", 1, 9.0, "pin-1"), Entry("q/a", 1, 1.0, "x-3")
    proven = {"q/a": Remembered(1, "pin-1", "x-3")}
    for mode in (Mode.AUTO, Mode.ETAG):
        rule = Rule(mode, etags_are_md5=False)

        assert verdict(rule, source, target, lambda _: proven) is Verdict.SAME
        edited = source._replace(etag="pin-2", modified=0.0)
        assert verdict(rule, edited, target, lambda _: proven) is Verdict.ETAG
        vandalised = target._replace(etag="y-3", modified=99.0)
        assert verdict(rule, source, vandalised, lambda _: proven) is Verdict.ETAG


def test_a_file_is_known_to_the_ledger_by_its_stamp_whether_its_etag_is_known_or_not() -> None:
    known = {"k": Remembered(5, "a-source", "stamp")}
    source = Entry("k", 5, 9.0, "a-source")
    there = Entry("k", 5, 1.0, "", stamp="stamp")
    hashed, edited = there._replace(etag="5" * 32), there._replace(stamp="other")

    for mode in (Mode.AUTO, Mode.ETAG):
        rule = Rule(mode, etags_are_md5=True)
        assert verdict(rule, source, there, lambda _: known) is Verdict.SAME
        assert verdict(rule, source, hashed, lambda _: known) is Verdict.SAME
        assert verdict(rule, source, edited, lambda _: known) is Verdict.ETAG


def test_a_remembered_etag_is_not_taken_for_a_checksum() -> None:
    one = Entry("k", 5, 9.0, "5" * 32)
    rule = Rule(Mode.CHECKSUM, etags_are_md5=True, is_vouched=True)

    assert verdict(rule, one, one) is Verdict.SAME
    assert verdict(rule, one, one._replace(stamp="stamp")) is not Verdict.SAME
    assert verdict(rule, one._replace(stamp="stamp"), one) is not Verdict.SAME


def test_an_etag_that_nobody_answers_for_is_not_taken_for_a_checksum() -> None:
    one = Entry("k", 5, 9.0, "5" * 32)
    assert verdict(Rule(Mode.CHECKSUM, etags_are_md5=True), one, one) is not Verdict.SAME


def test_an_encrypted_objects_etag_is_not_copied_for_ever() -> None:
    source, target = Entry("a", 1, 1.0, MD5), Entry("a", 1, 2.0, OTHER_MD5)
    proven = {"a": Remembered(1, MD5, OTHER_MD5)}

    assert verdict(S3, source, target) is Verdict.ETAG
    assert verdict(S3, source, target, lambda _: proven) is Verdict.SAME


def test_the_ledger_is_asked_for_doubts_only_and_for_many_at_once() -> None:
    asked: list[int] = []

    def lookup(keys: Sequence[str]) -> Mapping[str, Remembered]:
        asked.append(len(keys))
        return {}

    pairs = [
        Pair(Entry(f"{n:06}", 1, 5.0, "x-2" if n % 2 else MD5), Entry(f"{n:06}", 1, 1.0, MD5))
        for n in range(2400)
    ]
    got = list(decide(pairs, S3, by_ledger(lookup, S3)))

    assert asked == [500, 500, 200]
    assert [step.source.key for step in got if isinstance(step, Copy)] == [
        f"{n:06}" for n in range(1, 2400, 2)
    ]
    assert sum(step.count for step in got if isinstance(step, Skip)) == 1200


def test_what_is_in_doubt_does_not_wait_for_other_doubts_for_ever() -> None:
    def pairs() -> object:
        yield Pair(Entry("a", 1, 5.0, "x-2"), Entry("a", 1, 1.0, MD5))
        yield Skip(10_000, 0)
        raise AssertionError("asked for more than was needed")

    steps = decide(pairs(), S3, by_ledger(nothing_known, S3))  # type: ignore[arg-type]

    assert next(steps) == Copy(
        Entry("a", 1, 5.0, "x-2"), "a", replaces=Entry("a", 1, 1.0, MD5), reason="modified"
    )


def test_a_doubt_that_nobody_can_end_is_copied() -> None:
    source, target = Entry("a", 1, etag="x-2"), Entry("a", 1, etag="y-2")

    def give_up(doubts: Sequence[Both]) -> list[Verdict]:
        return [Verdict.DOUBT for _ in doubts]

    rule = Rule(Mode.CHECKSUM, etags_are_md5=True)

    assert list(decide([Pair(source, target)], rule, give_up)) == [
        Copy(source, "a", replaces=target, reason="checksum")
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule(Mode.SIZE, etags_are_md5=True), "size"),
        (S3, "etag; where etags cannot be compared, the last proven copy, else size and time"),
        (FOLDER, "the last proven copy, else size and time"),
    ],
)
def test_the_output_says_what_the_comparison_rests_on(rule: Rule, said: str) -> None:
    assert rule.said.replace(" in the ledger", "") == said


_sides = st.dictionaries(
    st.text("abc", min_size=1, max_size=2),
    st.tuples(st.integers(0, 1), st.sampled_from([MD5, OTHER_MD5])),
)


@given(_sides, _sides)
def test_carrying_out_a_plan_makes_the_sides_equal_and_the_counts_add_up(
    left: dict[str, tuple[int, str]], right: dict[str, tuple[int, str]]
) -> None:
    source = [Entry(key, size, etag=etag) for key, (size, etag) in sorted(left.items())]
    target = [Entry(key, size, etag=etag) for key, (size, etag) in sorted(right.items())]
    world, copies, skipped = {one.key: one for one in target}, 0, 0
    for step in plan(source, target, delete_extra=True):
        match step:
            case Copy():
                copies += 1
                world[step.key] = step.source
            case Delete():
                del world[step.key]
            case Skip():
                skipped += step.count

    assert {one.key: one for one in source} == world
    assert len(source) == copies + skipped
