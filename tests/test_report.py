"""What ledgers tell: runs, objects by page, causes with remedies, exports."""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import pytest

from bucketline.cli import main
from bucketline.clock import FakeClock
from bucketline.errors import Denied, LedgerError, UsageError
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Known, RunHead
from bucketline.flow.look.filters import read_only_file
from bucketline.flow.report import runs as report
from bucketline.flow.report.remedies import causes, remedy_of
from bucketline.flow.report.runs import Trouble
from bucketline.flow.run.loop import run
from bucketline.flow.run.terms import Terms
from bucketline.model import Action, Delete, Entry, Fate, Outcome
from ledgers import DENIED, DONE, NONE, copy, finished, opened, told
from stage import Engine, Stage, a_copy, raising

THAW = Outcome(Fate.WAITING, cause="NeedsThaw", message="in GLACIER")


# Runs


def test_a_run_is_told_with_every_count(tmp_path: Path) -> None:
    row = finished(tmp_path, {"a": DONE, "b": DENIED, "c": THAW, "d": DONE}, "failed")
    assert row.as_json() == {
        "run": "run-1",
        "command": "sync",
        "state": "failed",
        "started": 1_700_000_000.0,
        "ended": 1_700_000_000.0,
        "listed": 9,
        "skipped": 5,
        "done": 2,
        "failed": 1,
        "waiting": 1,
        "bytes": 6,
        "in_doubt": 0,
        "source": "s3://a/",
        "target": "s3://b/",
        "message": "",
    }


def test_a_run_is_running_while_its_ledger_is_held_and_crashed_without_an_end(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {"a": DONE})
        ledger.record([copy("b")], [], NONE)
        row = report.find_run(tmp_path, "last")
        assert (row.state, row.listed, row.in_doubt) == ("running", 1, 0)
    row = report.find_run(tmp_path, "last")
    assert (row.state, row.listed, row.in_doubt) == ("crashed", 1, 1)
    with opened(tmp_path) as ledger:
        told(ledger, "run-2", {"b": DONE})
        assert [row.state for row in report.runs(tmp_path)] == ["running", "crashed"]
        ledger.end("interrupted")
        assert [row.state for row in report.runs(tmp_path)] == ["interrupted", "crashed"]


def test_asking_never_takes_the_right_to_write(tmp_path: Path) -> None:
    finished(tmp_path, {"a": DONE})
    for _ in range(20):
        with opened(tmp_path):
            assert report.runs(tmp_path)[0].state == "complete"


def test_runs_of_all_jobs_come_newest_first(tmp_path: Path) -> None:
    for job, start in (("one", 20.0), ("two", 30.0), ("three", 10.0)):
        with opened(tmp_path, job, start) as ledger:
            told(ledger, job, {})
            ledger.end("complete")
    assert [row.run for row in report.runs(tmp_path)] == ["two", "one", "three"]


def test_no_runs_is_an_empty_list_and_no_folder_too(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / "empty.ledger").write_bytes(b"")
    assert report.runs(tmp_path) == []
    assert report.runs(tmp_path / "missing") == []
    with pytest.raises(UsageError, match="no runs yet"):
        report.find_run(tmp_path, "last")


def test_a_damaged_ledger_is_a_row_and_hides_no_other(tmp_path: Path) -> None:
    finished(tmp_path, {"a": DONE})
    (tmp_path / "bad.ledger").write_bytes(b"garbage" * 200)
    good, bad = report.runs(tmp_path)
    assert (good.run, good.state) == ("run-1", "complete")
    assert bad.state == "unreadable"
    assert "bad.ledger: it is damaged" in bad.message
    assert report.find_run(tmp_path, "last").run == "run-1"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("20240101", r"any of 2 runs \(20240101-b, 20240101-a …\); give more"),
        ("2025", "there is no run '2025'"),
        ("", "there is no run ''"),
    ],
)
def test_a_run_is_found_by_a_beginning_that_only_it_has(
    tmp_path: Path, wanted: str, said: str
) -> None:
    with opened(tmp_path) as ledger:
        for run in ("20240101-a", "20240101-b", "20240102-a", "20240102"):
            told(ledger, run, {})
    assert report.find_run(tmp_path, "20240101-a").run == "20240101-a"
    assert report.find_run(tmp_path, "20240102-").run == "20240102-a"
    assert report.find_run(tmp_path, "20240102").run == "20240102"
    with pytest.raises(UsageError, match=said):
        report.find_run(tmp_path, wanted)


# Objects


def test_an_object_is_told_with_what_was_intended_and_what_became_of_it(tmp_path: Path) -> None:
    row = finished(tmp_path, {"a": DONE, "b": DENIED})
    first, second = report.objects(row)
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
        while page := report.objects(row, fate, after=keys[-1] if keys else "", limit=7):
            assert len(page) <= 7
            keys += [one.key for one in page]
        assert keys == expected


