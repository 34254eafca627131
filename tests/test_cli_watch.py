"""`sync --watch` and its limits, as a real process with real signals."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk import start

WATCH = ("--watch", "--every", "1s", "--json", "--progress", "none")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    source = tmp_path / "source"
    source.mkdir()
    (source / "first").write_bytes(b"one")
    return source, tmp_path / "target"


@pytest.fixture
def watching(
    variables: dict[str, str], folders: tuple[Path, Path]
) -> Iterator[subprocess.Popen[str]]:
    child = start(variables, "sync", *map(str, folders), *WATCH)
    yield child
    child.kill()
    child.communicate()


def until(child: subprocess.Popen[str], key: str) -> list[dict[str, Any]]:
    """What stdout says up to the summary of the pass that has moved this key."""
    assert child.stdout
    told: list[dict[str, Any]] = []
    for line in child.stdout:
        told.append(json.loads(line))
        if told[-1]["event"] == "summary" and any(one.get("key") == key for one in told):
            return told
    raise AssertionError(f"it ended without {key}")


def heard(child: subprocess.Popen[str], words: str) -> None:
    assert child.stderr
    for line in child.stderr:
        if words in line:
            return
    raise AssertionError(f"it ended without {words}")


@pytest.mark.slow
def test_a_watch_moves_what_comes_lives_through_an_outage_and_ends_well(
    watching: subprocess.Popen[str], folders: tuple[Path, Path], variables: dict[str, str]
) -> None:
    source, target = folders
    until(watching, "first")
    (source / "second").write_bytes(b"two")
    until(watching, "second")

    source.rename(source.with_name("unplugged"))
    heard(watching, "watching goes on")
    assert (target / "first").read_bytes() == b"one"
    source.with_name("unplugged").rename(source)
    (source / "third").write_bytes(b"three")
    until(watching, "third")

    watching.send_signal(signal.SIGTERM)
    _, errors = watching.communicate(timeout=30)
    assert watching.returncode == 0, errors
    runs = start(variables, "runs", "list", "--json").communicate(timeout=30)[0].splitlines()
    worked = [run for line in runs if (run := json.loads(line))["done"]]
    assert len(worked) == 3
    assert len(runs) <= len(worked) + 2  # Passes without work leave no trace but the last one.


def test_a_limit_of_bytes_ends_it_with_something_left_to_do(
    variables: dict[str, str], folders: tuple[Path, Path]
) -> None:
    source, target = folders
    for number in range(4):
        (source / f"{number}").write_bytes(b"x" * 1000)
    words = ("sync", str(source), str(target), "--max-bytes", "2000", "--workers", "1")

    child = start(variables, *words)
    out, errors = child.communicate(timeout=30)

    assert child.returncode == 4
    assert out.startswith("interrupted: listed 2 = skipped 0 + done 2 ")
    assert "ended as asked: the next object would go beyond 2.0 KiB; run again to go on" in errors
    codes = []
    for _ in range(2):
        child = start(variables, *words)
        child.communicate(timeout=30)
        codes.append(child.returncode)
    assert codes == [4, 0]
    assert len([path for path in target.iterdir() if path.name[0] != "."]) == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--every", "5s"], "--every goes with --watch"),
        (["--workers", "many"], "'many' is neither auto nor a number from 1 to 1024"),
        (["--bwlimit", "08:00,fast"], "'fast' is no size"),
        (["--max-duration", "soon"], "'soon' is no length of time"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    variables: dict[str, str], folders: tuple[Path, Path], words: list[str], said: str
) -> None:
    child = start(variables, "sync", *map(str, folders), *words)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 2
    assert said in errors
    assert len(errors.splitlines()) == 1
