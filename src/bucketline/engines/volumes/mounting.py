"""A file system in its folder, and what makes a volume of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bucketline.durable import sync_folder
from bucketline.engines.volumes.devices import Device
from bucketline.engines.volumes.fstab import OPTIONS
from bucketline.engines.volumes.plan import Item
from bucketline.engines.volumes.tool import MOUNT
from bucketline.errors import DiskError, Refused
from bucketline.stores.spool.sentinel import SENTINEL, read_sentinel, write_sentinel

_MODE = 0o750


def is_mounted(item: Item, partition: Device | None) -> bool:
    """Whether the folder shows this partition, and no other."""
    try:
        told = Path(item.folder).stat().st_dev
    except OSError:
        return False
    return partition is not None and f"{os.major(told)}:{os.minor(told)}" == partition.number


def refuse_taken_folder(item: Item) -> None:
    """Raise `Refused` unless there is nothing in the way of a mount there."""
    path = Path(item.folder)
    try:
        told = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise DiskError(f"{path}: cannot be looked at ({error.strerror})") from None
    if not stat.S_ISDIR(told.st_mode):
        raise Refused(f"{path}: is no folder; move it away")
    if told.st_dev != path.parent.stat().st_dev:
        raise Refused(f"{path}: something else is mounted there; unmount it")
    if any(path.iterdir()):
        raise Refused(f"{path}: is not empty; move away what is there")


def make_folder(item: Item) -> None:
    """Where nobody can write as long as nothing is mounted. Raises `DiskError`."""
    path = Path(item.folder)
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.mkdir(mode=0, exist_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise DiskError(f"{path}: cannot be made ({error.strerror})") from None


def mount(item: Item, filesystem: str) -> None:
    """By its own name, as it will be after each start. Raises `DiskError`, `Refused`."""
    refuse_taken_folder(item)
    MOUNT.change("-t", filesystem, "-o", OPTIONS, f"UUID={item.uuid}", item.folder)


def give_away(item: Item, owner: tuple[int, int]) -> None:
    """To its owner, with a sentinel that makes a volume of it. Raises `DiskError`, `Refused`."""
    path = Path(item.folder)
    try:
        if not read_sentinel(path):
            write_sentinel(path)
        os.chown(path / SENTINEL, *owner)
        os.chown(path, *owner)
        path.chmod(_MODE)
        sync_folder(path)
    except OSError as error:
        raise DiskError(f"{path}: cannot be made a volume ({error.strerror})") from None


def is_volume(item: Item) -> bool:
    """Raises `Refused` for a sentinel that makes no sense."""
    try:
        return bool(read_sentinel(Path(item.folder)))
    except OSError:
        return False
