"""The program as a process: what it loads, how it meets signals, pipes and its own bugs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk import start
from servers import Endpoint

HEAVY = {"botocore", "cryptography", "pydantic", "ruamel", "ruamel.yaml", "rich"}
WATCHED = """
import sys
from bucketline.cli import main
code = main(sys.argv[1:])
print("MODULES", *sys.modules, file=sys.stderr)
sys.exit(code)
"""


def modules_of(variables: dict[str, str], *words: str) -> tuple[int, set[str]]:
    command = [sys.executable, "-c", WATCHED, *words]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    line = next(line for line in done.stderr.splitlines() if line.startswith("MODULES"))
    return done.returncode, set(line.split()[1:])


def test_help_loads_no_command_and_nothing_heavy(variables: dict[str, str]) -> None:
    code, modules = modules_of(variables, "--help")

    ours = {name for name in modules if name.startswith("bucketline")}
    layers = {name.split(".")[1] for name in ours if "." in name}
    assert code == 0
    assert not modules & (HEAVY | {"pycurl", "apsw", "bucketline.cli.sync"})
    assert layers == {"cli", "clock", "errors", "settings"}


def test_a_sync_that_brings_its_keys_loads_nothing_heavy(
    variables: dict[str, str], rclone: Endpoint
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": rclone.access_key, "AWS_SECRET_ACCESS_KEY": rclone.secret_key}
    words = ["sync", "s3://not-there-1/", "s3://not-there-2/", "--endpoint-url", rclone.url]

    code, modules = modules_of(variables | keys, *words)

    assert code == 5
    assert "pycurl" in modules
    assert not modules & HEAVY


def test_a_reader_that_goes_away_ends_it_quietly(variables: dict[str, str], tmp_path: Path) -> None:
    for number in range(600):  # More than a pipe holds.
        (tmp_path / f"{number:0200}").touch()

    child = start(variables, "ls", str(tmp_path))
    assert child.stdout
    assert child.stderr
    child.stdout.readline()
    child.stdout.close()

    assert child.stderr.read() == ""
    assert child.wait() == 141
    child.stderr.close()


@pytest.fixture
def slow_sync(
    variables: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[subprocess.Popen[str]]:
    """A sync with work for a minute, or for ten of them."""
    source = tmp_path / "source"
    source.mkdir()
    for number in range(60):
        (source / f"{number:02}").write_bytes(b"x" * 20_000)
    words = ["sync", str(source), str(tmp_path / "target"), "--workers", "2"]
    rate = getattr(request, "param", "20K")
    child = start(variables, *words, "--bwlimit", rate, "--progress", "json")
    yield child
    child.kill()
    child.communicate()


def heard(child: subprocess.Popen[str], event: str) -> None:
    """Wait for the event on stderr."""
    assert child.stderr
    for line in child.stderr:
        if json.loads(line)["event"] == event:
            return
    raise AssertionError(f"it ended without {event}")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_the_first_signal_finishes_what_is_under_way_and_tells_it(
    slow_sync: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    heard(slow_sync, "progress")
    slow_sync.send_signal(number)
    out, err = slow_sync.communicate(timeout=30)

    assert slow_sync.returncode == code
    assert out.startswith("interrupted: listed ")
    assert "unfinished" not in out
    assert "Traceback" not in err


@pytest.mark.parametrize("slow_sync", ["2K"], indirect=True)
def test_the_second_signal_does_not_wait(slow_sync: subprocess.Popen[str]) -> None:
    heard(slow_sync, "progress")
    slow_sync.send_signal(signal.SIGTERM)
    heard(slow_sync, "note")
    slow_sync.send_signal(signal.SIGINT)
    out, err = slow_sync.communicate(timeout=30)

    assert slow_sync.returncode == 143
    assert " + unfinished 2 " in out
    assert "Traceback" not in err


def test_what_was_interrupted_is_finished_by_the_next_run(
    slow_sync: subprocess.Popen[str], variables: dict[str, str], tmp_path: Path
) -> None:
    heard(slow_sync, "progress")
    slow_sync.send_signal(signal.SIGINT)
    slow_sync.communicate(timeout=30)

    again = start(variables, "sync", str(tmp_path / "source"), str(tmp_path / "target"))
    out, _ = again.communicate(timeout=30)

    names = sorted(path.name for path in (tmp_path / "target").iterdir() if path.name[0] != ".")
    assert again.returncode == 0
    assert names == [f"{number:02}" for number in range(60)]
    assert "listed 60 = skipped " in out
