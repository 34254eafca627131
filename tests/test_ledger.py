"""The ledger: what it was told is there, adds up, and is written by one process at a time."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.clock import FakeClock
from bucketline.flow.ledger import IN_DOUBT, Known, Ledger, RunHead
from bucketline.model import (
    Action,
    Copy,
    Delete,
    Entry,
    Fate,
    Mark,
    Outcome,
    Proof,
    Skip,
    Tally,
    Thaw,
    Update,
    Verify,
)

NONE = Skip(0, 0)
DENIED = Outcome(Fate.FAILED, cause="Denied", message="not allowed")
HEAD = RunHead("run-1", "sync", "s3://a/", "s3://b/")


def copy(key: str, size: int = 3) -> Copy:
    return Copy(Entry(key, size, etag="source"), key)


def done(size: int = 3, source: str = "source", target: str = "target") -> Outcome:
    return Outcome(Fate.DONE, size, Proof.ETAG, source, target, hashes={"md5": target})


def memory(run: str = "run-1") -> Ledger:
    ledger = Ledger.open(":memory:", clock=FakeClock())
    ledger.begin(RunHead(run, "sync", "s3://a/", "s3://b/"))
    return ledger


def move(ledger: Ledger, key: str, outcome: Outcome) -> None:
    ledger.record([copy(key)], [], NONE)
    ledger.record([], [(copy(key), outcome)], NONE)


# What it remembers


def test_a_copy_that_is_proven_is_known() -> None:
    ledger = memory()
    move(ledger, "a", done(7, "s", "t"))
    assert ledger.known(["a", "b"]) == {"a": Known(7, "s", "t")}


def test_an_intent_is_in_doubt_until_its_fate_is_told() -> None:
    ledger = memory()
    ledger.record([copy("b"), copy("a")], [], NONE)
    assert ledger.in_doubt() == ["a", "b"]
    ledger.record([], [(copy("a"), done())], NONE)
    assert ledger.in_doubt("run-1") == ["b"]
    assert ledger.in_doubt("another run") == []
    assert ledger.tally() == Tally(done=1, under_way=1, bytes_done=3)


def begin(ledger: Ledger, number: int) -> None:
    ledger.begin(RunHead(f"run-{number}", "sync", "s3://a/", "s3://b/"))


def test_a_copy_that_failed_since_it_was_proven_is_in_doubt() -> None:
    ledger = memory()
    move(ledger, "a", done(7, "s", "t"))
    move(ledger, "b", DENIED)
    assert ledger.known(["a", "b", "c"]) == {"a": Known(7, "s", "t"), "b": IN_DOUBT}
    begin(ledger, 2)
    move(ledger, "a", DENIED)
    assert ledger.known(["a"]) == {"a": IN_DOUBT}
    move(ledger, "a", done(8))
    assert ledger.known(["a"])["a"].size == 8
    assert ledger.complaints() == []


def test_a_copy_that_a_crash_left_without_a_fate_is_in_doubt() -> None:
    ledger = memory()
    move(ledger, "a", done())
    ledger.record([copy("a"), copy("b")], [], NONE)
    assert ledger.known(["a", "b"]) == {"a": IN_DOUBT, "b": IN_DOUBT}
    for number in (2, 3, 4):  # Runs that crash before they come to it.
        begin(ledger, number)
        ledger.record([copy(f"other-{number}")], [], NONE)
        assert ledger.known(["a", "b"]) == {"a": IN_DOUBT, "b": IN_DOUBT}
    assert ledger.known(["other-2", "other-4"]) == {"other-2": IN_DOUBT, "other-4": IN_DOUBT}
    move(ledger, "b", done())
    assert ledger.known(["b"]) == {"b": Known(3, "source", "target")}
    assert ledger.complaints() == []


def test_a_copy_after_a_deletion_is_in_doubt_until_it_is_proven() -> None:
    ledger = memory()
    ledger.record([], [(Delete(Entry("a", 3)), Outcome(Fate.DONE))], NONE)
    move(ledger, "a", DENIED)
    assert ledger.known(["a"]) == {"a": IN_DOUBT}


def test_doubts_are_derived_and_can_be_made_again() -> None:
    ledger = memory()
    move(ledger, "a", done())
    ledger.record([copy("a"), copy("b")], [], NONE)
    begin(ledger, 2)
    ledger._db.execute("UPDATE current SET fate = 1, size = 3")
    assert [said.split(":")[0] for said in ledger.complaints()] == ["current"]
    ledger.rebuild()
    assert ledger.known(["a", "b"]) == {"a": IN_DOUBT, "b": IN_DOUBT}


def test_a_deleted_object_is_known_no_more() -> None:
    ledger = memory()
    move(ledger, "a", done())
    ledger.record([], [(Delete(Entry("a", 3)), Outcome(Fate.DONE))], NONE)
    assert ledger.known(["a"]) == {}
    move(ledger, "a", done(9))
    assert ledger.known(["a"])["a"].size == 9


@pytest.mark.parametrize("key", ["", "a'b", "a\nb", "\0", "a//b", "😀", "\ufffe", "k" * 1024, "%"])
def test_every_key_is_remembered_as_it_is(key: str) -> None:
    ledger = memory()
    move(ledger, key, done())
    assert ledger.known([key, "other"]) == {key: Known(3, "source", "target")}


def test_a_fate_without_an_intent_counts_and_leaves_nothing_under_way() -> None:
    ledger = memory()
    ledger.record([], [(Delete(Entry("a", 1)), Outcome(Fate.WAITING, cause="HeldBack"))], NONE)
    assert ledger.tally() == Tally(waiting=1)
    assert ledger.complaints() == []


KEYS = st.sampled_from("abcd")
OUTCOMES = st.builds(Outcome, st.sampled_from(list(Fate)[1:]), st.integers(0, 9))
BATCHES = st.tuples(st.lists(KEYS, max_size=3), st.lists(st.tuples(KEYS, st.booleans(), OUTCOMES)))
TOLD = st.lists(st.tuples(BATCHES, st.integers(0, 5), st.booleans()), max_size=12)


@given(TOLD)
@settings(max_examples=60)
def test_counters_and_known_copies_agree_with_a_plain_model(
    told: list[tuple[tuple[list[str], list[tuple[str, bool, Outcome]]], int, bool]],
) -> None:
    ledger = memory()
    counts: Counter[Fate] = Counter()
    under_way: set[str] = set()
    told_last: dict[str, int] = {}  # The size that is known, or that of a doubt.
    for number, ((begun, ended), skipped, is_new_run) in enumerate(told):
        if is_new_run:
            ledger.begin(RunHead(f"next-{number}", "sync", "a", "b"))
            counts, under_way = Counter(), set()
        ends: list[tuple[Action, Outcome]] = [
            (Delete(Entry(key, 1)) if is_delete else copy(key), end)
            for key, is_delete, end in ended
        ]
        ledger.record([copy(key) for key in begun], ends, Skip(skipped, skipped))
        counts[Fate.SKIPPED] += skipped
        under_way = (under_way | set(begun)) - {key for key, _, _ in ended}
        told_last |= dict.fromkeys(begun, IN_DOUBT.size)
        for key, is_delete, end in ended:
            counts[end.fate] += 1
            told_last[key] = end.size if end.fate is Fate.DONE else IN_DOUBT.size
            if end.fate is Fate.DONE and is_delete:
                del told_last[key]
    tally = ledger.tally()
    assert [tally.skipped, tally.done, tally.failed, tally.waiting, tally.under_way] == [
        *(counts[fate] for fate in (Fate.SKIPPED, Fate.DONE, Fate.FAILED, Fate.WAITING)),
        len(under_way),
    ]
    assert ledger.in_doubt() == sorted(under_way)
    assert {key: known.size for key, known in ledger.known("abcd").items()} == told_last
    assert ledger.complaints() == []


def test_what_is_derived_can_be_made_again() -> None:
    ledger = memory()
    move(ledger, "a", done(7))
    ledger._db.execute("UPDATE current SET size = 8; UPDATE counters SET count = 5")
    assert [said.split(":")[0] for said in ledger.complaints()] == ["counters", "current"]
    ledger.rebuild()
    assert ledger.known(["a"])["a"].size == 7


def test_every_kind_of_action_has_its_word_in_every_place() -> None:
    entry = Entry("k", 7, etag="t")
    moving: list[Action] = [Copy(entry, "a"), Delete(entry)]
    kinds = [*moving, Verify(entry), Update(entry, entry), Thaw(entry), Mark(entry)]
    assert {type(kind) for kind in kinds} == set(get_args(Action))
    with Ledger.open(":memory:", clock=FakeClock()) as ledger:
        for action in kinds:
            ledger.begin(RunHead(action.verb.value, "any", "s", "t"))
            ledger.record([action], [], Skip(0, 0))
            ledger.record([], [(action, Outcome(Fate.DONE, 7, target_etag="t"))], Skip(0, 0))
            gone = isinstance(action, Delete)
            assert ledger.known([action.key]) == ({} if gone else {action.key: Known(7, "", "t")})
        assert ledger.complaints() == []
        words = ledger._select("SELECT run, verb FROM history WHERE fate='done' ORDER BY run")
        kinds_told = ("copy", "delete", "mark", "thaw", "update", "verify")
        assert words == [(word, word) for word in kinds_told]
