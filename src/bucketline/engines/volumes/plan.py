"""A plan to make volumes of disks: which disks exactly, and all that will be theirs. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from bucketline.engines.volumes.devices import Device
from bucketline.engines.volumes.evidence import Evidence
from bucketline.errors import Refused
from bucketline.sizes import show_size

VERSION = 1
FORMATS_MIN = {"ext4": 64 << 20, "xfs": 320 << 20}  # What their mkfs needs, and the partition.
_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """Which disk it is: what it says of itself, and where this boot of the machine has it."""

    size: int
    serial: str
    wwn: str
    model: str
    path: str
    number: str
    sequence: str

    def difference(self, now: Identity, *, is_same_boot: bool) -> str:
        """What tells that it is another one; "" = nothing. Names may change with a boot."""
        names = ["size", "serial", "wwn", "model"]
        names += ["path", "number", "sequence"] if is_same_boot else []
        for name in names:
            was, is_now = getattr(self, name), getattr(now, name)
            if was != is_now:
                return f"its {name} was {was or 'unknown'} and is {is_now or 'unknown'}"
        return ""


@dataclass(frozen=True, slots=True)
class Item:
    """One disk, and the names that what is made of it will have: by them it is known again."""

    identity: Identity
    disk_id: str  # Of the partition table.
    part_id: str  # Of the partition.
    uuid: str  # Of the file system.
    folder: str

    @property
    def label(self) -> str:
        """XFS takes twelve letters."""
        return f"bl-{self.uuid[:8]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `prepare` will do, all of it."""

    filesystem: str
    fstab: str
    owner: str
    boot: str  # Of the machine, when the plan was made.
    loops: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def text(self) -> str:
        """As a file; the same plan is always the same text."""
        return json.dumps({"v": VERSION, **asdict(self)}, sort_keys=True, indent=1) + "\n"

    @property
    def hash(self) -> str:
        return sha256(self.text.encode()).hexdigest()[:_HASH_DIGITS]


def identity_of(device: Device, evidence: Evidence) -> Identity:
    """As it is now."""
    return Identity(
        size=device.size,
        serial=device.serial,
        wwn=device.wwn,
        model=device.model,
        path=device.path,
        number=device.number,
        sequence=evidence.sequence,
    )


def item_of(identity: Identity, filesystem: str, base: str, ids: Sequence[UUID]) -> Item:
    """One disk's part of a plan; `ids` are three new names. Raises `Refused`."""
    least = FORMATS_MIN[filesystem]
    if identity.size < least:
        size = show_size(identity.size)
        said = f"is too small for {filesystem} ({size}; at least {show_size(least)})"
        raise Refused(f"{identity.path}: {said}")
    disk_id, part_id, uuid = map(str, ids)
    return Item(identity, disk_id, part_id, uuid, str(Path(base, f"vol-{uuid[:8]}")))


def read_plan(text: str, name: str) -> Plan:
    """The plan that this file holds. Raises `Refused` if it is not the one of that name."""
    try:
        told = json.loads(text)
        version = told.pop("v")
        if version != VERSION:
            said = f"made by another bucketline (format {version})"
            raise Refused(f"plan {name}: {said}; run `bucketline volumes plan` again")
        plan = Plan(**{**told, "loops": tuple(told["loops"]), "items": _items(told["items"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(f"plan {name}: is damaged; run `bucketline volumes plan` again") from None
    if plan.hash != name:
        raise Refused(f"plan {name}: was changed; run `bucketline volumes plan` again")
    return plan


def _items(rows: Sequence[dict[str, Any]]) -> tuple[Item, ...]:
    return tuple(Item(**{**row, "identity": Identity(**row["identity"])}) for row in rows)
