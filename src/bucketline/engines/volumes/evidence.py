"""Look at one device from all sides: no single tool can be trusted to say that it is empty.

Without udev `lsblk` calls a formatted disk empty; so the device itself is read, three ways.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bucketline.engines.volumes.devices import COLUMNS, Device, Machine, read_machine
from bucketline.engines.volumes.tool import BLKID, FINDMNT, LSBLK, WIPEFS
from bucketline.errors import DiskError

HEAD_SIZE = 4 << 20  # Where a first partition begins, and a file system in it.
TAIL_SIZE = 1 << 20  # Where RAIDs and second partition tables are.
_FOUND, _NOTHING, _AMBIVALENT = 0, 2, 8  # Exit codes of blkid.
_DEAF = (errno.ENXIO, errno.EIO, errno.ENOMEDIUM, errno.ENODEV)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found on a device, and who has it."""

    signatures: tuple[str, ...] = ()  # ext4, gpt, LVM2_member …
    table: str = ""  # The kind of its partition table.
    table_id: str = ""
    part_id: str = ""  # Its own, if it is a partition.
    uuid: str = ""  # Of the file system.
    holders: tuple[str, ...] = ()
    is_blank: bool = True  # Head and tail are zeroes.
    trouble: str = ""  # Why it could not be looked at, or not alone.
    sequence: str = ""  # Counts the disks that this machine has seen; another disk has another.


def look_around() -> Machine:
    """All devices of this machine."""
    lsblk = LSBLK.ask("--json", "--bytes", "--all", "--output", COLUMNS).text
    findmnt = FINDMNT.ask("--json", "--list", "--output", "TARGET,SOURCE,MAJ:MIN").text
    swaps = Path("/proc/swaps")
    return read_machine(lsblk, findmnt, swaps.read_text() if swaps.exists() else "")


def examine(device: Device) -> Evidence:
    """What there is on it; reads only. What cannot be found out is told as trouble."""
    system = Path("/sys/class/block", device.name)
    holders = _names(system / "holders")
    sequence = _line(system / "diskseq")
    if device.size == 0:
        return Evidence(holders=holders, sequence=sequence)
    trouble = _alone(device)
    try:
        told = _blkid(device.path)
        signatures = _wipefs(device.path)
        is_blank = _blank(device)
    except (OSError, DiskError) as error:
        return Evidence(holders=holders, sequence=sequence, trouble=trouble or str(error))
    named = (told.get("TYPE", ""), told.get("PTTYPE", ""), told.get("AMBIVALENT", ""))
    return Evidence(
        signatures=tuple(dict.fromkeys(filter(None, (*named, *signatures)))),
        table=told.get("PTTYPE", ""),
        table_id=told.get("PTUUID", "").lower(),
        part_id=told.get("PART_ENTRY_UUID", "").lower(),
        uuid=told.get("UUID", "").lower(),
        holders=holders,
        is_blank=is_blank,
        trouble=trouble,
        sequence=sequence,
    )


def table_id(device: Device) -> str:
    """The name of its partition table; "" = it has none, or cannot be read. Disturbs nobody."""
    with suppress(DiskError):
        return _blkid(device.path).get("PTUUID", "").lower()
    return ""


def _alone(device: Device) -> str:
    """Whether the kernel lets nobody else have it; "" = nobody has it now."""
    try:
        file = os.open(device.path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return "something in the system holds it"
        if error.errno in (errno.EACCES, errno.EPERM):
            return f"it may not be looked at ({error.strerror}); only root may"
        return f"it cannot be opened ({error.strerror})"
    try:
        told = os.fstat(file)
        number = f"{os.major(told.st_rdev)}:{os.minor(told.st_rdev)}"
        if not stat.S_ISBLK(told.st_mode) or number != device.number:
            return f"{device.path} does not lead to device {device.number}"
        return ""
    finally:
        os.close(file)


def _blkid(path: str) -> dict[str, str]:
    codes = (_FOUND, _NOTHING, _AMBIVALENT)
    answered = BLKID.ask("--probe", "--output", "export", path, codes=codes)
    lines = (line.partition("=") for line in answered.text.splitlines())
    told = {name: value for name, _, value in lines}
    if answered.code == _AMBIVALENT:
        told["AMBIVALENT"] = "several signatures at once"
    return told


def _wipefs(path: str) -> list[str]:
    text = WIPEFS.ask("--no-act", "--json", path).text
    try:
        rows = json.loads(text)["signatures"] if text.strip() else ()
        return [str(row["type"]) for row in rows]
    except (ValueError, KeyError, TypeError):
        raise DiskError("wipefs says what nobody understands") from None


def _blank(device: Device) -> bool:
    """Whether nobody ever wrote where everybody writes."""
    file = os.open(device.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = os.pread(file, HEAD_SIZE, 0)
        tail = os.pread(file, TAIL_SIZE, max(0, device.size - TAIL_SIZE))
        return not head.strip(b"\0") and not tail.strip(b"\0")
    except OSError as error:
        if error.errno in _DEAF:
            raise DiskError(f"it cannot be read ({error.strerror})") from None
        raise
    finally:
        os.close(file)


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(path.name for path in folder.iterdir()))
    except OSError:
        return ()


def _line(path: Path) -> str:
    with suppress(OSError):
        return path.read_text().strip()
    return ""


def boot_id() -> str:
    """Names that the kernel gives hold as long as this stays the same."""
    return _line(Path("/proc/sys/kernel/random/boot_id"))
