"""A disk that is full takes all of what was noted, or none of it, and says so."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bucketline.engines.backup.rows import Row
from bucketline.engines.backup.sealing import Notes, in_order
from bucketline.errors import DiskError

ROWS = [Row(f"k/{number:04}", etag="x" * 100) for number in range(200)]


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file of ours grows beyond it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_notes_are_whole_or_not_there(tmp_path: Path) -> None:
    with closing(Notes(tmp_path / "some.notes")) as notes:
        notes.add(ROWS[:3])
        with disk_of(1_000), pytest.raises(DiskError):
            notes.add(ROWS[3:])
        assert list(notes) == ROWS[:3]
        notes.add(ROWS[3:])
        assert list(notes) == ROWS


def test_a_sort_without_room_says_so() -> None:
    with disk_of(1_000), pytest.raises(DiskError, match="free some disk space"):
        list(in_order(ROWS, None))
