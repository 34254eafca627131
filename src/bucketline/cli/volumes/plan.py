"""`bucketline volumes plan`: what would be made of these disks, to look at before it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.volumes.judging import allowing_loops, judged, loop_names, named_devices
from bucketline.engines.volumes.evidence import boot_id, look_around
from bucketline.engines.volumes.owner import caller, owner_ids
from bucketline.engines.volumes.plan import FORMATS_MIN, Item, Plan, identity_of, item_of
from bucketline.engines.volumes.plans import Plans
from bucketline.errors import Refused, printable
from bucketline.sizes import show_size


@click.command
@click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
@click.option("--filesystem", type=click.Choice(list(FORMATS_MIN)), default="ext4", help="[ext4]")
@click.option(
    "--base",
    metavar="DIR",
    default="/srv/bucketline",
    help="The folder in which they are mounted [/srv/bucketline].",
)
@click.option("--owner", metavar="USER", help="Whose they will be [who calls].")
@click.option("--fstab", metavar="FILE", default="/etc/fstab", help="[/etc/fstab]")
@allowing_loops
@common
@pass_invocation
def plan(invocation: Invocation, /, devices: tuple[str, ...], **said: Any) -> None:
    """Changes no disk. One device that is not plainly empty, and nothing is planned."""
    owner = said["owner"] or caller()
    owner_ids(owner)
    loops = loop_names(said["loops"])
    made = Plan(
        filesystem=said["filesystem"],
        fstab=str(Path(said["fstab"]).absolute()),
        owner=owner,
        boot=boot_id(),
        loops=tuple(sorted(loops)),
        items=_items(devices, loops, said),
    )
    invocation.made_state_folder()
    Plans(invocation.state_folder).save(made)
    _tell(invocation, made)


def _items(paths: tuple[str, ...], loops: frozenset[str], said: dict[str, Any]) -> tuple[Item, ...]:
    machine = look_around()
    refused, items = [], []
    base = str(Path(said["base"]).absolute())
    for device, evidence, found in judged(machine, named_devices(machine, paths), loops):
        refused += [f"{device.path}: {finding.detail}" for finding in found]
        if not found:
            ids = (uuid4(), uuid4(), uuid4())
            items.append(item_of(identity_of(device, evidence), said["filesystem"], base, ids))
    if refused:
        raise Refused("\n".join(map(printable, refused)))
    return tuple(items)


def _tell(invocation: Invocation, made: Plan) -> None:
    printer = invocation.printer
    for item in made.items:
        identity = item.identity
        if invocation.as_json:
            about = {"device": identity.path, "size": identity.size, "serial": identity.serial}
            more = {"wwn": identity.wwn, "model": identity.model, "folder": item.folder}
            printer.record({"event": "volume", **about, **more, "uuid": item.uuid})
            continue
        known = [identity.model, identity.serial, identity.wwn, show_size(identity.size)]
        printer.result(printable(f"{identity.path}  [{' '.join(filter(None, known))}]"))
        printer.result(f"  gets a partition table and one partition, {made.filesystem},")
        printer.result(f"  mounted at {item.folder}, by {made.fstab}, owned by {made.owner}")
    if invocation.as_json:
        printer.record({"event": "plan", "plan": made.hash, "filesystem": made.filesystem})
    else:
        printer.result(f"plan {made.hash}")
        printer.result(f"next: bucketline volumes prepare --plan {made.hash}")
