"""Where a bucket is built: a folder of its own, held as long as anything builds in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bucketline.errors import Refused

_NAME = "bucketline-staging"


class NotYet(Refused):
    """Others have not done it in time; the next run comes back."""

    exit_code = 4


def staging_of(final: Path) -> Path:
    """On the disk where it is wanted, and where Splunk does not look."""
    return final.parent.parent / _NAME / final.name


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """It is there and empty, and gone at the end unless it was renamed. Raises `NotYet`.

    A rebuild outlives us if we are killed. It inherits what is yielded, and holds the folder by it.
    """
    if folder.exists():
        os.close(_lock(folder))
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    lock = _lock(folder)
    try:
        yield lock
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path) -> int:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise NotYet(f"{folder}: a rebuild of an earlier run is still at work there") from None
    except OSError:
        os.close(lock)
        raise
    return lock
