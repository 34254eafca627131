"""Loop devices for tests: attached by the test, gone behind it. Root only."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from disks import run

_TOOLS = (
    "losetup",
    "lsblk",
    "blkid",
    "wipefs",
    "sgdisk",
    "partx",
    "mkfs.ext4",
    "mkfs.xfs",
    "parted",
    "flock",
)


def _missing() -> str:
    if os.geteuid() != 0:
        return "attaches loop devices: only root may"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices here"
    lacking = [tool for tool in _TOOLS if not shutil.which(tool, path="/usr/sbin:/usr/bin")]
    return f"needs {', '.join(lacking)}" if lacking else ""


needs_loops = pytest.mark.skipif(bool(_missing()), reason=_missing() or "-")


_depth = 0


@contextmanager
def alone() -> Iterator[None]:
    """No other test has loop devices meanwhile: whoever looks at all looks at theirs, too."""
    global _depth  # noqa: PLW0603  A test may have several devices.
    if _depth:
        yield
        return
    with Path(tempfile.gettempdir(), "bucketline-test-loops").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _depth += 1
        try:
            yield
        finally:
            _depth -= 1


@contextmanager
def loop(image: Path, mib: int, *words: str) -> Iterator[str]:
    """A disk in a file; its path."""
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(mib << 20)
    with alone():
        device = run("losetup", "--find", "--show", *words, str(image))
        # The kernel keeps partitions of a device that was detached; they would be this one's.
        subprocess.run(("partx", "--delete", device), capture_output=True, check=False)
        try:
            yield device
        finally:
            _detach(device, image.parent)


def _detach(device: str, folder: Path) -> None:
    """With its partitions, and whatever is mounted of them; unless it is another test's by now."""
    backing = Path("/sys/block", Path(device).name, "loop", "backing_file")
    if not backing.exists() or str(folder) not in backing.read_text():
        return
    undo = (
        ("umount", "-l", f"{device}p1"),
        ("umount", "-l", device),
        ("partx", "--delete", device),
        ("blockdev", "--setrw", device),  # The kernel keeps this, too.
        ("losetup", "--detach", device),
    )
    for command in undo:
        subprocess.run(command, capture_output=True, check=False)


def volumes(*words: str, around: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The program, as a process of its own."""
    command = [sys.executable, "-m", "bucketline", "volumes", *words]
    return subprocess.run(command, env=around, capture_output=True, text=True, check=False)
