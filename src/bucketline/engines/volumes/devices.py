"""The block devices of a machine, as the system's tools tell of them: text in, values out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bucketline.errors import DiskError

# What lsblk is asked for. It is not asked what a device holds: without udev it does not know.
COLUMNS = "NAME,KNAME,MAJ:MIN,TYPE,SIZE,RO,RM,HOTPLUG,SERIAL,WWN,MODEL,TRAN,MOUNTPOINT"


@dataclass(frozen=True, slots=True)
class Device:
    """One block device, with all that is built upon it."""

    name: str  # The kernel's: sdb.
    number: str  # "8:16"
    kind: str  # disk, part, loop, rom, lvm, crypt, mpath, raid1 …
    size: int
    is_read_only: bool = False
    is_removable: bool = False
    serial: str = ""
    wwn: str = ""
    model: str = ""
    transport: str = ""
    label: str = ""  # What people call it: vg-data, mpatha.
    mountpoint: str = ""
    children: tuple[Device, ...] = ()

    @property
    def path(self) -> str:
        return f"/dev/{self.name}"

    def family(self) -> Iterator[Device]:
        """It, and all that stands on it."""
        yield self
        for child in self.children:
            yield from child.family()


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system in the tree of folders."""

    folder: str
    source: str  # /dev/sda1, sometimes with [/subvolume] behind it.
    number: str  # Of the device, or of none where a file system has several.


@dataclass(frozen=True, slots=True)
class Machine:
    """All devices, and what uses them."""

    devices: tuple[Device, ...]  # Those that stand on no other.
    mounts: tuple[Mount, ...]
    swaps: frozenset[str]  # Paths.

    def find(self, path: str) -> Device | None:
        """The device of this path, whole or not."""
        everything = (one for device in self.devices for one in device.family())
        return next((one for one in everything if one.path == path), None)


def read_machine(lsblk: str, findmnt: str, swaps: str) -> Machine:
    """What `lsblk`, `findmnt` and /proc/swaps say. Raises `DiskError` where it is none of it."""
    try:
        told = json.loads(lsblk)["blockdevices"]
        devices = tuple(_device(row) for row in told)
        mounted = json.loads(findmnt)["filesystems"] if findmnt.strip() else ()
        mounts = tuple(Mount(row["target"], row["source"] or "", row["maj:min"]) for row in mounted)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DiskError(f"lsblk or findmnt say what nobody understands ({error})") from None
    lines = swaps.splitlines()[1:]
    return Machine(devices, mounts, frozenset(line.split()[0] for line in lines if line.strip()))


def _device(row: Mapping[str, Any]) -> Device:
    return Device(
        name=row["kname"],
        number=row["maj:min"].strip(),
        kind=row["type"],
        size=int(row["size"] or 0),
        is_read_only=_yes(row["ro"]),
        is_removable=_yes(row["rm"]) or _yes(row.get("hotplug")),
        serial=_text(row.get("serial")),
        wwn=_text(row.get("wwn")),
        model=_text(row.get("model")),
        transport=_text(row.get("tran")),
        label=row["name"],
        mountpoint=_text(row.get("mountpoint")),
        children=tuple(_device(child) for child in row.get("children") or ()),
    )


def _yes(told: object) -> bool:
    """Old ones say "1"."""
    return told in (True, "1", 1)


def _text(told: object) -> str:
    return str(told).strip() if told is not None else ""
