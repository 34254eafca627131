"""Why a device is no disk for a volume: everything that is not plainly empty is refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bucketline.engines.volumes.devices import Device, Machine
from bucketline.engines.volumes.evidence import HEAD_SIZE, TAIL_SIZE, Evidence
from bucketline.sizes import show_size

SIZE_MIN = 64 << 20
_SYSTEM = ("/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/home", "/etc", "/nix")
_MEMORY = ("zram", "ram")
# What others call the same, so that people know what they look at.
_WORDS = {
    "LVM2_member": "a physical volume of LVM",
    "crypto_LUKS": "an encrypted disk (LUKS)",
    "linux_raid_member": "a member of a RAID",
    "mpath_member": "a path of a multipath disk",
    "zfs_member": "a member of a ZFS pool",
    "swap": "swap space",
    "gpt": "a partition table (gpt)",
    "dos": "a partition table (dos)",
    "PMBR": "a partition table (PMBR)",
}
_ABOVE = {
    "lvm": "LVM",
    "crypt": "encryption",
    "mpath": "multipath",
    "dm": "the device mapper",
    "part": "a partition",
}


class Finding(NamedTuple):
    """One reason not to use a device."""

    reason: str  # A word for machines; these only grow.
    detail: str  # For people.


def findings(
    device: Device, evidence: Evidence, machine: Machine, allowed_loops: frozenset[str]
) -> list[Finding]:
    """Every reason, the weightiest first; none = it is plainly empty, and a disk."""
    return [
        *_kinds(device, allowed_loops),
        *_used(device, machine),
        *_built_upon(device, evidence),
        *_twins(device, machine),
        *_content(evidence),
    ]


def _kinds(device: Device, allowed_loops: frozenset[str]) -> Iterator[Finding]:
    if device.kind == "loop":
        if device.name not in allowed_loops:
            yield Finding("kind", f"is a loop device; --allow-loop {device.name} admits it")
    elif device.kind != "disk":
        yield Finding("kind", f"is no disk but of the kind {device.kind}; name a whole disk")
    elif device.name.startswith(_MEMORY):
        yield Finding("kind", "is memory, empty after a power cut")
    if device.size == 0:
        yield Finding("size", "has no size: no medium, or nothing behind it")
    elif device.size < SIZE_MIN:
        least = show_size(SIZE_MIN)
        yield Finding("size", f"is too small ({show_size(device.size)}; at least {least})")
    if device.is_read_only:
        yield Finding("read-only", "is read-only")


def _used(device: Device, machine: Machine) -> Iterator[Finding]:
    """Mounted or swapped to, it or whatever stands on it."""
    family = list(device.family())
    folders, paths = mounted_at(device, machine), _paths(device)
    system = [folder for folder in _SYSTEM if folder in folders]
    if system:
        yield Finding("system", f"holds the running system ({', '.join(system)})")
    elif folders:
        yield Finding("mounted", f"is mounted ({', '.join(sorted(folders))})")
    if machine.swaps & paths or any(one.mountpoint == "[SWAP]" for one in family):
        yield Finding("swap", "is swapped to")


def mounted_at(device: Device, machine: Machine) -> set[str]:
    """The folders that show it, or whatever stands on it."""
    family, paths = list(device.family()), _paths(device)
    numbers = {one.number for one in family}
    folders = {
        mount.folder
        for mount in machine.mounts
        if mount.number in numbers or mount.source.partition("[")[0] in paths
    }
    return folders | {one.mountpoint for one in family if one.mountpoint.startswith("/")}


def _paths(device: Device) -> set[str]:
    return {path for one in device.family() for path in (one.path, f"/dev/mapper/{one.label}")}


def _built_upon(device: Device, evidence: Evidence) -> Iterator[Finding]:
    partitions = [one.name for one in device.children if one.kind == "part"]
    if partitions or evidence.table:
        named = f" ({', '.join(partitions)})" if partitions else ""
        yield Finding("partitioned", f"has a partition table{named}")
    others = [one for one in device.family() if one is not device and one.kind != "part"]
    names = [f"{one.label} ({_ABOVE.get(one.kind, one.kind)})" for one in others]
    names += [name for name in evidence.holders if name not in {one.name for one in others}]
    if names:
        yield Finding("held", f"is held by {', '.join(dict.fromkeys(names))}")


def _twins(device: Device, machine: Machine) -> Iterator[Finding]:
    """Two paths to one disk: to write by one of them is to damage what the other shows."""
    twins = [
        other.name
        for other in machine.devices
        if device.wwn and other.wwn == device.wwn and other.name != device.name
    ]
    if twins:
        yield Finding("twin", f"is the same disk as {', '.join(twins)} (WWN {device.wwn})")


def _content(evidence: Evidence) -> Iterator[Finding]:
    told_already = (evidence.table, "PMBR" if evidence.table else "")
    found = [kind for kind in evidence.signatures if kind not in told_already]
    if found:
        names = dict.fromkeys(_WORDS.get(kind, kind) for kind in found)
        yield Finding("signature", f"holds {', '.join(names)}")
    if not evidence.is_blank and not evidence.signatures:
        places = f"the first {show_size(HEAD_SIZE)} or the last {show_size(TAIL_SIZE)}"
        yield Finding("data", f"is not empty: there are bytes other than zero in {places}")
    if evidence.trouble:
        yield Finding("trouble", evidence.trouble)
