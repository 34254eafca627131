"""A folder of an edge box that holds staged objects: one disk, with a name of its own."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bucketline.clock import Clock, SystemClock
from bucketline.errors import Away, DiskError, Refused, StoreError, UsageError
from bucketline.stores.local import LocalStore
from bucketline.stores.spool.room import Marks, Room
from bucketline.stores.spool.sentinel import (
    SENTINEL,
    lock_sentinel,
    read_sentinel,
    write_sentinel,
)

SPOOL = "spool"  # The folder of a volume in which all of ours is, a folder a job.
_LOOK_SECONDS = 2.0  # So often one that is there is looked at, and one that is not, too.
_LEARNING = 0.2
_FULL = (errno.ENOSPC, errno.EDQUOT)


class VolumeState(NamedTuple):
    """How a volume stands, for people."""

    identity: str
    folder: str
    is_usable: bool
    reason: str  # Why it is not.
    since: float  # Of that state, seconds since 1970.
    size: int
    free: int
    staged: int  # Bytes.
    promised: int
    write_speed: float  # Bytes a second, as measured; 0 = not known.


class Volume:
    """One disk, usable while the disk in its folder is the one of that name.

    What is written goes to the disk that was opened, whatever is mounted over it or no longer: an
    empty mount point is never taken for it.
    """

    def __init__(
        self, folder: str, identity: str, job: str, *, marks: Marks | None, clock: Clock
    ) -> None:
        self.folder = folder
        self.identity = identity
        self.room = Room(marks or Marks())
        self.reason = "it was not looked at yet"
        self.since = clock.now()
        self.write_speed = 0.0
        self.is_known = False  # What it holds was read since it is there.
        self.is_taken = False  # By another relay.
        self._path = Path(folder) / SPOOL / job
        self._clock = clock
        self._lock = self._root = -1
        self._looked = -_LOOK_SECONDS
        self._store: LocalStore | None = None

    @property
    def store(self) -> LocalStore:
        """Its files; raises `Away` if it was never there."""
        if self._store is None:
            raise Away(f"volume {self.folder}: {self.reason}", store="spool:")
        return self._store

    @property
    def is_usable(self) -> bool:
        return not self.reason

    @property
    def state(self) -> VolumeState:
        room = self.room
        return VolumeState(
            *(self.identity, self.folder, self.is_usable, self.reason, self.since),
            *(room.size, room.free, room.own, room.promised, self.write_speed),
        )

    def look(self, *, at_once: bool = False) -> bool:
        """Whether it is there. One that comes back is used again, with all that it holds."""
        now = self._clock.monotonic()
        if at_once or now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._judge(self._trouble())
        return self.is_usable

    def measure(self) -> None:
        """Ask the file system for its room."""
        try:
            told = os.fstatvfs(self._root)
        except OSError as error:
            self._judge(f"it does not answer ({error.strerror})")
            return
        names = told.f_favail if told.f_files else None  # Some file systems do not count them.
        size, free = told.f_blocks * told.f_frsize, told.f_bavail * told.f_frsize
        self.room.measured(size, free, names)

    def failed(self, error: StoreError) -> Away:
        """It could not do what it should: it is left alone, and who wanted it comes back later."""
        self._judge(error.message)
        said = f"volume {self.folder}: {error.message}; the others go on"
        return Away(said, store="spool:")

    def took(self, size: int, seconds: float) -> None:
        """A write of so many bytes lasted so long."""
        if size and seconds > 0:
            pace = size / seconds
            self.write_speed += (pace - self.write_speed) * (_LEARNING if self.write_speed else 1)

    def close(self) -> None:
        """Let others have it."""
        for file in (self._lock, self._root):
            if file >= 0:
                os.close(file)
        self._lock = self._root = -1

    def _judge(self, reason: str) -> None:
        if bool(reason) != bool(self.reason):
            self.since = self._clock.now()
        self.reason = reason

    def _trouble(self) -> str:
        try:
            told = read_sentinel(Path(self.folder))
        except OSError as error:
            return f"it is gone ({error.strerror})"
        except Refused as error:
            return str(error)
        if not told:
            return "it is gone: nothing in its folder says that it is a volume; is it mounted?"
        if told != self.identity:
            return "another volume stands in its place; if disks changed places, run it again"
        try:
            if self._store is None or not self._is_open():
                self._open()
            elif not self.is_usable:
                self._try()
        except OSError as error:
            return f"it cannot be written ({error.strerror})"
        except Refused as error:
            return str(error)
        return ""

    def _is_open(self) -> bool:
        """Whether what is open is what stands there: not another disk, and no removed folder."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._root))
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        """It is there, for the first time or again: nothing that was open leads there."""
        self.close()
        folder, self.is_taken = Path(self.folder), False
        try:
            self._lock = lock_sentinel(folder)
        except Refused:
            self.is_taken = True
            raise
        self._try()
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._store = LocalStore(f"/proc/self/fd/{self._root}", clock=self._clock)
        self.is_known = False
        self.room.own = 0
        self.measure()

    def _try(self) -> None:
        """Make a file and remove it again; raises OSError. A full disk is there all the same: what
        is staged on it must be sent, or it stays full.
        """
        path = Path(self.folder) / f"{SENTINEL}.try"
        try:
            path.write_bytes(b"")
        except OSError as error:
            if error.errno not in _FULL:
                raise
        with suppress(FileNotFoundError):
            path.unlink()


def open_volume(
    folder: str | Path,
    job: str,
    *,
    identity: str = "",
    marks: Marks | None = None,
    clock: Clock | None = None,
) -> Volume:
    """The volume in this folder, for this job alone; the first time, it gets its name.

    One whose `identity` is known may be away for now: it is waited for, and nothing else that
    stands in its folder is taken for it. Raises `UsageError`, `Refused`, `DiskError`.
    """
    path = Path(folder).absolute()
    if not identity:
        identity = _identity(path)
    volume = Volume(str(path), identity, job, marks=marks, clock=clock or SystemClock())
    if not volume.look(at_once=True) and volume.is_taken:
        raise Refused(volume.reason)
    return volume


def _identity(path: Path) -> str:
    if not path.is_dir():
        raise UsageError(f"{path}: no such folder; mount the volume or name another one")
    try:
        return read_sentinel(path) or write_sentinel(path)
    except OSError as error:
        said = f"{path}: cannot be a volume ({error.strerror}); check its mount and owner"
        raise DiskError(said) from error
