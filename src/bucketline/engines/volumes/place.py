"""Which disk a plan means, now: looked for anew before each deed, and known by what it is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from bucketline.engines.volumes.devices import Device, Machine
from bucketline.engines.volumes.evidence import (
    Evidence,
    boot_id,
    examine,
    look_around,
    table_id,
)
from bucketline.engines.volumes.findings import findings
from bucketline.engines.volumes.plan import Item, Plan, identity_of
from bucketline.errors import DiskError, Refused

_AGAIN = "run `bucketline volumes plan` again"


class Disk(NamedTuple):
    """A planned disk as it is now."""

    device: Device
    evidence: Evidence
    is_ours: bool  # It bears the partition table of this plan.
    machine: Machine

    @property
    def partition(self) -> Device | None:
        """The one on it, once the kernel knows it."""
        parts = [child for child in self.device.children if child.kind == "part"]
        return parts[0] if len(parts) == 1 else None


def find_disk(plan: Plan, item: Item) -> Disk:
    """The disk of this item. Raises `Refused` unless it is the one that was planned, beyond doubt.

    Names change with a boot: then only a disk that bears what this plan gave it is believed.
    """
    machine = look_around()
    is_same_boot = boot_id() == plan.boot
    device, evidence = _with_table(machine, item)
    is_ours = device is not None
    if device is None:
        device = machine.find(item.identity.path)
        if device is None:
            raise Refused(f"{item.identity.path}: is gone; {_AGAIN}")
        if not is_same_boot:
            said = f"{device.path}: the machine was started anew since the plan was made"
            raise Refused(f"{said}, and names may have changed; {_AGAIN}")
        evidence = examine(device)
    now = identity_of(device, evidence)
    if difference := item.identity.difference(now, is_same_boot=is_same_boot):
        raise Refused(f"{device.path}: is not the disk that was planned: {difference}; {_AGAIN}")
    return Disk(device, evidence, is_ours, machine)


@contextmanager
def undisturbed(path: str) -> Iterator[None]:
    """Udev leaves a locked disk alone; else it reads the table anew after each write, and takes
    the partition away for a moment. Raises `DiskError`.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DiskError(f"{path}: cannot be opened ({error.strerror})") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def refuse_unless_empty(plan: Plan, disk: Disk, *, was_begun: bool) -> None:
    """Raise `Refused` for every reason not to write a partition table on it."""
    found = findings(disk.device, disk.evidence, disk.machine, frozenset(plan.loops))
    if not found:
        return
    said = "; ".join(finding.detail for finding in found)
    if was_begun:
        path = disk.device.path
        said += "; its partition table was perhaps cut off as it was written: if nobody else"
        said += f" has used it since, `wipefs --all {path}`, and plan again"
    raise Refused(f"{disk.device.path}: {said}")


def _with_table(machine: Machine, item: Item) -> tuple[Device | None, Evidence]:
    """The one disk with the partition table of this plan; first where it was."""
    wholes = sorted(machine.devices, key=lambda one: one.path != item.identity.path)
    found = [
        device
        for device in wholes
        if device.size == item.identity.size and table_id(device) == item.disk_id
    ]
    if len(found) > 1:
        names = ", ".join(device.path for device in found)
        raise Refused(f"{names}: are copies of each other; take away all but one")
    return (found[0], examine(found[0])) if found else (None, Evidence())
