"""`sync --log-location` and `runs log` on real servers, as a program of the old days reads them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from desk import VARIABLES, Desk
from old_reader import OldReader, epoch_of
from servers import SECRET_KEY

pytestmark = pytest.mark.usefixtures("surroundings")
EVER = 1 << 40


def reader(desk: Desk) -> OldReader:
    return OldReader(desk.url, desk.bucket, "logs")


def synced(desk: Desk, *words: str, code: int = 0) -> list[dict[str, Any]]:
    log = ("--log-location", f"{desk.s3}logs")
    return desk.run("sync", str(desk.folder), f"{desk.s3}data/", *log, *words, code=code)


def test_an_old_reader_finds_the_log_and_its_objects(desk: Desk) -> None:
    desk.file("a", b"12345")
    desk.file("sub/b", b"123")
    synced(desk)

    old = reader(desk)
    (name,) = old.logs(0, EVER)
    log = old.log(epoch_of(name), retrieve_objects_moved=True)

    assert log["status"] == "Completed"
    assert {one["dst_key"]: one["bytes"] for one in log["objects_moved"]} == {
        "data/a": 5,
        "data/sub/b": 3,
    }
    assert [one["src_key"] for one in log["objects_moved"]] == ["a", "sub/b"]
    assert (log["dst_bucket"], log["dst_prefix"]) == (desk.bucket, "data/")
    assert log["dst_endpoint_urls"] == [desk.url]
    assert log["dst_endpoint_urls_succeeded"] == [desk.url]
    assert log["dst_endpoints_operational_status"] == "operational"
    assert log["start_time_epoch"] == epoch_of(name)
    assert old.logs(epoch_of(name) + 1, EVER) == []
    assert "objects_moved" not in old.latest()


def test_runs_of_one_second_have_a_log_each(desk: Desk) -> None:
    desk.file("a", b"1")
    told = [synced(desk)[-1]["run"] for _ in range(3)]

    old = reader(desk)
    logs = [old.log(epoch_of(name)) for name in sorted(old.names(), key=epoch_of)]

    assert [log["run"] for log in logs] == told
    assert old.latest()["run"] == told[-1]


def test_no_secret_is_in_a_log(desk: Desk) -> None:
    desk.file("a", b"1")
    synced(desk)

    old = reader(desk)
    text = json.dumps([old.log(epoch_of(name)) for name in old.names()])

    assert SECRET_KEY not in text


def test_a_log_that_cannot_be_written_is_a_notice_and_no_failure(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.file("a", b"1")
    words = [str(desk.folder), f"{desk.s3}data/", "--log-location", f"{desk.s3}logs"]
    where = ["--target-endpoint-url", desk.url, "--endpoint-url", "http://127.0.0.1:1"]

    ended = main(["sync", *words, *where])

    told = capsys.readouterr().err
    assert ended == 0, told
    assert desk.body("data/a") == b"1"
    assert f"{desk.s3}logs: the log of run" in told
    assert "127.0.0.1:1: cannot be reached" in told
    assert "bucketline runs log" in told


def test_what_the_end_could_not_write_the_next_run_writes(desk: Desk) -> None:
    desk.file("a", b"1")
    place = desk.here / "logs"
    place.write_text("in the way")
    words = (str(desk.folder), desk.s3, "--log-location", str(place))
    first = desk.run("sync", *words)[-1]["run"]
    place.unlink()
    second = desk.run("sync", *words)[-1]["run"]

    logs = {log["run"]: log["status"] for log in map(_read, place.glob("dt_data_*.json"))}
    assert logs == {first: "Completed", second: "Completed"}


def test_a_killed_runs_log_is_corrected_by_the_next_run(desk: Desk) -> None:
    for number in range(60):
        desk.file(f"o{number:02}", b"x" * 20_000)
    place = desk.here / "logs"
    words = ["sync", str(desk.folder), f"{desk.s3}data/", "--endpoint-url", desk.url]
    words += ["--log-location", str(place)]
    _kill_once_logged([*words, "--bwlimit", "100K", "--progress", "json"], place)
    (left,) = map(_read, place.glob("dt_data_*.json"))

    assert main(words) == 0

    logs = {log["run"]: log for log in map(_read, place.glob("dt_data_*.json"))}
    assert left["status"] == "Running"
    assert len(logs) == 2
    killed = logs.pop(left["run"])
    assert (killed["status"], killed["state"]) == ("Failed", "crashed")
    assert killed["failed_objects"], "what was under way is named"
    (whole,) = logs.values()
    assert (whole["status"], whole["completion_percentage"]) == ("Completed", 100.0)


def _kill_once_logged(words: list[str], place: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "bucketline", *words],
        env={**os.environ, **VARIABLES},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert child.stderr is not None
    for _ in child.stderr:  # A line a second, as long as it runs.
        if list(place.glob("dt_data_*.json")):
            break
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()


def _read(path: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(path.read_text())
    return said


def test_runs_log_prints_writes_and_sends(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("a", b"1")
    run = desk.sync(str(desk.folder), f"{desk.s3}data/")["run"]
    file = desk.here / "one.json"
    where = ["--endpoint-url", desk.url]

    assert main(["runs", "log"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert main(["runs", "log", run, "-o", str(file)]) == 0
    assert main(["runs", "log", run, "--objects", "all", "-o", f"{desk.s3}logs", *where]) == 0

    logs = [printed, _read(file), reader(desk).latest()]
    assert [log["run"] for log in logs] == [run] * 3
    assert [log["status"] for log in logs] == ["Completed"] * 3
    assert printed["objects_moved"][0]["dst_key"] == "data/a"


@pytest.mark.parametrize("extra", [[], ["--delete"]])
def test_a_log_inside_what_is_copied_is_refused(
    desk: Desk, capsys: pytest.CaptureFixture[str], extra: list[str]
) -> None:
    desk.file("a", b"1")
    inside = desk.s3 if extra else str(desk.folder / "logs")
    words = [str(desk.folder), desk.s3, "--log-location", inside, "--endpoint-url", desk.url]

    assert main(["sync", *words, *extra]) == 2
    assert "choose another --log-location" in capsys.readouterr().err


def test_the_configuration_says_where_logs_go(desk: Desk) -> None:
    desk.file("a", b"1")
    config = desk.here / "config.yaml"
    config.write_text(
        f"logs: {desk.here}/all\n"
        f"jobs:\n  one: {{source: '{desk.folder}', target: '{desk.s3}one/'}}\n"
        f"  two: {{source: '{desk.folder}', target: '{desk.s3}two/', logs: '{desk.here}/two'}}\n"
    )
    for job in ("one", "two"):
        desk.run("sync", "--name", job, "--config", str(config))
    desk.run("sync", "--name", "one", "--config", str(config), "--log-location", "")

    jobs = {
        place: [_read(p)["job"] for p in (desk.here / place).iterdir()] for place in ("all", "two")
    }
    assert jobs == {"all": ["one"], "two": ["two"]}