def test_objects_in_doubt_are_listed_as_started(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {"a": DONE})
        delete: Action = Delete(Entry("z", 9, etag="there"))
        ledger.record([copy("c"), copy("b"), delete], [], NONE)
    row = report.find_run(tmp_path, "last")
    found = report.objects(row, Fate.STARTED)
    assert [(one.key, one.verb, one.size) for one in found] == [
        ("b", "copy", 3),
        ("c", "copy", 3),
        ("z", "delete", 9),
    ]
    assert [one.key for one in report.objects(row, Fate.STARTED, after="b", limit=1)] == ["c"]
    assert [one.fate for one in report.objects(row)] == ["done", "started", "started", "started"]


def test_objects_of_one_run_are_not_those_of_another(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {"a": DENIED, "b": DONE})
        told(ledger, "run-2", {"a": DONE})
    fates = {
        run: [(one.key, one.fate) for one in report.objects(report.find_run(tmp_path, run))]
        for run in ("run-1", "run-2")
    }
    assert fates == {"run-1": [("a", "failed"), ("b", "done")], "run-2": [("a", "done")]}


def test_a_reader_in_the_middle_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {f"{number:05}": DONE for number in range(report.PAGE + 5)})
        ledger._db.set_busy_timeout(0)
        reading = report.all_objects(report.find_run(tmp_path, "last"))
        assert next(reading).key == "00000"
        ledger.record([copy("99999")], [], NONE)
        ledger._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rest = [f"{number:05}" for number in range(1, report.PAGE + 5)]
        assert [one.key for one in reading] == [*rest, "99999"]


def steps(folder: Path, sql: str) -> list[str]:
    """How SQLite would answer."""
    literal = re.sub(r":(run|after|limit)|[?]", "1", sql)
    with apsw.Connection(str(folder / "job.ledger")) as db:
        rows = db.execute(f"EXPLAIN QUERY PLAN {literal}").fetchall()
    return [str(row[3]) for row in rows]


@pytest.mark.parametrize("fate", [None, Fate.DONE, Fate.FAILED])
def test_no_page_is_sorted_or_scanned_for(tmp_path: Path, fate: Fate | None) -> None:
    finished(tmp_path, {"a": DONE})
    plan = steps(tmp_path, report._objects_sql(fate))
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


# What went wrong


def test_troubles_come_by_cause_with_a_remedy(tmp_path: Path) -> None:
    row = finished(tmp_path, {"a": DENIED, "b": THAW, "c": DENIED, "d": DONE})
    denied = "Allow this identity to read it at the source and to write it at the target."
    assert report.troubles(row) == [
        Trouble("Denied", "failed", 2, "a", "s3://a/k: 403", denied),
        Trouble(
            "NeedsThaw",
            "waiting",
            1,
            "b",
            "in GLACIER",
            "Thaw it: `bucketline thaw LOCATION`; run again when that is done.",
        ),
    ]


def test_every_cause_has_a_remedy_of_its_own() -> None:
    said = [remedy_of(cause) for cause in causes()]
    assert len(said) == len(set(said)) > 20
    assert "bug" in remedy_of("ZeroDivisionError")


def test_a_failure_file_is_what_only_takes(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        told(ledger, "run-1", {"a\nb": DENIED, "{": THAW, "fine": DONE})
        ledger.record([copy("doubt")], [], NONE)
    path = tmp_path / "left.jsonl"
    lines = list(report.failures(report.find_run(tmp_path, "last")))
    path.write_text("".join(f"{line}\n" for line in lines))
    assert read_only_file(path) == {"a\nb", "{", "doubt"}


def test_pruning_leaves_the_newest_runs_of_each_job_and_running_jobs_alone(
    tmp_path: Path,
) -> None:
    for job in ("one", "two"):
        with opened(tmp_path, job) as ledger:
            for number in range(3):
                told(ledger, f"{job}-{number}", {"a": DONE})
                ledger.end("complete")
    with opened(tmp_path, "two"):
        assert report.prune(tmp_path, 1) == (2, [tmp_path / "two.ledger"])
    assert {row.run for row in report.runs(tmp_path)} == {"one-2", "two-0", "two-1", "two-2"}


def test_a_newer_ledger_is_not_read(tmp_path: Path) -> None:
    row = finished(tmp_path, {"a": DONE})
    with opened(tmp_path) as ledger:
        ledger._db.pragma("user_version", 9)
    with pytest.raises(LedgerError, match="newer"):
        report.objects(row)


def test_a_failed_object_says_which_request_the_server_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the error in a flow to what `runs errors` prints: an operator asks for that id."""
    refusal = Denied("not allowed", store="s3://b/", key="k1", request_id="4442587FB7D0A2F9")
    stage = Stage([a_copy("k1")], {"k1": raising(refusal)})
    drive, terms = open_drive(), Terms(FakeClock())
    with opened(tmp_path) as ledger:
        ledger.begin(RunHead("run-1", "sync", "s3://a/", "s3://b/"))
        run(Engine(stage), ledger, drive, terms)
    drive.close()
    assert main(["runs", "errors", "last", "--state", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "  k1: s3://b/k1: not allowed (request 4442587FB7D0A2F9)\n" in shown
