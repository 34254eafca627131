"""What a ledger lets go of: pruned runs, finished uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import LedgerError
from bucketline.flow.ledger import IN_DOUBT, Ledger, RunHead
from bucketline.flow.ledger.uploads import LedgerHints, Statement, Uploads
from bucketline.flow.move.hints import SentPart, Upload
from bucketline.model import Copy, Entry, Fate, Outcome, Proof, Skip
from bucketline.stores.base import Flow, Pause

T = TypeVar("T")
NONE = Skip(0, 0)

HEAD = RunHead("run-1", "sync", "s3://a/", "s3://b/")


def copy(key: str) -> Copy:
    return Copy(Entry(key, 3, etag="source"), key)


def ended(flow: Flow[T]) -> T:
    """What a flow says that only pauses."""
    try:
        while True:
            assert isinstance(next(flow), Pause)
    except StopIteration as stop:
        value: T = stop.value
        return value


def done(size: int = 3) -> Outcome:
    return Outcome(Fate.DONE, size, Proof.ETAG, "source", "target")


def move(ledger: Ledger, key: str, outcome: Outcome) -> None:
    ledger.record([copy(key)], [], NONE)
    ledger.record([], [(copy(key), outcome)], NONE)


def memory(run: str = "run-1") -> Ledger:
    ledger = Ledger.open(":memory:", clock=FakeClock())
    ledger.begin(RunHead(run, "sync", "s3://a/", "s3://b/"))
    return ledger


def test_pruned_runs_are_gone_and_their_copies_still_known() -> None:
    ledger = memory("run-0")
    move(ledger, "old", done(7))
    for number in (1, 2, 3):
        ledger.begin(RunHead(f"run-{number}", "sync", "a", "b"))
        move(ledger, f"key-{number}", done())
    assert ledger.prune(2) == 2
    assert [run for (run,) in ledger._db.execute("SELECT DISTINCT run FROM history")] == [
        "run-2",
        "run-3",
    ]
    assert len(ledger.known(["old", "key-1", "key-2", "key-3"])) == 4
    ledger.rebuild()
    assert ledger.known(["old"])["old"].size == 7
    assert ledger.complaints() == []


def test_what_a_pruned_run_left_in_doubt_stays_in_doubt(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    with Ledger.open(path) as ledger:
        ledger.begin(HEAD)
        move(ledger, "b", Outcome(Fate.FAILED, cause="Mismatch"))
        ledger.record([copy("a"), copy("b")], [], NONE)
    with Ledger.open(path) as ledger:
        assert ledger.prune(0) == 1
        assert ledger.complaints() == []
        ledger.begin(RunHead("run-2", "sync", "s3://a/", "s3://b/"))
        assert ledger.known(["a", "b"]) == {"a": IN_DOUBT, "b": IN_DOUBT}


def test_pruning_never_touches_the_run_under_way() -> None:
    ledger = memory()
    move(ledger, "a", done())
    assert ledger.prune(0) == 0
    assert ledger.tally().done == 1


def test_a_pruning_that_was_cut_short_is_finished_by_the_next() -> None:
    ledger = memory("run-0")
    move(ledger, "a", done())
    ledger.begin(RunHead("run-1", "sync", "a", "b"))
    move(ledger, "b", done())
    ledger._db.execute("DELETE FROM runs WHERE run = 'run-0'; DELETE FROM counters WHERE run = 1")
    assert ledger.complaints() == []
    assert ledger.prune(5) == 0
    # The intent is gone, and the line that proves the copy stays.
    assert ledger._db.execute("SELECT fate FROM lines WHERE run=1").fetchall() == [(1,)]
    assert ledger._db.execute("SELECT count(*) FROM lines WHERE run=2").get == 2


def test_an_upload_is_remembered_until_it_is_forgotten(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.ledger", FakeClock()
    first = Upload("big", "id-1", 100, 40, "source", "mark", 1.0)
    one, two, again = SentPart("one", "1"), SentPart("two", "2"), SentPart("two again", "2")
    with Ledger.open(path) as ledger:
        hints = LedgerHints(ledger.uploads, clock)
        ended(hints.remember(first))
        dated = ended(hints.remember(Upload("big", "", 100, 50, "source", "mark")))
        assert dated.started == clock.now()
        ended(hints.remember(replace(dated, upload="id-2", started=2.0)))
        ended(hints.remember_parts("big", "id-1", {2: two, 1: one}))
        ended(hints.remember_parts("big", "id-1", {2: again}))
    with Ledger.open(path) as ledger:
        hints = LedgerHints(ledger.uploads, clock)
        assert [left.upload for left in hints.left] == ["id-1", "id-2"]
        newest, older = ended(hints.of("big"))
        assert newest == replace(first, upload="id-2", part_size=50, started=2.0)
        assert older == replace(first, parts={1: one, 2: again})
        assert hints.left == []
        ended(hints.forget("big", "id-1"))
        ended(hints.forget("big", "id-1"))
        assert ended(hints.of("big")) == [newest]


def test_what_flows_remember_in_one_turn_is_one_transaction() -> None:
    ledger = memory()
    commits: list[int] = []
    uploads = Uploads(lambda some: commits.append(len(some)), ledger.uploads._select)
    hints = LedgerHints(uploads, FakeClock())
    flows = [hints.remember_parts("big", "id", {n: SentPart("e", "m")}) for n in (1, 2, 3)]
    for flow in flows:
        next(flow)
    assert commits == []
    assert [next(flow, "ended") for flow in flows] == ["ended"] * 3
    assert commits == [3]


def test_a_flow_whose_statements_another_could_not_write_is_not_told_that_they_are_kept() -> None:
    ledger = memory()

    def full(statements: Sequence[Statement]) -> None:
        raise LedgerError(f"no room for {len(statements)}; make room")

    hints = LedgerHints(Uploads(full, ledger.uploads._select), FakeClock())
    flows = [hints.remember(Upload(key, "", 1, 1)) for key in ("one", "two")]
    for flow in flows:
        next(flow)
    for flow in flows:
        with pytest.raises(LedgerError, match="no room for 4"):
            next(flow)
