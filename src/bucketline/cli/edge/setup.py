"""`bucketline edge setup`, `add-remote` and `reboot`: all steps in one, again and again."""

from __future__ import annotations

from typing import Any

import click

from bucketline.cli.edge.options import (
    opened,
    patience_of,
    reaching_device,
    set_up,
    told,
    waiting,
)
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.engines.edge.buckets import buckets_at
from bucketline.engines.edge.calm import Wait, settle
from bucketline.engines.edge.device import State
from bucketline.engines.edge.remote import remote_of
from bucketline.engines.edge.setting_up import Goals
from bucketline.errors import printable


@click.command
@reaching_device
@waiting
@common
@pass_invocation
def setup(invocation: Invocation, /, folder: str, **said: Any) -> int:
    """Waits until it has its address, unlocks it, writes keys, certificate, AWS profile and a
    remote of its name, makes it the client's default, and shows its buckets. May be interrupted
    and called again at any time; a second time changes nothing.
    """
    assert invocation.config is not None  # What is wrong with it is told before anything is done.
    goals = Goals(profile=True, default=True, remote=invocation.config_path)
    place, device, settled = set_up(invocation, folder, goals, said)
    code = told(invocation, "setup", place, settled)
    if code:
        return code
    front = next(one for one in device.fronts() if one.is_usable)
    for bucket in buckets_at(remote_of(place, front, place.need_keys())):
        if invocation.as_json:
            invocation.printer.record({"event": "bucket", "device": place.name, "bucket": bucket})
        else:
            invocation.printer.result(printable(f"{place.name}:{bucket}/"))
    return 0


@click.command("add-remote")
@reaching_device
@waiting
@common
@pass_invocation
def add_remote(invocation: Invocation, /, folder: str, **said: Any) -> int:
    """As the folder is named, with the limits of its S3 service. Then NAME:bucket/ is a location.
    Unlocks the device and writes its AWS profile first if need be.
    """
    assert invocation.config is not None
    goals = Goals(profile=True, remote=invocation.config_path)
    place, _, settled = set_up(invocation, folder, goals, said)
    return told(invocation, "add-remote", place, settled)


@click.command
@reaching_device
@waiting
@common
@pass_invocation
def reboot(invocation: Invocation, /, folder: str, **said: Any) -> int:
    """A device is locked after a reboot. Cut off in the middle, `edge unlock` goes on."""
    place, device = opened(invocation, folder, said)
    device.reboot()

    def plan(seen: tuple[State, str]) -> Wait | None:
        return Wait("the device is going down") if seen[0] is State.UNLOCKED else None

    settled = settle(device.state, plan, patience_of(invocation, said))
    if not settled.waits_for:
        place, _, settled = set_up(invocation, folder, Goals(), said)
    return told(invocation, "unlock", place, settled)
