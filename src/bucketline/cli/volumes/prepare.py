"""`bucketline volumes prepare`: make volumes of the disks of a plan."""

from __future__ import annotations

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.engines.volumes.plans import DONE, Plans
from bucketline.engines.volumes.prepare import prepare as prepared
from bucketline.errors import printable


@click.command
@click.option(
    "--plan", "name", metavar="HASH", required=True, help="What `bucketline volumes plan` printed."
)
@common
@pass_invocation
def prepare(invocation: Invocation, /, name: str) -> None:
    """Only root may. Refused if any disk is no longer as planned. Run again, it goes on."""
    plans, printer = Plans(invocation.state_folder), invocation.printer
    plan = plans.load(name)
    with plans.journal(plan) as journal:
        for step in prepared(plan, journal):
            if invocation.as_json:
                printer.record({"event": "step", **step._asdict()})
            elif step.state == DONE:
                printer.result(printable(f"{step.device}: {step.name} done"))
    for item in plan.items:
        if invocation.as_json:
            printer.record({"event": "volume", "folder": item.folder, "uuid": item.uuid})
        else:
            printer.result(f"{item.folder}: is a volume; bucketline relay run --volume names it")
