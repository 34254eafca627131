"""Small disks for tests, and the faults of disks: made by the test, gone behind it. Root only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts disks: only root may")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip()


@contextmanager
def mounted(folder: Path, *words: str) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    run("mount", *words, str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def tmpfs(folder: Path, mib: int) -> AbstractContextManager[Path]:
    """A disk in memory."""
    return mounted(folder, "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs")


def ext4(folder: Path, image: Path, mib: int) -> AbstractContextManager[Path]:
    """A disk in a file."""
    sized(image, mib)
    run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", str(image))
    return mounted(folder, "-o", "loop", str(image))


def reflinks(folder: Path, image: Path, mib: int) -> AbstractContextManager[Path]:
    """A disk whose files can be copied in an instant, as of one moment."""
    sized(image, mib)
    run("mkfs.xfs", "-q", "-f", "-m", "reflink=1", str(image))
    return mounted(folder, "-o", "loop", str(image))


def sized(image: Path, mib: int) -> None:
    with image.open("wb") as file:
        file.truncate(mib << 20)


class TwoDisks:
    """An ext4 and an XFS in one file, whose power fails at the same moment."""

    _EXT4, _XFS = 96, 320  # MiB

    def __init__(self, home: Path, mounts: tuple[Path, Path]) -> None:
        self._home = home  # On a disk with reflinks.
        self._mounts = mounts
        self._loops: list[str] = []
        self._number = 0
        sized(self._image, self._EXT4 + self._XFS)
        self._attach()
        run("mkfs.ext4", "-q", "-F", self._loops[0])
        run("mkfs.xfs", "-q", "-f", self._loops[1])

    @property
    def _image(self) -> Path:
        return self._home / f"disks-{self._number}.img"

    def mount(self) -> None:
        for loop, folder in zip(self._loops, self._mounts, strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            run("mount", loop, str(folder))

    def cut(self) -> None:
        """What the disks hold now is all that is left; takes effect with `power_on`."""
        later = self._home / f"disks-{self._number + 1}.img"
        run("cp", "--reflink=always", str(self._image), str(later))

    def power_on(self) -> None:
        """Go on with the disks as they were when the power was cut."""
        before = self._image
        self.close()
        self._number += 1
        before.unlink()
        self._attach()
        self.mount()

    def close(self) -> None:
        for folder in self._mounts:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
        for loop in self._loops:
            subprocess.run(["losetup", "-d", loop], capture_output=True, check=False)
        self._loops = []

    def _attach(self) -> None:
        parts = ((0, self._EXT4), (self._EXT4, self._XFS))
        self._loops = [
            run(
                *("losetup", "--find", "--show", "--offset", str(start << 20)),
                *("--sizelimit", str(size << 20), str(self._image)),
            )
            for start, size in parts
        ]
