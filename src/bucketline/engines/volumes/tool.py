"""The programs of the system that know disks: found, called without a shell, and bounded in time.

Those that only look are `ask`ed; those that change something are told to `change` it. A tool is
one or the other, so nothing that looks can ever write.
"""

from __future__ import annotations

import subprocess
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bucketline.errors import DiskError, UsageError, printable

# Root runs these: they come from where the system has them, whatever PATH says.
_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_AROUND = {"LC_ALL": "C", "PATH": ":".join(_FOLDERS)}


class Answered(NamedTuple):
    """How a tool ended, and what it printed."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """One program."""

    name: str
    package: str  # That brings it, for people.
    changes: bool = False
    timeout_seconds: int = 60

    @property
    def path(self) -> str:
        """Where it is. Raises `UsageError`."""
        for folder in _FOLDERS:
            if (path := Path(folder, self.name)).is_file():
                return str(path)
        raise UsageError(f"{self.name} is not installed; install the package {self.package}")

    def check(self) -> None:
        """Raise `UsageError` where it is not installed, before it is needed."""
        assert self.path

    def ask(self, *words: str, codes: Container[int] = (0,)) -> Answered:
        """What it says; it changes nothing. Raises `DiskError` for another exit code."""
        assert not self.changes, f"{self.name} is no tool that only looks"
        return self._call(words, codes)

    def change(self, *words: str) -> None:
        """Have it do what it is for. Raises `DiskError`."""
        assert self.changes, f"{self.name} is a tool that only looks"
        self._call(words, (0,))

    def _call(self, words: tuple[str, ...], codes: Container[int]) -> Answered:
        try:
            done = subprocess.run(  # noqa: S603  An absolute path, words, and no shell.
                [self.path, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=_AROUND,
                cwd="/",
                timeout=self.timeout_seconds,
                close_fds=False,  # It holds our lock, until it has ended too: see plans.py.
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = f"no answer in {self.timeout_seconds} s; look at the disk and the system's log"
            raise DiskError(f"{self._shown(words)}: {said}") from None
        except OSError as error:
            raise DiskError(f"{self.path}: cannot be run ({error.strerror})") from None
        if done.returncode not in codes:
            raise DiskError(f"{self._shown(words)}: {_last_words(done)}")
        return Answered(done.returncode, done.stdout.decode(errors="replace"))

    def _shown(self, words: tuple[str, ...]) -> str:
        return printable(" ".join((self.name, *words)))


def _last_words(done: subprocess.CompletedProcess[bytes]) -> str:
    """What it complained of, on one line."""
    text = " ".join((done.stderr or done.stdout).decode(errors="replace").split())
    return f"{printable(text)[:300] or 'it says nothing'} (exit code {done.returncode})"


LSBLK = Tool("lsblk", "util-linux")
BLKID = Tool("blkid", "util-linux")
WIPEFS = Tool("wipefs", "util-linux")  # Only ever with --no-act: see `clear`.
FINDMNT = Tool("findmnt", "util-linux")

SGDISK = Tool("sgdisk", "gdisk", changes=True)
PARTX = Tool("partx", "util-linux", changes=True)
CLEAR = Tool("wipefs", "util-linux", changes=True)
MOUNT = Tool("mount", "mount", changes=True)
_FORMAT_SECONDS = 3600
FORMATS = {
    "ext4": Tool("mkfs.ext4", "e2fsprogs", changes=True, timeout_seconds=_FORMAT_SECONDS),
    "xfs": Tool("mkfs.xfs", "xfsprogs", changes=True, timeout_seconds=_FORMAT_SECONDS),
}
