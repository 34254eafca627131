"""Every device that is not plainly empty is refused, with the reason: from recorded output."""

from __future__ import annotations

from typing import Any

import pytest

from bucketline.engines.volumes.devices import Machine, read_machine
from bucketline.engines.volumes.evidence import Evidence
from bucketline.engines.volumes.findings import findings
from bucketline.errors import DiskError
from volumes.recorded import (
    ARRAY,
    DATA_LV,
    MPATH,
    ROOT_PART,
    SECRET,
    SWAP_LV,
    machine,
    row,
)

BLANK = Evidence()
Case = tuple[dict[str, Any], Evidence, str, str]
CASES: dict[str, Case] = {
    "LVM holds it": (row("sda", "disk", DATA_LV), BLANK, "held", "vg-data (LVM)"),
    "a holder that lsblk does not show": (row("sda"), Evidence(holders=("dm-9",)), "held", "dm-9"),
    "an encrypted disk, open": (row("sda", "disk", SECRET), BLANK, "held", "luks-5c1e (encryp"),
    "multipath holds it": (row("sda", "disk", MPATH), BLANK, "held", "mpatha (multipath)"),
    "a RAID holds it": (row("sda", "disk", ARRAY), BLANK, "held", "md0 (raid1)"),
    "a physical volume": (row("sda"), Evidence(("LVM2_member",)), "signature", "of LVM"),
    "an encrypted disk": (row("sda"), Evidence(("crypto_LUKS",)), "signature", "LUKS"),
    "a member of a RAID": (row("sda"), Evidence(("linux_raid_member",)), "signature", "RAID"),
    "a path": (row("sda"), Evidence(("mpath_member",)), "signature", "multipath"),
    "a member of a pool": (row("sda"), Evidence(("zfs_member",)), "signature", "ZFS"),
    "something unheard of": (row("sda"), Evidence(("ceph_bluestore",)), "signature", "ceph"),
    "root, below LVM": (row("sdq", "disk", ROOT_PART), BLANK, "system", "(/)"),
    "swap": (row("sdw"), BLANK, "swap", "swapped"),
    "swap, below LVM": (row("sda", "disk", SWAP_LV), BLANK, "swap", "swapped"),
    "swap, as lsblk has it": (row("sda", mountpoint="[SWAP]"), BLANK, "swap", "swapped"),
    "mounted, as findmnt has it": (row("sdm"), BLANK, "mounted", "/data"),
    "mounted by a file system of many disks": (row("sdb"), BLANK, "mounted", "/pool"),
    "boot": (row("sde"), BLANK, "system", "/boot/efi"),
    "a table without partitions": (
        row("sda"),
        Evidence(("gpt", "PMBR"), table="gpt"),
        "partitioned",
        "table",
    ),
    "partitions": (row("sda", "disk", row("sda1", "part")), BLANK, "partitioned", "sda1"),
    "read-only": (row("sda", ro=True), BLANK, "read-only", "read-only"),
    "read-only, as old ones say": (row("sda", ro="1"), BLANK, "read-only", "read-only"),
    "no medium": (row("sda", size=0), BLANK, "size", "no size"),
    "too small": (row("sda", size=1 << 20), BLANK, "size", "too small"),
    "a DVD": (row("sr0", "rom"), BLANK, "kind", "rom"),
    "a partition": (row("sda1", "part"), BLANK, "kind", "whole disk"),
    "a logical volume": (row("dm-1", "lvm"), BLANK, "kind", "lvm"),
    "memory": (row("zram0"), BLANK, "kind", "memory"),
    "a loop device": (row("loop3", "loop"), BLANK, "kind", "--allow-loop loop3"),
    "the same disk twice": (row("sda", wwn="0x5000c500a1b2c3d4"), BLANK, "twin", "sdt"),
    "bytes": (row("sda"), Evidence(is_blank=False), "data", "not empty"),
    "not to be had": (row("sda"), Evidence(trouble="something holds it"), "trouble", "holds it"),
}
MOUNTS = (
    ("/data", "/dev/sdm", row("sdm")["maj:min"]),
    ("/pool", "/dev/sdb[/@data]", "0:41"),
    ("/boot/efi", "/dev/sde", row("sde")["maj:min"]),
)
TWIN = row("sdt", wwn="0x5000c500a1b2c3d4")


def around(told: dict[str, Any]) -> Machine:
    return machine(told, TWIN, mounts=MOUNTS)


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_for_that_reason(case: str) -> None:
    told, evidence, reason, detail = CASES[case]
    world = around(told)

    found = findings(world.devices[0], evidence, world, frozenset())

    told_of = {finding.reason: finding.detail for finding in found}
    assert detail in told_of.pop(reason)
    assert not told_of or told.get("children")  # What holds the root is partitioned, too.


def test_a_disk_that_is_plainly_empty_is_not() -> None:
    world = around(row("sda"))

    assert findings(world.devices[0], BLANK, world, frozenset()) == []


def test_a_loop_device_is_admitted_by_its_own_name_alone() -> None:
    world = around(row("loop3", "loop"))

    assert findings(world.devices[0], BLANK, world, frozenset({"loop3"})) == []
    assert findings(world.devices[0], BLANK, world, frozenset({"loop33"})) != []


def test_an_admitted_loop_device_must_be_empty_all_the_same() -> None:
    world = around(row("loop3", "loop", ro=True))

    found = findings(world.devices[0], Evidence(("ext4",)), world, frozenset({"loop3"}))

    assert [finding.reason for finding in found] == ["read-only", "signature"]


def test_all_reasons_are_told() -> None:
    world = around(row("sdm", ro=True))
    evidence = Evidence(("xfs",), trouble="something in the system holds it")

    found = findings(world.devices[0], evidence, world, frozenset())

    assert [one.reason for one in found] == ["read-only", "mounted", "signature", "trouble"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"blockdevices": [{"name": "sda"}]}', "Ouch"])
def test_output_that_nobody_understands_is_an_error(text: str) -> None:
    with pytest.raises(DiskError, match="nobody understands"):
        read_machine(text, "", "")
