"""Steps alone, thawed buckets, exports and questions."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest

from bucketline.cli import main
from bucketline.flow.drive import blocking
from faults.kinds import refuse
from faults.proxy import FaultProxy
from splunk.journals import lines
from splunk.site import ORIGIN, Site

BID = f"web~1~{ORIGIN}"


def step(site: Site, name: str, code: int = 0) -> dict[str, Any]:
    words = site.words()[2:]
    at = words.index("--endpoint-url")  # The desk says it.
    del words[at : at + 2]
    return site.desk.run("splunk", name, *words, code=code)[-1]


def places(site: Site) -> list[str]:
    return site.words()[2:4]


def test_steps_make_a_run(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)

    assert step(site, "rebuild")["done"] == 1
    assert (site.splunk.uploads[BID], site.splunk.seen["restart"]) == (0, 0)
    assert step(site, "rebuild")["skipped"] == 1
    assert step(site, "evict")["skipped"] == 1, "it is not its turn yet"
    assert step(site, "upload")["restarts"] == 1
    assert site.splunk.evicted == []
    assert step(site, "upload")["skipped"] == 1
    assert step(site, "evict")["done"] == 1
    assert site.splunk.evicted == [BID]
    assert site.run()["skipped"] == 1
    assert site.splunk.uploads[BID] == 1


def test_an_upload_without_a_rebuild_does_nothing(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)

    told = step(site, "upload")

    assert (told["skipped"], told["restarts"]) == (1, 0)


def test_status_tells_and_reports(site: Site, tmp_path: Path) -> None:
    site.splunk.add_index("web")
    name = site.archive("web", 1)
    site.archive("web", 2, body=b"PK no journal")
    site.run(code=1)

    for end in ("csv", "json", "html"):
        report = tmp_path / f"r.{end}"
        site.desk_status(*places(site), "--report", str(report))
        assert name in report.read_text()
        assert "no known compression" in report.read_text()
    told = site.desk_status(*places(site))
    assert told == [{"event": "index", "index": "web", "done": 1, "quarantined": 1}]


def test_check_finds_what_is_lost(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    site.run()
    words = places(site)

    assert site.desk.run("splunk", "check", *words)[0]["flaw"] == ""
    lost = next(one.key for one in site.uploaded() if one.key.endswith(".tsidx"))
    blocking(site.desk.store.delete(lost))
    assert "is missing" in site.desk.run("splunk", "check", *words, code=3)[0]["flaw"]


def test_a_check_that_cannot_look_at_one_tells_of_the_others(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.splunk.add_index("web")
    for number in (1, 2):
        site.archive("web", number)
    site.run()
    with FaultProxy(site.desk.url) as proxy:
        proxy.add(refuse(403, "AccessDenied"), method="HEAD", path="/1(~|%7E)")
        words = ["splunk", "check", *places(site), "--endpoint-url", proxy.url]
        assert main(words) == 1

    said = capsys.readouterr()
    assert f"! web/db_1651670907_1651669558_1_{ORIGIN}" in said.out
    assert "2 buckets looked at, 0 of them not whole, 1 could not be looked at" in said.err


def test_thawed_buckets_stay_on_the_disk(site: Site) -> None:
    site.splunk.add_index("old", remotePath="", frozenTimePeriodInSecs=60)
    name = site.archive("old", 1)
    words = [places(site)[0], "--into", "thaweddb", *site.reaching(), "--poll", "0.02"]
    words += ["--reserve", "1"]

    told = site.desk.run("splunk", "run", *words)[-1]

    assert (told["done"], told["restarts"]) == (1, 1)
    assert (site.splunk.home / "indexes/old/thaweddb" / name / "rawdata/journal.zst").exists()
    assert site.uploaded() == []
    again = site.desk.run("splunk", "run", *words)[-1]
    assert (again["skipped"], again["restarts"]) == (1, 0)


def test_a_smartstore_index_takes_no_thawed_buckets(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    words = [places(site)[0], "--into", "thaweddb", *site.reaching()]

    site.desk.run("splunk", "run", *words, code=7)


@pytest.mark.parametrize(("count", "done"), [(1, 1), (0, 0)])
def test_the_old_questions(
    site: Site, count: int, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.splunk.add_index("web")
    for number in range(3):
        site.archive("web", number)
    answers = iter(["web", count])
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(answers))

    told = site.run("--interactive")

    assert told["done"] == done
    assert told["restarts"] == done


def test_the_old_question_counts_what_can_be_done(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither what is quarantined, nor what cannot be restored."""
    site.splunk.add_index("web")
    site.archive("web", 1, body=b"PK damaged")
    site.archive("web", 2)
    site.put("ddss/web/db_3_2_3/rawdata/deletes/x", b"x")
    site.run("--limit", "1", code=1)
    answers = iter(["web", 1])
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(answers))

    assert main([*site.words(), "--interactive"]) == 1

    said = capsys.readouterr()
    assert "web: 1 to do\n" in said.err
    assert "done     web/" in said.out


def asking(site: Site, stdin: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bucketline", *site.words(), "--interactive"]
    return subprocess.Popen(words, stdin=stdin, stderr=subprocess.PIPE, text=True)


def test_prompts_that_nobody_answers_are_an_error(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)

    process = asking(site, subprocess.DEVNULL)
    _, said = process.communicate(timeout=60)

    assert (process.returncode, "nobody answers; say --index and --limit" in said) == (2, True)


def test_ctrl_c_is_an_answer_to_a_prompt(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)

    with asking(site, subprocess.PIPE) as process:
        assert process.stderr
        assert "web: 1 to do" in process.stderr.readline()
        process.stderr.read(len("Index"))
        while process.poll() is None:  # One that comes right before it reads is not heard.
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
        said = process.stderr.read()

    assert (process.returncode, "bug" in said) == (130, False)


def test_an_export_needs_no_splunk(site: Site, tmp_path: Path) -> None:
    name = site.archive("web", 1, codec="gzip")
    site.archive("web", 2, body=b"PK no journal")
    out = tmp_path / "out"

    told = site.desk.run("splunk", "export", places(site)[0], "-o", str(out), code=1)[-1]

    assert (told["done"], told["failed"], told["events"]) == (1, 1, 50)
    rows = [json.loads(row) for row in (out / "web" / f"{name}.jsonl").read_text().splitlines()]
    assert [row["raw"] for row in rows] == [raw.decode() for raw in lines(50, 1)]
    assert rows[0]["sourcetype"] == "plain"
    assert sorted(path.name for path in out.iterdir()) == ["web"]
    again = site.desk.run("splunk", "export", places(site)[0], "-o", str(out), code=1)[-1]
    assert (again["skipped"], again["done"]) == (1, 0)


def test_a_choice_of_nothing_is_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)

    assert main([*site.words(), "--index", "wbe"]) == 0

    assert "no bucket fits; look at --index" in capsys.readouterr().err


def test_a_splunk_that_is_not_trusted_is_told_how(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*site.words()]
    del words[(at := words.index("--splunk-ca")) : at + 2]

    assert main(words) == 5

    assert "name the authority of Splunk's certificate by --splunk-ca" in capsys.readouterr().err
