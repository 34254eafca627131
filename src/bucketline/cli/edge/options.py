"""What the commands of edge devices have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from bucketline.cli.invocation import Invocation
from bucketline.clock import SystemClock
from bucketline.engines.edge.aws_files import AwsFiles
from bucketline.engines.edge.calm import Patience, Settled, settle
from bucketline.engines.edge.device import Device
from bucketline.engines.edge.folder import DeviceFolder, open_folder
from bucketline.engines.edge.provider import open_device
from bucketline.engines.edge.setting_up import Goals, SettingUp
from bucketline.errors import UsageError
from bucketline.sizes import parse_seconds

F = TypeVar("F", bound=Callable[..., Any])
WAITING = 4

_REACHING = (
    click.option("--client", default="", metavar="PROGRAM", help="The vendor's client."),
    click.option("--client-timeout", default="2m", metavar="TIME", help="For each of its calls."),
)
_WAITING = (
    click.option("--wait", default="30m", metavar="TIME", help="For the device, at most."),
    click.option("--poll", default="10s", metavar="TIME", help="Between two looks at it."),
)


def reaching_device(command: F) -> F:
    """Options of what asks a device."""
    for option in reversed(_REACHING):
        command = option(command)
    return click.argument("folder", metavar="DIR")(command)


def waiting(command: F) -> F:
    """Options of what may have to wait."""
    for option in reversed(_WAITING):
        command = option(command)
    return command


def opened(
    invocation: Invocation, folder: str, said: dict[str, Any]
) -> tuple[DeviceFolder, Device]:
    """The folder and its device; what is secret of them is hidden from here on."""
    place = open_folder(folder)
    invocation.printer.hide(place.unlock_code)
    if keys := place.keys():
        invocation.printer.hide(keys.secret_key)
    timeout = seconds("--client-timeout", said["client_timeout"])
    device = open_device(
        place, invocation.environment, client=said["client"], timeout_seconds=timeout
    )
    return place, device


def patience_of(invocation: Invocation, said: dict[str, Any]) -> Patience:
    def tell(text: str) -> None:
        if invocation.progress != "none":
            invocation.printer.notice(text)

    limit, poll = seconds("--wait", said["wait"]), seconds("--poll", said["poll"])
    return Patience(SystemClock(), limit, poll, tell)


def set_up(
    invocation: Invocation, folder: str, goals: Goals, said: dict[str, Any]
) -> tuple[DeviceFolder, Device, Settled]:
    """Go on until the goals are reached, or there is no time left."""
    place, device = opened(invocation, folder, said)
    files = AwsFiles(invocation.environment)
    way = SettingUp(device, place, files, goals, invocation.printer.hide)
    return place, device, settle(way.look, way.plan, patience_of(invocation, said))


def told(invocation: Invocation, event: str, place: DeviceFolder, settled: Settled) -> int:
    """Say how it ended; the exit code."""
    if invocation.as_json:
        fields = {"event": event, "device": place.name, "done": settled.done}
        invocation.printer.record({**fields, "waits_for": settled.waits_for})
    elif settled.waits_for:
        again = f"run it again: bucketline edge {event} {place.path}"
        invocation.printer.notice(f"{place.name}: still waiting: {settled.waits_for}; {again}")
    else:
        done = ", ".join(settled.done) or "nothing left to do"
        invocation.printer.result(f"{place.name}: {done}")
    return WAITING if settled.waits_for else 0


def seconds(option: str, text: str) -> float:
    """A length of time; none is one, too."""
    if text.strip("0") in {"", "s"}:
        return 0.0
    try:
        return parse_seconds(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None
