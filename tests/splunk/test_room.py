"""Room on a disk is promised to one bucket at a time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bucketline.engines.splunk.room import Room
from bucketline.errors import DiskError


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def test_what_would_touch_the_reserve_is_refused(tmp_path: Path) -> None:
    room = Room(reserve=free(tmp_path) * 2)

    with pytest.raises(DiskError, match="stay free"), room.promised(str(tmp_path / "db"), 1):
        pass


def test_what_is_promised_to_one_is_not_promised_to_another(tmp_path: Path) -> None:
    room, half = Room(), free(tmp_path) * 2 // 3
    order: list[str] = []

    def second() -> None:
        with room.promised(str(tmp_path), half):
            order.append("second")

    thread = threading.Thread(target=second)
    with room.promised(str(tmp_path), half):
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]
