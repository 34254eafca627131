"""Splunk's own program: called without a shell, bounded in time, judged by what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bucketline.errors import DiskError, UsageError, printable

_NAMES = ("Hosts.data", "Sources.data", "SourceTypes.data")


class RebuildFailed(DiskError):
    """Splunk could not make a bucket of a journal."""


@dataclass(frozen=True, slots=True)
class Tool:
    """`splunk`, of one installation."""

    home: Path
    timeout_seconds: float = 4 * 3600.0

    def rebuild(self, folder: Path, index: str, lock: int) -> None:
        """Make a journal's indexes; it inherits that lock. Raises `RebuildFailed`."""
        code, said = self._call("rebuild", str(folder), index, lock=lock)
        if code != 0:
            raise RebuildFailed(f"splunk rebuild ends with {code}: {said}")
        if missing := lacking(folder):
            raise RebuildFailed(f"splunk rebuild left no {missing} behind")

    def restart(self) -> None:
        code, said = self._call("restart")
        if code != 0:
            raise DiskError(f"splunk restart ends with {code}: {said}")

    def check(self) -> None:
        """Raises `UsageError` if it is not there."""
        if not self._path.is_file():
            raise UsageError(f"{self._path}: there is no such program; name --splunk-home")

    @property
    def _path(self) -> Path:
        return self.home / "bin" / "splunk"

    def _call(self, *words: str, lock: int | None = None) -> tuple[int, str]:
        self.check()
        around = {"SPLUNK_HOME": str(self.home), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        locks = () if lock is None else (lock,)
        return called([str(self._path), *words], around, self.timeout_seconds, locks)


def lacking(folder: Path) -> str:
    """Files that a rebuilt bucket has, and this one has not; on a full disk, they are empty."""
    indexes = [*folder.glob("*.tsidx")]
    told = folder / "bucket_info.csv"  # Some versions leave none.
    found = [name for name in _NAMES if not _holds(folder / name)]
    if not indexes or not all(map(_holds, indexes)):
        found.insert(0, "tsidx file")
    if told.exists() and not _holds(told):
        found.append(told.name)
    return ", ".join(found)


def _holds(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def called(
    command: list[str],
    around: dict[str, str],
    timeout_seconds: float,
    inherited: Sequence[int] = (),
) -> tuple[int, str]:
    """Its exit code and last words.

    It has a session of its own: Ctrl-C at our terminal is meant for us. What it leaves behind to
    go on, as a restart does, is not waited for, nor for the end of what that may say.
    """
    with tempfile.TemporaryFile() as file:
        try:
            process = subprocess.Popen(  # noqa: S603  An absolute path, words, and no shell.
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=around,
                pass_fds=inherited,
                start_new_session=True,
            )
        except OSError as error:
            raise DiskError(f"{command[0]}: cannot be run ({error.strerror})") from None
        try:
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # Its helpers, too: they write where it did.
            process.wait()
            return -1, f"no end in {timeout_seconds:,.0f} s"
        file.seek(0)
        text = " ".join(file.read().decode(errors="replace").split())
    return code, printable(text[-300:]) or "it says nothing"
