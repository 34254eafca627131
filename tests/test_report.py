"""What ledgers tell: runs, objects by page, causes with remedies, exports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.clock import FakeClock
from bucketline.errors import Denied, LedgerError, UsageError
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import RunHead
from bucketline.flow.look.filters import read_only_file
from bucketline.flow.report import objects as listed
from bucketline.flow.report import runs as report
from bucketline.flow.report.objects import Which
from bucketline.flow.report.remedies import causes, remedy_of
from bucketline.flow.report.runs import Trouble
from bucketline.flow.run.loop import run
from bucketline.flow.run.terms import Terms
from bucketline.model import Fate, Outcome
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
        "found": None,
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
    assert report.find_run(tmp_path, "run-1").run == "run-1"


def test_the_last_run_is_not_guessed_where_a_ledger_that_cannot_be_read_is_newer(
    tmp_path: Path,
) -> None:
    finished(tmp_path, {"a": DONE})
    (good,) = report.runs(tmp_path)
    bad = tmp_path / "bad.ledger"
    bad.write_bytes(b"garbage" * 200)
    os.utime(bad, (good.started + 1, good.started + 1))
    for wanted in ("last", "nobody's"):
        with pytest.raises(LedgerError, match=r"in here.*bad.ledger: it is damaged"):
            report.find_run(tmp_path, wanted)

    os.utime(bad, (good.started - 1, good.started - 1))
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
    lines = list(listed.failures(report.find_run(tmp_path, "last")))
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
        assert report.prune(tmp_path, 1) == (2, [tmp_path / "two.ledger"], [])
    assert {row.run for row in report.runs(tmp_path)} == {"one-2", "two-0", "two-1", "two-2"}


def test_a_newer_ledger_is_not_read(tmp_path: Path) -> None:
    row = finished(tmp_path, {"a": DONE})
    with opened(tmp_path) as ledger:
        ledger._db.pragma("user_version", 9)
    with pytest.raises(LedgerError, match="newer"):
        listed.objects(row, Which())


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
