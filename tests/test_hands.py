"""A sync with other processes: real ones, that share the work, die, and outlive nobody."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk import Desk, start

COUNT = 300


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number:03}").write_bytes(bytes([number % 251]) * (1_000 + number))
    (folder / "large").write_bytes(b"x" * (17 << 20))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")


def hands_of(child: subprocess.Popen[str]) -> list[int]:
    text = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text()
    return [int(word) for word in text.split()]


@pytest.fixture
def slowly(
    variables: dict[str, str], source: Path, tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """A sync by three processes, under way."""
    words = ("--processes", "3", "--bwlimit", "60K", "--workers", "12", "--progress", "json")
    rest = ("--exclude", "large", "--state", str(tmp_path / "state"))
    child = start(variables, "sync", str(source), str(tmp_path / "target"), *words, *rest)
    assert child.stderr
    assert any(json.loads(line)["event"] == "progress" for line in child.stderr)
    yield child
    child.kill()
    child.communicate()


def test_processes_share_the_work_and_their_requests_count(
    surroundings: None, desk: Desk, source: Path
) -> None:
    records = desk.run("sync", str(source), desk.s3, "--processes", "3")
    summary = records[-1]
    assert (summary["done"], summary["failed"], summary["state"]) == (COUNT + 1, 0, "complete")
    assert summary["requests"]["PUT"] >= COUNT + 3
    (target,) = [one for one in summary["endpoints"] if one["side"] == "target"]
    assert target["requests"] >= COUNT + 3
    assert target["bytes_written"] >= (17 << 20)
    assert desk.body("299") == bytes([299 % 251]) * 1_299
    again = desk.run("sync", str(source), desk.s3, "--processes", "2")[-1]
    assert again["skipped"] == COUNT + 1


@pytest.mark.slow
def test_a_hand_that_is_killed_costs_no_object(
    slowly: subprocess.Popen[str], source: Path, tmp_path: Path
) -> None:
    hands = hands_of(slowly)
    assert len(hands) == 2
    os.kill(hands[0], signal.SIGKILL)
    out, errors = slowly.communicate(timeout=60)
    assert slowly.returncode == 0, errors
    assert f"done {COUNT}" in out
    target = tmp_path / "target"
    assert [(target / name).read_bytes() for name in names(target)] == [
        (source / name).read_bytes() for name in names(source) if name != "large"
    ]


def test_hands_outlive_nobody(slowly: subprocess.Popen[str]) -> None:
    watches = [os.pidfd_open(hand) for hand in hands_of(slowly)]
    slowly.kill()
    for watch in watches:
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        assert poll.poll(20_000)
        os.close(watch)


def test_an_interrupt_drains_the_hands_too(slowly: subprocess.Popen[str], tmp_path: Path) -> None:
    slowly.send_signal(signal.SIGINT)
    out, errors = slowly.communicate(timeout=60)
    assert slowly.returncode == 130, errors
    assert out.startswith("interrupted: ")
    assert "unfinished" not in out
    done = int(out.split("done ")[1].split(" ")[0].replace(",", ""))
    assert len(names(tmp_path / "target")) == done < COUNT
