"""`bucketline volumes list`: which disks could become volumes, and why the others not."""

from __future__ import annotations

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.volumes.judging import (
    allowing_loops,
    judged,
    line_of,
    loop_names,
    named_devices,
    record_of,
    volumes_on,
)
from bucketline.engines.volumes.devices import Device
from bucketline.engines.volumes.evidence import look_around


@click.command("list")
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@allowing_loops
@common
@pass_invocation
def list_devices(
    invocation: Invocation, /, devices: tuple[str, ...], loops: tuple[str, ...]
) -> None:
    """Changes nothing. Without root, devices cannot be looked at, and are refused."""
    machine, allowed = look_around(), loop_names(loops)
    wanted = named_devices(machine, devices) if devices else [*filter(_is_there, machine.devices)]
    for device, _, found in judged(machine, wanted, allowed):
        volumes = volumes_on(device, machine)
        if invocation.as_json:
            invocation.printer.record(record_of(device, found, volumes))
        else:
            invocation.printer.result(line_of(device, found, volumes))


def _is_there(device: Device) -> bool:
    """Loop devices are there before anything is behind them."""
    return device.kind != "loop" or device.size > 0
