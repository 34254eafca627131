"""Small files that outlive a power cut: whole under their names, or as they were before."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO

from bucketline.errors import DiskError

_OURS_ALONE = 0o600
_numbers = itertools.count(1)
_being_written: set[str] = set()  # The names of this process's own parts.


@contextmanager
def whole_file(path: Path, mode: int | None = None) -> Iterator[IO[bytes]]:
    """A file that appears under its name when all of it is on the disk, or not at all; with this
    mode, whatever the umask says, or with the usual one. Raises `DiskError`.
    """
    part = path.with_name(f".{path.name[:200]}.{os.getpid()}.{next(_numbers)}.part")
    _being_written.add(part.name)
    try:
        _clear_left(path)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        descriptor = os.open(part, flags, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        why = error.strerror or error
        raise DiskError(f"{path}: cannot be written ({why}); check its folder") from error
    finally:
        _being_written.discard(part.name)
        with suppress(OSError):
            part.unlink()  # Only what has not become the file.


def replace_file(path: Path, text: str, mode: int = _OURS_ALONE) -> None:
    """The file holds the text, or what it held: never half of it, and never readable by others."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{path}: cannot be written ({error.strerror}); check its folder") from None
    with whole_file(path, mode) as file:
        file.write(text.encode())


def sync_folder(folder: Path) -> None:
    """Names in it survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear_left(path: Path) -> None:
    """What those who were killed here have left may hold a secret, and goes; also where the same
    number is given to each program anew.
    """
    for left in path.parent.glob(f".{escape(path.name[:200])}.*.part"):
        number = left.name.split(".")[-3]
        is_ours = number == str(os.getpid()) and left.name in _being_written
        if number.isdecimal() and not is_ours and (int(number) == os.getpid() or _is_dead(number)):
            left.unlink(missing_ok=True)


def _is_dead(number: str) -> bool:
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OverflowError, PermissionError):
        return False
    return False
