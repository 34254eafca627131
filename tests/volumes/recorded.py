"""What `lsblk` says of machines that no test can have: LVM, encryption, multipath, RAID, btrfs."""

from __future__ import annotations

import json
from typing import Any

from bucketline.engines.volumes.devices import Machine, read_machine


def row(name: str, kind: str = "disk", *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One device as lsblk 2.38 prints it."""
    told = {
        "name": name,
        "kname": name,
        "maj:min": f"8:{sum(map(ord, name))}",
        "type": kind,
        "size": 4 << 40,
        "ro": False,
        "rm": False,
        "hotplug": False,
        "serial": None,
        "wwn": None,
        "model": None,
        "tran": None,
        "mountpoint": None,
        **more,
    }
    return {**told, "children": list(children)} if children else told


def machine(*rows: dict[str, Any], mounts: tuple[tuple[str, str, str], ...] = ()) -> Machine:
    lsblk = json.dumps({"blockdevices": rows})
    mounted = [
        {"target": target, "source": source, "maj:min": number} for target, source, number in mounts
    ]
    return read_machine(lsblk, json.dumps({"filesystems": mounted}), SWAPS)


SWAPS = (
    "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n"
    "/dev/sdw                                partition\t8388604\t0\t-2\n"
    "/dev/dm-5                               partition\t8388604\t0\t-3\n"
)

DATA_LV = row("vg-data", "lvm", **{"kname": "dm-1", "maj:min": "254:1"})
SWAP_LV = row("vg-swap", "lvm", **{"kname": "dm-5", "maj:min": "254:5"})
SECRET = row("luks-5c1e", "crypt", **{"kname": "dm-2", "maj:min": "254:2"})
MPATH = row("mpatha", "mpath", **{"kname": "dm-3", "maj:min": "254:3"})
ARRAY = row("md0", "raid1", **{"maj:min": "9:0"})
ROOT_PART = row("sdq2", "part", row("vg-root", "lvm", mountpoint="/", kname="dm-0"))
