"""A look at a volume from outside, while a relay may be at work; changes and locks nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bucketline.errors import Refused
from bucketline.stores.spool import names
from bucketline.stores.spool.sentinel import read_sentinel
from bucketline.stores.spool.volume import SPOOL


class Survey(NamedTuple):
    """What was seen."""

    folder: str
    reason: str  # Why it is not there; "" = it is.
    size: int = 0  # Of the disk, in bytes.
    free: int = 0
    objects: int = 0  # Staged, by their sidecars; one on several volumes counts where it begins.
    bytes: int = 0  # Of their parts, and of those under way.
    oldest: float = 0.0  # When the first of them came, seconds since 1970; 0 = there is none.


def survey(folder: str, identity: str, job: str) -> Survey:
    """What the volume of that name, in this folder, holds for a relay."""
    try:
        told = read_sentinel(Path(folder))
        if told != identity:
            return Survey(folder, "another volume stands there" if told else "it is not mounted")
        disk = os.statvfs(folder)
    except (OSError, Refused) as error:
        return Survey(folder, getattr(error, "strerror", "") or str(error))
    size, oldest = 0, ""
    told_of: set[str] = set()
    begins: set[str] = set()
    for name, length in _files(Path(folder) / SPOOL / job):
        one = names.named(name)
        if one is None:
            continue
        if not one.generation:
            told_of.add(one.object)
        elif one.number == 1:
            begins.add(one.object)
        size += length if one.md5 else 0
        if one.generation and (not oldest or one.generation < oldest):
            oldest = one.generation
    since = int(oldest, 16) / 1e6 if oldest else 0.0
    block, objects = disk.f_frsize, len(told_of & begins)
    return Survey(folder, "", disk.f_blocks * block, disk.f_bavail * block, objects, size, since)


def _files(root: Path) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for path in root.glob("*/*"):
        with suppress(OSError):  # They come and go.
            found.append((f"{path.parent.name}/{path.name}", path.stat().st_size))
    return found
