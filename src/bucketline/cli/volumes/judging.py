"""Devices in the words of the command line, and what is said of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from bucketline.engines.volumes.devices import Device, Machine
from bucketline.engines.volumes.evidence import Evidence, examine
from bucketline.engines.volumes.findings import Finding, findings, mounted_at
from bucketline.errors import Refused, UsageError, printable
from bucketline.sizes import show_size
from bucketline.stores.spool.sentinel import read_sentinel

F = TypeVar("F", bound=Callable[..., Any])

allowing_loops: Callable[[F], F] = click.option(
    "--allow-loop",
    "loops",
    multiple=True,
    metavar="NAME",
    help="Take this loop device for a disk, as in loop3; repeat it for more.",
)


def loop_names(said: Sequence[str]) -> frozenset[str]:
    """`loop3` or `/dev/loop3`. Raises `UsageError`."""
    names = frozenset(name.removeprefix("/dev/") for name in said)
    for name in names:
        if not name.removeprefix("loop").isdigit():
            raise UsageError(f"--allow-loop {printable(name)}: no loop device; say one, as loop3")
    return names


def named_devices(machine: Machine, paths: Sequence[str]) -> list[Device]:
    """The devices that these paths lead to, by whatever name. Raises `UsageError`."""
    found: dict[str, Device] = {}
    for path in paths:
        device = machine.find(str(Path("/dev", path).resolve()))
        if device is None:
            said = "is no block device of this machine; `bucketline volumes list` names them"
            raise UsageError(f"{printable(path)}: {said}")
        found[device.name] = device
    return list(found.values())


def judged(
    machine: Machine, devices: Sequence[Device], loops: frozenset[str]
) -> Iterator[tuple[Device, Evidence, list[Finding]]]:
    """Each device, what was found on it, and why it is refused, if it is."""
    for device in devices:
        evidence = examine(device)
        yield device, evidence, findings(device, evidence, machine, loops)


def volumes_on(device: Device, machine: Machine) -> list[str]:
    """The folders in which it is a volume already."""
    found = []
    for folder in sorted(mounted_at(device, machine)):
        with suppress(OSError, Refused):
            if read_sentinel(Path(folder)):
                found.append(folder)
    return found


def line_of(device: Device, found: Sequence[Finding], volumes: Sequence[str]) -> str:
    """For people."""
    answer = "no" if found else "yes"
    if volumes:
        text = f"{device.path:14} {show_size(device.size):>10}  {device.kind:6} is   "
        return printable(f"{text}a volume, at {', '.join(volumes)}")
    known = " ".join(filter(None, (device.model, device.serial, device.transport)))
    why = "; ".join(finding.detail for finding in found) or "plainly empty"
    removable = " removable" if device.is_removable else ""
    about = f"{device.kind}{removable}"
    text = f"{device.path:14} {show_size(device.size):>10}  {about:6} {answer:4} {why}"
    return printable(f"{text}  [{known}]" if known else text)


def record_of(device: Device, found: Sequence[Finding], volumes: Sequence[str]) -> dict[str, Any]:
    """For machines."""
    return {
        "device": device.path,
        "number": device.number,
        "kind": device.kind,
        "size": device.size,
        "removable": device.is_removable,
        "serial": device.serial,
        "wwn": device.wwn,
        "model": device.model,
        "suitable": not found,
        "volumes": list(volumes),
        "reasons": [finding._asdict() for finding in found],
    }
