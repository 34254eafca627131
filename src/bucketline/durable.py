"""Small files that outlive a power cut: whole under their names, or as they were before."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bucketline.errors import DiskError

_OURS_ALONE = 0o600
_PART = ".bucketline-part"  # Ends the name of what is being written.
_NAME_BYTES = 200  # Of its file's name: a name may have 255 in all.
_cleared: set[Path] = set()  # Folders: one look at each is enough for a program's life.


@contextmanager
def whole_file(path: Path, mode: int | None = None) -> Iterator[IO[bytes]]:
    """A file that appears under its name when all of it is on the disk, or not at all; with this
    mode, whatever the umask says, or with the usual one. Raises `DiskError`.
    """
    with _told(path):
        _expect_file(path)
        _clear_left(path.parent)
        part, file = _begun(path, 0o666 if mode is None else mode)
    try:
        with _told(path), file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
    finally:
        with suppress(OSError):
            part.unlink()  # Only what has not become the file.


def replace_file(path: Path, text: str, mode: int = _OURS_ALONE) -> None:
    """The file holds the text, or what it held: never half of it, and never readable by others."""
    with _told(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(path, mode) as file:
        file.write(text.encode())


def expect_room(path: Path) -> None:
    """Raise `DiskError` where no such file can be made: sooner than after hours of work."""
    with _told(path):
        _expect_file(path)
        part, file = _begun(path, _OURS_ALONE)
        file.close()
        part.unlink()


def sync_folder(folder: Path) -> None:
    """Names in it survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_no_file(path: Path) -> bool:
    """A folder, a pipe, a device as /dev/null: its name is not to be taken from it."""
    try:
        return path.exists() and not path.is_file()
    except OSError:  # Who writes there is told.
        return False


def _expect_file(path: Path) -> None:
    if is_no_file(path):
        raise DiskError(f"{path}: cannot be written (it is no file); choose another name")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise DiskError(f"{path}: cannot be written ({why}); check its folder") from error


def _begun(path: Path, mode: int) -> tuple[Path, IO[bytes]]:
    """Locked as long as it is open: by that others see that somebody is at it."""
    stem = os.fsencode(path.name)[:_NAME_BYTES].decode(errors="ignore")
    while True:
        part = path.with_name(f".{stem}.{secrets.token_hex(4)}{_PART}")
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
        file = os.fdopen(descriptor, "wb")
        with suppress(OSError):  # Not every file system can.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return part, file
        file.close()  # Who clears was quicker than the lock.


def _clear_left(folder: Path) -> None:
    """What those who were killed here have left may hold a secret, and goes."""
    if folder in _cleared:
        return
    _cleared.add(folder)
    for left in list(folder.glob(f".*{_PART}")):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
