"""Tools are called without a shell, from the system's folders, and not for ever."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bucketline.engines.volumes.plan import Plan
from bucketline.engines.volumes.plans import Plans
from bucketline.engines.volumes.tool import BLKID, Tool
from bucketline.errors import DiskError, Refused, UsageError

HOLDER = """
import sys
from pathlib import Path
from bucketline.engines.volumes.plans import Plans
from bucketline.engines.volumes.tool import Tool
plans = Plans(Path(sys.argv[1]))
with plans.journal(plans.load(sys.argv[2])):
    Tool("cat", "coreutils").ask(sys.argv[3])
"""


def test_words_stay_words(tmp_path: Path) -> None:
    echo = Tool("echo", "coreutils")

    assert echo.ask("$HOME; `id` | *", "two  words").text == "$HOME; `id` | * two  words\n"


def test_what_is_in_the_way_on_the_path_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "true").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "true").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert Tool("true", "coreutils").path.startswith("/")
    Tool("true", "coreutils").ask()


def test_one_that_is_missing_names_its_package() -> None:
    with pytest.raises(UsageError, match="is not installed; install the package none"):
        Tool("mkfs.none", "none").check()


def test_one_that_never_ends_is_ended() -> None:
    with pytest.raises(DiskError, match="sleep 600: no answer in 1 s"):
        Tool("sleep", "coreutils", timeout_seconds=1).ask("600")


def test_what_it_complains_of_is_one_clean_line() -> None:
    with pytest.raises(DiskError) as caught:
        Tool("ls", "coreutils").ask("/nonexistent\x1b[2J\nx")

    assert str(caught.value).isprintable()
    assert "No such file" in str(caught.value)


def test_a_tool_that_looks_cannot_change() -> None:
    with pytest.raises(AssertionError):
        BLKID.change("/dev/null")
    with pytest.raises(AssertionError):
        Tool("true", "coreutils", changes=True).ask()


def test_one_that_outlives_us_keeps_others_out(tmp_path: Path) -> None:
    """`kill -9` ends the program and not its tool, which may still write on the disk."""
    made = Plan("ext4", "/etc/fstab", "root", "boot", (), ())
    Plans(tmp_path).save(made)
    os.mkfifo(fifo := tmp_path / "fifo")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), made.hash, str(fifo)]
    ) as it:
        writer = os.open(fifo, os.O_WRONLY)  # Waits until the tool reads.
        it.kill()
    with pytest.raises(Refused, match="is at work"), Plans(tmp_path).journal(made):
        pass
    os.close(writer)
    with (tmp_path / "volumes" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # It comes to its end.
