"""Make volumes of the disks of a plan: step by step, each one once, and gone on with after a crash.

An intent is written down before a step and its end after it. A step looks first whether it is done
already, by the names that the plan has given to all that it makes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bucketline.engines.volumes.evidence import examine
from bucketline.engines.volumes.fstab import add_line, has_line, line_of, refuse_taken
from bucketline.engines.volumes.mounting import (
    give_away,
    is_mounted,
    is_volume,
    make_folder,
    mount,
    refuse_taken_folder,
)
from bucketline.engines.volumes.owner import owner_ids
from bucketline.engines.volumes.place import find_disk, refuse_unless_empty, undisturbed
from bucketline.engines.volumes.plan import Item, Plan
from bucketline.engines.volumes.plans import DONE, INTENT, Journal
from bucketline.engines.volumes.tool import CLEAR, FORMATS, MOUNT, PARTX, SGDISK
from bucketline.errors import DiskError, Refused

PARTITION, FORMAT, FOLDER, MOUNTED = "partition", "format", "folder", "mount"
VOLUME, FSTAB = "volume", "fstab"
_LINUX = "8300"  # The type of partition.


class Step(NamedTuple):
    """Where the work is."""

    folder: str
    device: str
    name: str
    state: str  # intent, done


def prepare(plan: Plan, journal: Journal) -> Iterator[Step]:
    """Do it; it tells each step before and after it. Raises `Refused` before anything is changed
    if any of the disks is not as planned; `DiskError`, `Refused` later. Again = gone on with.
    """
    if os.geteuid() != 0:
        raise Refused("only root may prepare disks; run it as root, as with sudo")
    for tool in (SGDISK, PARTX, CLEAR, MOUNT, FORMATS[plan.filesystem]):
        tool.check()
    deeds = Deeds(plan, journal)
    for item in plan.items:
        deeds.check(item)
    for item in plan.items:
        yield from deeds.all_of(item)


class Deeds:
    """The steps of a plan."""

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self._plan = plan
        self._journal = journal
        self._owner = owner_ids(plan.owner)
        self._steps: dict[str, tuple[Callable[[Item], bool], Callable[[Item], None]]] = {
            PARTITION: (self._is_partitioned, self._partition),
            FORMAT: (self._is_formatted, self._format),
            FOLDER: (self._has_folder, make_folder),
            MOUNTED: (self._is_mounted, self._mount),
            VOLUME: (self._is_volume, self._make_volume),
            FSTAB: (self._is_in_fstab, self._add_to_fstab),
        }

    def check(self, item: Item) -> None:
        """Raise `Refused` for what is wrong before the first step."""
        disk = find_disk(self._plan, item)
        if not disk.is_ours:
            was_begun = self._journal.has(item.uuid, PARTITION, INTENT)
            refuse_unless_empty(self._plan, disk, was_begun=was_begun)
        if not is_mounted(item, disk.partition):
            refuse_taken_folder(item)
        refuse_taken(Path(self._plan.fstab), line_of(item, self._plan.filesystem))

    def all_of(self, item: Item) -> Iterator[Step]:
        """One disk, from where it stands to a volume."""
        path = find_disk(self._plan, item).device.path
        with undisturbed(path):
            for name, (is_done, do) in self._steps.items():
                if is_done(item):
                    continue
                self._journal.write(item.uuid, name, INTENT)
                yield Step(item.folder, path, name, INTENT)
                do(item)
                self._journal.write(item.uuid, name, DONE)
                yield Step(item.folder, path, name, DONE)

    def _part(self, item: Item) -> str:
        """The path of its partition, which is known to be the one of this plan."""
        disk = find_disk(self._plan, item)
        if not disk.is_ours or disk.partition is None:
            raise Refused(f"{disk.device.path}: has lost the partition of this plan; look at it")
        return disk.partition.path

    def _is_partitioned(self, item: Item) -> bool:
        disk = find_disk(self._plan, item)
        return disk.is_ours and disk.partition is not None

    def _partition(self, item: Item) -> None:
        disk = find_disk(self._plan, item)
        if not disk.is_ours:
            refuse_unless_empty(self._plan, disk, was_begun=False)
            SGDISK.change(
                f"--disk-guid={item.disk_id}",
                "--new=1:0:0",
                f"--typecode=1:{_LINUX}",
                f"--partition-guid=1:{item.part_id}",
                f"--change-name=1:{item.label}",
                disk.device.path,
            )
        if find_disk(self._plan, item).partition is None:
            PARTX.change("--update", disk.device.path)
        self._part(item)

    def _is_formatted(self, item: Item) -> bool:
        """By the journal alone: half a file system can look like a whole one."""
        if not self._journal.has(item.uuid, FORMAT, DONE):
            return False
        partition = find_disk(self._plan, item).partition
        if partition is None or examine(partition).uuid != item.uuid:
            raise Refused(f"{item.identity.path}: has lost its file system; look at it")
        return True

    def _format(self, item: Item) -> None:
        path = self._part(item)
        partition = find_disk(self._plan, item).partition
        assert partition is not None
        evidence = examine(partition)
        if evidence.trouble:
            raise Refused(f"{path}: {evidence.trouble}")
        if evidence.part_id != item.part_id:
            raise Refused(f"{path}: is not the partition of this plan; look at it")
        if evidence.signatures:
            # Empty when it was made: so it is what a crash left in the middle of this very step.
            if not self._journal.had(item.uuid, FORMAT, INTENT):
                found = ", ".join(evidence.signatures)
                raise Refused(f"{path}: holds {found}, though its disk was empty; look at it")
            CLEAR.change("--all", "--quiet", path)
        words = _format_words(item, self._plan.filesystem)
        FORMATS[self._plan.filesystem].change(*words, path)
        if examine(partition).uuid != item.uuid:
            raise DiskError(f"{path}: does not hold what was just written; the disk is failing")

    def _has_folder(self, item: Item) -> bool:
        return Path(item.folder).is_dir()

    def _is_mounted(self, item: Item) -> bool:
        return is_mounted(item, find_disk(self._plan, item).partition)

    def _mount(self, item: Item) -> None:
        self._part(item)
        mount(item, self._plan.filesystem)
        if not self._is_mounted(item):
            raise DiskError(f"{item.folder}: a copy of the disk was mounted instead; take it away")

    def _is_volume(self, item: Item) -> bool:
        return self._journal.has(item.uuid, VOLUME, DONE) and is_volume(item)

    def _make_volume(self, item: Item) -> None:
        if not self._is_mounted(item):
            raise DiskError(f"{item.folder}: is not mounted any more; run it again")
        give_away(item, self._owner)

    def _is_in_fstab(self, item: Item) -> bool:
        return has_line(Path(self._plan.fstab), line_of(item, self._plan.filesystem))

    def _add_to_fstab(self, item: Item) -> None:
        add_line(Path(self._plan.fstab), line_of(item, self._plan.filesystem))


def _format_words(item: Item, filesystem: str) -> list[str]:
    """Without any that overwrites what is there."""
    if filesystem == "xfs":
        return ["-q", "-m", f"uuid={item.uuid}", "-L", item.label]
    return ["-q", "-m", "0", "-U", item.uuid, "-L", item.label]
