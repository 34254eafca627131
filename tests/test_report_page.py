"""A run as a page and as JSON: all that went wrong is there, and nothing of it becomes markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.report.page import OBJECTS_MAX, Told
from bucketline.flow.report.runs import runs_of
from bucketline.model import Copy, Entry, Fate, Outcome, Skip

HOSTILE = "<script>alert(1)</script>&\"'\x1b[31m\n"


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def told(folder: Path, failures: int = 2) -> Told:
    path = folder / "job.ledger"
    with Ledger.open(path) as ledger:
        ledger.begin(RunHead("run-1", "sync", f"s3://{HOSTILE}/", "/there/", name=HOSTILE))
        ends = [(Copy(Entry("fine", 5), "fine"), Outcome(Fate.DONE, 5, message=HOSTILE))]
        ends += [
            (
                Copy(Entry(f"{HOSTILE}{number}", 7), f"{HOSTILE}{number}"),
                Outcome(Fate.FAILED, cause="Denied", message=HOSTILE),
            )
            for number in range(failures)
        ]
        ledger.record([action for action, _ in ends], ends, Skip(10, 100))
        ledger.end("failed", HOSTILE)
    return Told.of(runs_of(path)[0])


def test_a_strangers_text_never_becomes_markup(tmp_path: Path) -> None:
    page = Page(told(tmp_path).as_page())

    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>") >= 6
    assert "\x1b" not in page.text
    assert "Allow this identity to read it" in page.text
    for words in ("skipped10", "done1", "failed2", "listed13"):
        assert words in page.text


def test_only_the_first_of_many_are_shown_and_it_says_so(tmp_path: Path) -> None:
    found = told(tmp_path, OBJECTS_MAX + 5)

    assert f"The first {OBJECTS_MAX:,}" in Page(found.as_page()).text
    record = found.as_record()
    assert (record["failed"], len(record["objects"])) == (OBJECTS_MAX + 5, OBJECTS_MAX)
    assert json.loads(json.dumps(record)) == record


@pytest.mark.usefixtures("surroundings")
def test_the_command_writes_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    told(state)
    for name in ("a.html", "a.json"):
        assert main(["runs", "report", "last", "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "a.json").read_text())["run"] == "run-1"
    assert main(["runs", "report", "run-1", "-o", str(tmp_path / "a.pdf")]) == 2
    assert ".html for a page" in capsys.readouterr().err
