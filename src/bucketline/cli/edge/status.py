"""`bucketline edge status`: how a device stands, once or again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from bucketline.cli.edge.options import opened, reaching_device, seconds
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.clock import SystemClock
from bucketline.engines.edge.device import Device, Front, State
from bucketline.engines.edge.folder import DeviceFolder
from bucketline.engines.edge.status import Standing, look
from bucketline.errors import ServerFault, Unreachable
from bucketline.sizes import show_size

_AWAY = 5


@click.command
@reaching_device
@click.option("--watch", is_flag=True, help="Again and again, until interrupted.")
@click.option("--every", default="10s", metavar="TIME", help="With --watch.")
@common
@pass_invocation
def status(invocation: Invocation, /, folder: str, *, watch: bool, every: str, **said: Any) -> int:
    """State, address, S3 services and their room, software, and until when its certificate lasts.
    Changes nothing at the device. Exit code 5: it does not answer.
    """
    place, device = opened(invocation, folder, said)
    while True:
        seen = _looked(device) if watch else look(device)
        if invocation.as_json:
            invocation.printer.record(_record(place, seen))
        else:
            invocation.printer.results(_lines(place, seen))
        if not watch:
            return _AWAY if not seen.is_there else 0
        SystemClock().sleep(seconds("--every", every))


def _looked(device: Device) -> Standing:
    """Who watches wants to see it go down and come back."""
    try:
        return look(device)
    except (ServerFault, Unreachable) as error:
        return Standing(State.AWAY, str(error))


def _record(place: DeviceFolder, seen: Standing) -> dict[str, Any]:
    software = seen.software._asdict() if seen.software else None
    return {
        "event": "device",
        "device": place.name,
        "provider": place.provider,
        "state": seen.state.value,
        "about": seen.about,
        "services": [one._asdict() for one in seen.fronts],
        "software": software,
        "has_keys": place.keys() is not None,
    }


def _lines(place: DeviceFolder, seen: Standing) -> Iterator[str]:
    about = f" ({seen.about})" if seen.about else ""
    yield f"{place.name}: {seen.state.value}{about}"
    yield from (f"  {_service(one)}" for one in seen.fronts)
    if (software := seen.software) is not None:
        coming = f", {software.state}" if software.state != "na" else ""
        yield f"  software {software.installed}{coming}"
        if software.certificate_expiry:
            yield f"  certificate until {software.certificate_expiry}"
    if place.keys() is None:
        yield "  no keys yet: bucketline edge unlock"


def _service(one: Front) -> str:
    room = ""
    if one.total is not None and one.free is not None:
        room = f", {show_size(one.free)} free of {show_size(one.total)}"
    return f"{one.service} {one.state} {one.url}{room}"
