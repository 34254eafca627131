"""What a ledger lets go of: pruned runs, finished uploads."""

from __future__ import annotations

from pathlib import Path

from bucketline.clock import FakeClock
from bucketline.flow.ledger import IN_DOUBT, Ledger, RunHead, Upload
from bucketline.model import Copy, Entry, Fate, Outcome, Proof, Skip

NONE = Skip(0, 0)

HEAD = RunHead("run-1", "sync", "s3://a/", "s3://b/")


def copy(key: str) -> Copy:
    return Copy(Entry(key, 3, etag="source"), key)


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
    assert ledger._db.execute("SELECT count(*) FROM lines").get == 2


def test_an_upload_is_remembered_until_it_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    with Ledger.open(path) as ledger:
        ledger.uploads.remember(Upload("big", "id-1", 100, 40, "source", 1.0))
        ledger.uploads.remember(Upload("big", "id-2", 100, 50, "source", 2.0))
        ledger.uploads.remember_parts("big", "id-1", {2: "two", 1: "one"})
        ledger.uploads.remember_parts("big", "id-1", {2: "two again"})
    with Ledger.open(path) as ledger:
        newest, older = ledger.uploads.of("big")
        assert newest == Upload("big", "id-2", 100, 50, "source", 2.0, {})
        assert older.parts == {1: "one", 2: "two again"}
        ledger.uploads.forget("big", "id-1")
        ledger.uploads.forget("big", "id-1")
        assert ledger.uploads.all() == [newest]
