"""What a ledger has proven, object by object: by one run, by a job up to a run, by now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bucketline.flow.ledger import RunHead
from bucketline.flow.report.delivered import of_job, of_run, standing, verified
from bucketline.flow.report.runs import find_run, runs
from bucketline.model import Delete, Entry, Fate, Outcome, Verify
from ledgers import DENIED, DONE, NONE, copy, opened, told


def keys(found: object) -> list[str]:
    return [one.key for one in found]  # type: ignore[attr-defined]


def two_runs(folder: Path) -> Path:
    """The first delivers a to e; the second one more, fails at one, deletes one, doubts one."""
    with opened(folder) as ledger:
        told(ledger, "run-1", dict.fromkeys("abcde", DONE))
        ledger.end("complete")
        told(ledger, "run-2", {"b": DENIED, "f": DONE})
        gone = Delete(Entry("c", 3))
        ledger.record([gone], [], NONE)
        ledger.record([], [(gone, Outcome(Fate.DONE))], NONE)
        ledger.record([copy("d")], [], NONE)
    return folder / "job.ledger"


def test_a_run_has_delivered_what_it_has_proven_itself(tmp_path: Path) -> None:
    two_runs(tmp_path)
    assert keys(of_run(find_run(tmp_path, "run-1"))) == list("abcde")
    assert keys(of_run(find_run(tmp_path, "run-2"))) == ["f"]


def test_what_failed_was_deleted_or_is_in_doubt_since_stands_no_more(tmp_path: Path) -> None:
    path = two_runs(tmp_path)
    assert keys(standing(path)) == ["a", "e", "f"]
    assert keys(of_job(find_run(tmp_path, "run-2"))) == ["a", "e", "f"]
    assert keys(of_job(find_run(tmp_path, "run-1"))) == list("abcde")  # Delivered, as it was then.


def test_each_delivery_says_how_it_was_proven(tmp_path: Path) -> None:
    two_runs(tmp_path)
    one = next(iter(of_run(find_run(tmp_path, "run-2"))))
    assert (one.size, one.run, one.proof) == (3, "run-2", "md5")
    assert one.hashes == {"md5": "d", "part-size": "8"}
    assert (one.target_etag, one.version) == ("t", "v1")
    assert one.started is not None
    assert one.to_verify().target == Entry("f", 3, one.time, "t", "v1")


def test_what_proves_an_object_outlives_its_run(tmp_path: Path) -> None:
    path = two_runs(tmp_path)
    before = list(standing(path))
    with opened(tmp_path) as ledger:
        assert ledger.prune(1) == 1
        assert ledger.complaints() == []
        kept = ledger._select("SELECT key FROM lines WHERE run=1 ORDER BY key")
    assert [key for (key,) in kept] == ["a", "d", "e"]  # Of d the second run may tell more yet.
    assert [replace(one, started=None) for one in before] == [
        replace(one, started=None) for one in standing(path)
    ]
    assert {one.key: one.run for one in standing(path)} == {
        "a": "run-1",
        "e": "run-1",
        "f": "run-2",
    }


def test_what_proves_nothing_any_more_goes_with_the_next_pruning(tmp_path: Path) -> None:
    path = two_runs(tmp_path)
    with opened(tmp_path) as ledger:
        ledger.prune(1)
        told(ledger, "run-3", {"a": DONE, "e": DENIED})
        ledger.end("failed")
        ledger.prune(1)
        kept = ledger._select("SELECT run, key FROM lines WHERE run < 3 ORDER BY run, key")
        assert kept == [(2, "f")]
        ledger.rebuild()
        assert ledger.complaints() == []
    assert keys(standing(path)) == ["a", "f"]


def test_many_come_page_by_page(tmp_path: Path) -> None:
    many = {f"k{number:05}": DONE for number in range(2_500)}
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", many)
        ledger.end("complete")
        told(ledger, "run-2", {"k01000": DONE, "x": DONE})
    assert keys(standing(tmp_path / "job.ledger")) == [*many, "x"]
    assert keys(of_job(runs(tmp_path)[0])) == [*many, "x"]


def test_verifications_remember_what_they_proved_and_when(tmp_path: Path) -> None:
    assert keys(verified(tmp_path / "none.ledger")) == []
    with opened(tmp_path) as ledger:
        for run, ends in (("v-1", "ab"), ("v-2", "b")):
            ledger.begin(RunHead(run, "verify", "", "t"))
            for key in ends:
                step = Verify(Entry(key, 3))
                ledger.record([step], [], NONE)
                ledger.record([], [(step, DONE)], NONE)
    assert [(one.key, one.run) for one in verified(tmp_path / "job.ledger")] == [
        ("a", 1),
        ("b", 2),
    ]
