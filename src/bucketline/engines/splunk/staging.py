"""Where a bucket is built: a folder of its own, held as long as anything builds in it."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bucketline.errors import Refused

_NAME, _KEPT = "bucketline-staging", "bucketline-held"


class NotYet(Refused):
    """Others have not done it in time; the next run comes back."""

    exit_code = 4


def staging_of(final: Path) -> Path:
    """On the disk where it is wanted, and where Splunk does not look."""
    return final.parent.parent / _NAME / final.name


@contextmanager
def occupied(folder: Path, *, keeps: bool) -> Iterator[int]:
    """It is there and empty, and gone at the end unless it was renamed. Raises `NotYet`.

    A rebuild outlives us if we are killed. It inherits what is yielded, and occupies the folder by
    it. What is to be kept is set aside instead of removed.
    """
    if folder.exists():
        _leave(folder, keeps=keeps)
    folder.mkdir(parents=True)
    lock = _lock(folder)
    try:
        yield lock
    finally:
        if folder.exists():
            _end(folder, keeps=keeps)
        os.close(lock)


def sweep(home: Path, *, keeps: bool) -> None:
    """What a run that was killed has left, and nobody builds in, takes no disk from this one."""
    below = home.parent / _NAME
    for folder in [*below.glob("*/")]:
        with suppress(NotYet, FileNotFoundError):  # Others may be at work here, and be done.
            _leave(folder, keeps=keeps)


def aside_of(folder: Path) -> Path:
    """A place that nothing is ever removed from; it is free, and so is every name below it."""
    below = folder.parent.parent / _KEPT
    below.mkdir(parents=True, exist_ok=True)
    return next(
        path
        for number in itertools.count(1)
        if not (path := below / f"{folder.name}.{number}").exists()
    )


def _leave(folder: Path, *, keeps: bool) -> None:
    """One of an earlier run. Raises `NotYet`."""
    os.close(_lock(folder))
    _end(folder, keeps=keeps)


def _end(folder: Path, *, keeps: bool) -> None:
    if keeps:
        folder.rename(aside_of(folder))
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> int:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise NotYet(f"{folder}: another run, or its rebuild, is still at work there") from None
    except OSError:
        os.close(lock)
        raise
    return lock
