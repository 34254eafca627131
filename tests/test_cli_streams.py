"""Outputs that are full, closed or gone: no traceback, an honest exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def ended(folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    """A shell runs bucketline with such redirections."""
    around = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    line = f"{sys.executable} -m bucketline {words}"
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=around, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "one").write_text("1")
    return tmp_path


@pytest.mark.parametrize("words", ["ls source", "sync source target", "config show"])
def test_an_output_that_is_full_is_told_like_a_full_disk(folder: Path, words: str) -> None:
    done = ended(folder, f"{words} > /dev/full")

    assert (done.returncode, done.stderr) == (
        6,
        "bucketline: error: the output cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize("words", ["ls source", "sync source target", "runs list", "--help"])
def test_a_closed_output_is_silence(folder: Path, words: str) -> None:
    done = ended(folder, f"{words} >&- 2>errors")

    assert done.returncode == 0
    assert "Traceback" not in (folder / "errors").read_text()


def test_errors_that_cannot_be_told_keep_their_exit_code(folder: Path) -> None:
    assert ended(folder, "ls nowhere:x 2> /dev/full").returncode == 2
    assert ended(folder, "ls nowhere:x 2>&-").returncode == 2


def test_no_file_of_ours_takes_the_place_of_a_closed_stream(folder: Path) -> None:
    ended(folder, "sync source target <&- >&- 2>&-")

    assert (folder / "target" / "one").read_text() == "1"
