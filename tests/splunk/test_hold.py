"""Under a legal hold the choice is written down first and cannot change, and nothing of it goes."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from desk import begin
from splunk.journals import journal
from splunk.site import ORIGIN, Site

CASE = ("--legal-hold", "smith-2026")
BODY = journal(50, "zstd", seed=1)


@pytest.fixture
def two(site: Site) -> Site:
    site.splunk.add_index("web")
    site.archive("web", 1, body=BODY)
    site.archive("web", 2)
    return site


def manifest(site: Site) -> Path:
    return next(site.desk.state.glob("splunk-*/holds/*.jsonl"))


def refused(site: Site, capsys: pytest.CaptureFixture[str], *words: str, code: int = 7) -> str:
    """What is said; nothing is done."""
    before = list(site.splunk.deeds), site.uploaded()
    assert main([*site.words(), *CASE, *words]) == code
    assert (site.splunk.deeds, site.uploaded()) == before
    return capsys.readouterr().err


def test_nothing_is_evicted_and_the_report_tells_it(two: Site) -> None:
    told = two.told(*CASE)

    assert (told[-1]["done"], two.splunk.evicted) == (2, [])
    head = told[0]
    path = Path(head["manifest"])
    assert (head["event"], head["case"], head["buckets"]) == ("hold", "smith-2026", 2)
    assert head["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {"case", "made_at", "user", "host", "program", "archive"} <= lines[0].keys()
    assert lines[1]["objects"][0].keys() == {"key", "size", "etag", "version", "modified"}
    report = two.desk.here / "r.csv"
    shown = two.desk_status(*two.words()[2:4], "--report", str(report))
    assert shown[0] == head
    with report.open() as file:
        rows = [*csv.DictReader(file)]
    assert rows[0]["journal_sha256"] == hashlib.sha256(BODY).hexdigest()
    assert {(row["holds"], row["counted_before"]) for row in rows} == {("smith-2026", "50")}


def test_again_it_is_the_same_hold_and_there_is_nothing_to_do(two: Site) -> None:
    first = two.told(*CASE)[0]
    before = two.uploaded(), list(two.splunk.deeds)

    told = two.told(*CASE)

    assert told[0] == first
    assert (told[-1]["skipped"], two.uploaded(), two.splunk.deeds) == (2, *before)


def test_another_choice_is_refused(two: Site, capsys: pytest.CaptureFixture[str]) -> None:
    two.run(*CASE)
    name = two.archive("web", 3)

    assert f"web/{name} is not in the manifest" in refused(two, capsys)
    two.desk.delete(f"ddss/web/{name}/rawdata/journal.zst")
    only = two.desk.file("only", f"web~1~{ORIGIN}\n".encode())
    assert "is not chosen any more" in refused(two, capsys, "--only", str(only))
    two.archive("web", 2, events=60)
    assert "are others" in refused(two, capsys)


def test_a_manifest_that_was_changed_is_refused(
    two: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    two.run(*CASE)
    path = manifest(two)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"size":', b'"size":1'))

    assert "is not what was written" in refused(two, capsys)
    path.write_bytes(b"")
    assert "is no manifest" in refused(two, capsys)


def test_a_later_run_without_it_does_not_evict_what_is_held(two: Site) -> None:
    two.run(*CASE)

    assert two.run()["skipped"] == 2
    assert two.splunk.evicted == []


def test_what_was_placed_for_it_is_uploaded_by_others_and_not_evicted(two: Site) -> None:
    two.splunk.faults[f"web~1~{ORIGIN}"] = "stuck"
    two.run(*CASE, code=4)
    two.splunk.faults.clear()

    assert two.run()["done"] == 1
    assert two.splunk.evicted == []


def test_what_its_own_run_did_not_come_to_is_held_all_the_same(two: Site) -> None:
    faults = two.splunk.home / "faults.json"
    faults.write_text(json.dumps({"_1_": "fails"}))
    assert two.run(*CASE, code=1)["done"] == 1
    faults.write_text("{}")

    assert two.run()["done"] == 1
    assert two.splunk.evicted == []
    assert len([*kept(two).iterdir()]) == 1


def test_no_bucket_is_no_hold(two: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert "none to hold" in refused(two, capsys, "--index", "other")


def test_what_was_restored_before_is_held_from_then_on(two: Site) -> None:
    two.run("--no-evict")
    assert two.run(*CASE)["skipped"] == 2

    assert two.run()["skipped"] == 2
    assert two.splunk.evicted == []


def test_the_manifest_is_there_before_anything_else(two: Site) -> None:
    faults = two.splunk.home / "faults.json"
    faults.write_text(json.dumps({"_1_": "kills"}))
    process = begin(dict(os.environ), "-m", "bucketline", *two.words(), *CASE, "--workers", "1")
    process.communicate(timeout=60)
    faults.write_text("{}")
    assert process.returncode == -9
    before = manifest(two).read_bytes()

    assert two.run(*CASE)["done"] == 2
    assert manifest(two).read_bytes() == before
    assert len([*kept(two).iterdir()]) == 1  # What the killed run had staged.


def kept(site: Site) -> Path:
    return site.splunk.home / "indexes/web/bucketline-held"


def test_what_is_damaged_is_kept_with_its_hash(two: Site) -> None:
    bad = b"PK damaged"
    name = two.archive("web", 9, body=bad)

    told = two.run(*CASE, code=1)

    assert (told["done"], told["failed"]) == (2, 1)
    assert (kept(two) / f"{name}.1/rawdata/journal.zst").read_bytes() == bad
    report = two.desk.here / "r.json"
    two.desk_status(*two.words()[2:4], "--report", str(report))
    row = next(row for row in json.loads(report.read_text()) if row["step"] == "quarantined")
    assert (row["holds"], row["journal_sha256"]) == (
        ["smith-2026"],
        hashlib.sha256(bad).hexdigest(),
    )


def test_slices_are_kept_beside_the_journal_that_they_became(site: Site) -> None:
    site.splunk.add_index("web")
    name = site.archive("web", 1, body=BODY)
    site.desk.delete(f"ddss/web/{name}/rawdata/journal.zst")
    slices = {"0": BODY[:100], "100": BODY[100:]}
    for number, body in slices.items():
        site.put(f"ddss/web/{name}/rawdata/{number}", body)

    assert site.run(*CASE)["done"] == 1
    for number, body in slices.items():
        assert (kept(site) / f"{name}.1/rawdata/{number}").read_bytes() == body


def test_an_index_that_would_delete_it_is_refused(
    two: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    two.splunk.indexes["web"]["frozenTimePeriodInSecs"] = 86400 * 365

    assert "would delete it again" in refused(two, capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "1"], "whole choice"),
        (["--interactive"], "whole choice"),
        (["--legal-hold", "../x"], "cannot name a case"),
    ],
)
def test_what_does_not_go_together(
    two: Site, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert said in refused(two, capsys, *words, code=2)


def test_a_step_alone_that_evicts_is_refused(two: Site, capsys: pytest.CaptureFixture[str]) -> None:
    words: list[Any] = two.words()
    words[1] = "evict"

    assert main([*words, *CASE]) == 2
    assert "evicts nothing" in capsys.readouterr().err
