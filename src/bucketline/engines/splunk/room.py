"""Room on a disk: promised before a bucket is begun, so that several at once do not share it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition

from bucketline.errors import DiskError

_NOTHING = 256 << 10


@dataclass(slots=True)
class Room:
    """Of all disks; safe in any thread."""

    reserve: int = 0  # That stays free on each.
    _promises: dict[int, int] = field(default_factory=dict)  # Disk -> bytes of what is under way.
    _turn: Condition = field(default_factory=Condition)

    @contextmanager
    def promised(self, home: str, size: int) -> Iterator[None]:
        """While it is made, nobody else counts on the same bytes. Raises `DiskError`."""
        folder = _there(home)
        try:
            disk = folder.stat().st_dev
            with self._turn:
                # What is under way may be on the disk already: only its end tells what is left.
                while (left := self._left(folder, disk) - size) < self.reserve:
                    if not self._promises.get(disk):
                        raise DiskError(
                            f"{folder}: {left + size:,} bytes are free, it needs {size:,}, and"
                            f" {self.reserve:,} stay free (--reserve)"
                        )
                    self._turn.wait()
                self._promises[disk] = self._promises.get(disk, 0) + size
        except OSError as error:
            raise DiskError(f"{folder}: cannot be looked at ({error.strerror})") from None
        try:
            yield
        finally:
            with self._turn:
                self._promises[disk] -= size
                self._turn.notify_all()

    def free(self, home: str) -> int:
        """Bytes that a disk can take now."""
        folder = _there(home)
        try:
            return self._left(folder, folder.stat().st_dev) - self.reserve
        except OSError as error:
            raise DiskError(f"{folder}: cannot be looked at ({error.strerror})") from None

    def _left(self, folder: Path, disk: int) -> int:
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize - self._promises.get(disk, 0)


def _there(home: str) -> Path:
    return Path(home) if Path(home).exists() else Path(home).parent


def is_full(folder: Path, below: int = _NOTHING) -> bool:
    """Whether nothing more can be written there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize < below
