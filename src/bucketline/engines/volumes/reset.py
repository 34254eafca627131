"""Empty the spools of volumes: what a relay has staged there, and nothing else of the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bucketline.durable import sync_folder
from bucketline.errors import DiskError, Refused, UsageError, printable
from bucketline.stores.local.paths import is_ours
from bucketline.stores.spool.names import named
from bucketline.stores.spool.sentinel import lock_sentinel, read_sentinel
from bucketline.stores.spool.volume import SPOOL


class Spooled(NamedTuple):
    """What one volume holds for relays."""

    folder: str
    objects: frozenset[str]  # Of any file: a part can belong to an object of another volume, too.
    files: int
    size: int

    @property
    def root(self) -> Path:
        return Path(self.folder, SPOOL)


@contextmanager
def held_still(folders: Sequence[Path]) -> Iterator[list[Spooled]]:
    """What these volumes hold; no relay can use them meanwhile. Raises `Refused`, `UsageError`."""
    with ExitStack() as stack:
        for folder in dict.fromkeys(folder.resolve() for folder in folders):
            stack.callback(os.close, _lock(folder))
        yield [_spooled(folder) for folder in dict.fromkeys(map(Path.resolve, folders))]


def empty(spooled: Spooled) -> None:
    """Remove all of it, the sidecars first: a power cut leaves no object without its bytes."""
    root = spooled.root
    if not root.exists():
        return
    try:
        for sidecar in root.glob("*/*/*.json"):
            sidecar.unlink()
        for folder in root.glob("*/*"):
            sync_folder(folder)
        shutil.rmtree(root)
        sync_folder(root.parent)
    except OSError as error:
        said = f"cannot be removed ({error.strerror}); run it again once the disk is well"
        raise DiskError(f"{error.filename or root}: {said}") from None


def _lock(folder: Path) -> int:
    try:
        if not read_sentinel(folder):
            said = "is no volume: it has no sentinel; is its disk mounted?"
            raise Refused(f"{folder}: {said}")
        return lock_sentinel(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be opened ({error.strerror})") from None


def _spooled(folder: Path) -> Spooled:
    objects: set[str] = set()
    files = size = 0
    for path, job in _files(folder / SPOOL):
        told = named(f"{path.parent.name}/{path.name}")
        if told is None and not is_ours(path.name):
            said = "is none of the spool's files; move it away, or find out whose it is"
            raise Refused(f"{printable(str(path))}: {said}")
        if told is not None and not told.is_begin:
            objects.add(f"{job}/{told.object}")
        files += 1
        size += path.lstat().st_size
    return Spooled(str(folder), frozenset(objects), files, size)


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Each file and its job. Raises `Refused` for what leads elsewhere."""
    if not root.exists() and not root.is_symlink():
        return
    device = root.parent.stat().st_dev
    waiting = [(root, "")]
    while waiting:
        folder, job = waiting.pop()
        told = folder.lstat()
        if folder.is_symlink() or told.st_dev != device:
            said = "leads elsewhere (a link, or another disk); nothing is removed"
            raise Refused(f"{printable(str(folder))}: {said}")
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                waiting.append((path, job or path.name))
            else:
                yield path, job
