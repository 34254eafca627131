"""Which kind of device a folder is about: the only code that names a concrete one."""

from __future__ import annotations

from pathlib import Path

from bucketline.engines.edge.appliance import Appliance
from bucketline.engines.edge.client import Client, find_client
from bucketline.engines.edge.device import Device
from bucketline.engines.edge.folder import VENDOR, DeviceFolder
from bucketline.engines.edge.vendor import VendorDevice
from bucketline.errors import UsageError
from bucketline.settings import Environment


def open_device(
    folder: DeviceFolder, environment: Environment, *, client: str, timeout_seconds: float
) -> Device:
    """The device; its vendor's client is looked for only where it is needed."""
    if folder.provider != VENDOR:
        return Appliance(folder)
    return open_vendor(folder, environment, client=client, timeout_seconds=timeout_seconds)


def open_vendor(
    folder: DeviceFolder, environment: Environment, *, client: str, timeout_seconds: float
) -> VendorDevice:
    """The same, for what only this vendor's devices can do."""
    if folder.provider != VENDOR:
        raise UsageError(f"{folder.name}: only devices of provider {VENDOR} can do this")
    program = find_client(client, environment.first("PATH"))
    return VendorDevice(folder, Client(program, timeout_seconds), Path(environment.home))
