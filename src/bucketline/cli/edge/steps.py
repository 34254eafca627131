"""`bucketline edge unlock`, `profile` and `configure`: what the three scripts did, one by one."""

from __future__ import annotations

from typing import Any

import click

from bucketline.cli.edge.options import reaching_device, set_up, told, waiting
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.engines.edge.setting_up import Goals


@click.command
@reaching_device
@waiting
@common
@pass_invocation
def unlock(invocation: Invocation, /, folder: str, **said: Any) -> int:
    """DIR holds the manifest and sbe_config.yaml. Waits until it is unlocked, then writes its keys
    to keys.yaml, for nobody else to read. Exit code 4: it still waits; run it again.
    """
    place, _, settled = set_up(invocation, folder, Goals(), said)
    return told(invocation, "unlock", place, settled)


@click.command
@reaching_device
@waiting
@common
@pass_invocation
def profile(invocation: Invocation, /, folder: str, **said: Any) -> int:
    """Named as the folder is: keys, region, endpoint, certificate. Other profiles and comments in
    the AWS files stay as they are. Unlocks the device first if need be.
    """
    place, _, settled = set_up(invocation, folder, Goals(profile=True), said)
    return told(invocation, "profile", place, settled)


@click.command
@reaching_device
@waiting
@common
@pass_invocation
def configure(invocation: Invocation, /, folder: str, **said: Any) -> int:
    """Then `snowballEdge describe-device` needs no options. Unlocks the device first if need be."""
    place, _, settled = set_up(invocation, folder, Goals(default=True), said)
    return told(invocation, "configure", place, settled)
