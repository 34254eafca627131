"""Objects of a run, page by page: whatever their fate, and however keys begin."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.flow.ledger import Known
from bucketline.flow.report import objects as listed
from bucketline.flow.report import runs as report
from bucketline.flow.report.objects import Which
from bucketline.model import Action, Delete, Entry, Fate, Outcome
from ledgers import DENIED, DONE, NONE, copy, finished, opened, told

THAW = Outcome(Fate.WAITING, cause="NeedsThaw", message="in GLACIER")


def test_an_object_is_told_with_what_was_intended_and_what_became_of_it(tmp_path: Path) -> None:
    row = finished(tmp_path, {"a": DONE, "b": DENIED})
    first, second = listed.objects(row, Which())
    assert (first.key, first.verb, first.fate, first.reason) == ("a", "copy", "done", "etag")
    assert (first.proof, first.source_etag, first.target_etag) == ("md5", "s", "t")
    assert first.target_version == "v1"
    assert first.hashes == {"md5": "d", "part-size": "8"}
    assert (second.fate, second.cause, second.size) == ("failed", "Denied", 3)
    assert (second.source_etag, second.message) == ("source", "s3://a/k: 403")


def test_objects_page_by_key_whatever_their_fate(tmp_path: Path) -> None:
    outcomes = (DONE, DENIED, THAW)
    ends = {f"{number:03}": outcomes[number % 3] for number in range(100)}
    row = finished(tmp_path, ends)
    for fate, expected in (
        (None, sorted(ends)),
        *((one.fate, [key for key in sorted(ends) if ends[key] is one]) for one in outcomes),
        (Fate.SKIPPED, []),
        (Fate.STARTED, []),
    ):
        keys: list[str] = []
        while page := listed.objects(row, Which(fate, after=keys[-1] if keys else ""), 7):
            assert len(page) <= 7
            keys += [one.key for one in page]
        assert keys == expected


@given(
    keys=st.sets(st.text("ab/\ud7ff\ue000\uffff\U0010ffff", min_size=1, max_size=3), max_size=12),
    prefix=st.text("ab/\ud7ff\uffff\U0010ffff", max_size=2),
)
def test_a_prefix_is_what_keys_begin_with(keys: set[str], prefix: str) -> None:
    with TemporaryDirectory() as folder:
        row = finished(Path(folder), dict.fromkeys(sorted(keys), DONE))
        found: list[str] = []
        while page := listed.objects(row, Which(None, prefix, found[-1] if found else ""), 3):
            found += [one.key for one in page]

    assert found == sorted(key for key in keys if key.startswith(prefix))


def test_objects_in_doubt_are_listed_as_started(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {"a": DONE})
        delete: Action = Delete(Entry("z", 9, etag="there"))
        ledger.record([copy("c"), copy("b"), delete], [], NONE)
    row = report.find_run(tmp_path, "last")
    found = listed.objects(row, Which(Fate.STARTED))
    assert [(one.key, one.verb, one.size) for one in found] == [
        ("b", "copy", 3),
        ("c", "copy", 3),
        ("z", "delete", 9),
    ]
    assert [one.key for one in listed.objects(row, Which(Fate.STARTED, after="b"), 1)] == ["c"]
    assert [one.fate for one in listed.objects(row, Which())] == [
        "done",
        "started",
        "started",
        "started",
    ]


def test_objects_of_one_run_are_not_those_of_another(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {"a": DENIED, "b": DONE})
        told(ledger, "run-2", {"a": DONE})
    fates = {
        run: [
            (one.key, one.fate) for one in listed.objects(report.find_run(tmp_path, run), Which())
        ]
        for run in ("run-1", "run-2")
    }
    assert fates == {"run-1": [("a", "failed"), ("b", "done")], "run-2": [("a", "done")]}


def test_a_reader_in_the_middle_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {f"{number:05}": DONE for number in range(listed.PAGE + 5)})
        ledger._db.set_busy_timeout(0)
        reading = listed.all_objects(report.find_run(tmp_path, "last"))
        assert next(reading).key == "00000"
        ledger.record([copy("99999")], [], NONE)
        ledger._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rest = [f"{number:05}" for number in range(1, listed.PAGE + 5)]
        assert [one.key for one in reading] == [*rest, "99999"]


def steps(folder: Path, sql: str) -> list[str]:
    """How SQLite would answer."""
    literal = re.sub(r":(run|first|last|limit)|[?]", "1", sql)
    with apsw.Connection(str(folder / "job.ledger")) as db:
        rows = db.execute(f"EXPLAIN QUERY PLAN {literal}").fetchall()
    return [str(row[3]) for row in rows]


@pytest.mark.parametrize("fate", [None, Fate.DONE, Fate.FAILED])
def test_no_page_is_sorted_or_scanned_for(tmp_path: Path, fate: Fate | None) -> None:
    finished(tmp_path, {"a": DONE})
    plan = steps(tmp_path, listed._objects_sql(fate))
    assert not [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step]
    assert ("troubles" in plan[0]) == (fate is Fate.FAILED)


def test_troubles_are_found_without_reading_what_went_well(tmp_path: Path) -> None:
    finished(tmp_path, {"a": DONE})
    assert "troubles" in steps(tmp_path, report._TROUBLES)[0]


def test_known_copies_can_be_asked_of_a_job_that_runs_or_never_ran(tmp_path: Path) -> None:
    assert report.known(tmp_path / "job.ledger", ["a"]) == {}
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {"a": DONE})
        assert report.known(tmp_path / "job.ledger", ["a", "b"]) == {"a": Known(3, "s", "t")}
