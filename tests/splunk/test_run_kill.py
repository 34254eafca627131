"""Killed before any step and run again, a restore ends as if nothing had happened.

Two kinds of steps: right before each thing that the program does to the world (killed.py), which
is right after the one before it; and right after each deed of Splunk's, whose answer nobody got.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from desk import Desk, begin
from servers import Endpoint
from splunk.site import Site

_ALL = bool(os.environ.get("BUCKETLINE_SOAK"))
_SOME = 2  # Of each kind, by default.
_KILLED = -9
_KILLER = str(Path(__file__).with_name("killed.py"))
_WORDS = ("--wave-buckets", "1", "--workers", "1", "--upload-timeout", "20")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if _ALL else 300)]


@dataclass
class Trial:
    """An archive of its own: an original, one to thaw that has no GUID, and a damaged one."""

    site: Site

    def __post_init__(self) -> None:
        self.site.splunk.add_index("web")
        name = self.site.archive("web", 1)
        self.site.put(f"ddss/web/{name}/rawdata/deletes/gone.csv", b"deleted")
        self.site.archive("web", 2, guid="", codec="gzip", tier="GLACIER")
        self.site.archive("web", 3, body=b"PK damaged")

    def run(self, at: int = 0) -> int:
        """Its exit code; killed before its step `at`."""
        here = self.site.desk.here
        program = (_KILLER, str(here), str(at), str(here / "count"))
        process = begin(dict(os.environ), *program, *self.site.words(), *_WORDS)
        victim = self.site.splunk.victim
        victim.set_result(process.pid)
        out, errors = process.communicate(timeout=120)
        self.site.splunk.victim = type(victim)()
        assert process.returncode in (1, _KILLED), out + errors
        return process.returncode

    @property
    def steps(self) -> int:
        return int((self.site.desk.here / "count").read_text())

    def left(self) -> dict[str, Any]:
        """What there is in the end: of the archive, SmartStore, Splunk's disk, and our memory."""
        here, found = str(self.site.desk.here), dict[str, Any]()
        for entry in self.site.stored():
            found[entry.key] = (entry.size, entry.etag)
        for path in (self.site.splunk.home / "indexes").rglob("*"):
            name = str(path.relative_to(here))
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in self.site.desk.state.rglob("buckets/web/*"):
            told = json.loads(path.read_text().replace(here, "HERE"))
            found[path.name] = told | {"at": 0, "asked": 0}
        return found


@contextmanager
def trials(
    here: Path, server: Endpoint, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Iterator[Trial]]:
    """One more each time that one is asked for."""
    sites: list[Site] = []

    def fresh() -> Iterator[Trial]:
        for number in range(10_000):
            below = here / str(number)
            below.mkdir()
            monkeypatch.setenv("BUCKETLINE_STATE", str(below / "state"))
            desk = Desk(below, server, capsys)
            sites.append(Site(desk, below / "splunk", monkeypatch, server))
            yield Trial(sites[-1])

    try:
        yield fresh()
    finally:
        for site in sites:
            site.splunk.close()


def chosen(count: int) -> list[int]:
    """All of 1 … count, or a few that are far from each other."""
    return list(range(1, count + 1)) if _ALL else [count * n // (_SOME + 1) for n in (1, _SOME)]


@pytest.mark.parametrize("upload", ["", "uploading"] if _ALL else ["uploading"])
def test_killed_before_any_step_it_ends_the_same(
    desk: Desk, moto: Endpoint, capsys: Any, monkeypatch: pytest.MonkeyPatch, upload: str
) -> None:
    with trials(desk.here, moto, capsys, monkeypatch) as fresh:
        whole = next(fresh)
        whole.site.splunk.faults["asynchronous"] = upload
        assert whole.run() == 1
        for step in chosen(whole.steps):
            trial = next(fresh)
            trial.site.splunk.faults["asynchronous"] = upload
            trial.run(step)  # It may have had fewer looks at Splunk this time, and so fewer steps.
            assert trial.run() == 1
            assert_same(trial, whole, f"step {step} of {whole.steps}")


def test_killed_after_any_deed_of_splunk_it_ends_the_same(
    desk: Desk, moto: Endpoint, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trials(desk.here, moto, capsys, monkeypatch) as fresh:
        whole = next(fresh)
        assert whole.run() == 1
        deeds = whole.site.splunk.deeds
        for number in chosen(len(deeds)):
            trial = next(fresh)
            trial.site.splunk.kill_after = number
            assert trial.run() == _KILLED
            trial.site.splunk.kill_after = 0
            assert trial.run() == 1
            assert_same(trial, whole, f"deed {number} of {len(deeds)}: {deeds[number - 1]}")


def assert_same(trial: Trial, whole: Trial, where: str) -> None:
    """Byte by byte; and nothing was done twice, nor without its proof."""
    mine, its = trial.site.splunk, whole.site.splunk
    assert trial.left() == whole.left(), where
    assert mine.uploads == its.uploads, where
    assert set(mine.uploads.values()) == {1}, where
    assert sorted(mine.evicted) == sorted(its.evicted), where
    assert not mine.careless, where
    assert mine.seen["restart"] == its.seen["restart"] == 2, where
    before, seen = trial.left(), dict(mine.seen)
    again = trial.site.run(*_WORDS[:4], code=1)
    assert (again["skipped"], again["failed"], again["restarts"]) == (2, 1, 0), where
    assert (trial.left(), dict(mine.seen)) == (before, seen), where


def test_a_rebuild_that_outlives_its_run_is_not_disturbed(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    home = site.splunk.home
    os.mkfifo(home / "gone")
    os.mkfifo(home / "go")
    (home / "faults.json").write_text(json.dumps({"_1_": "outlives"}))

    process = begin(dict(os.environ), "-m", "bucketline", *site.words())
    process.communicate(timeout=60)
    assert process.returncode == _KILLED
    (home / "faults.json").write_text("{}")
    with (home / "gone").open() as gone:
        told = site.told(code=4)
        assert "is still at work there" in told[0]["message"]
        assert site.splunk.seen["restart"] == 0
        (home / "go").open("w").close()
        gone.read()
    assert site.run()["done"] == 1
    assert [*site.splunk.uploads.values()] == [1]
