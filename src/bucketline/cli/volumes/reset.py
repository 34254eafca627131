"""`bucketline volumes reset`: empty spools, after it was said what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.engines.volumes.reset import Spooled, empty, held_still
from bucketline.errors import Refused, printable
from bucketline.sizes import show_size


@click.command
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=click.Path())
@click.option(
    "--discard-staged", metavar="N-objects", help="Also if so many objects are staged there."
)
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be removed.")
@common
@pass_invocation
def reset(
    invocation: Invocation,
    /,
    folders: tuple[str, ...],
    *,
    discard_staged: str | None,
    dry_run: bool,
) -> None:
    """Of all relays that use these volumes. What is staged would have to be fetched again, if its
    source still has it; so its number must be given. Nothing outside of the spool is touched.
    """
    with held_still([Path(folder).absolute() for folder in folders]) as held:
        staged = len(frozenset[str]().union(*(one.objects for one in held)))
        _tell(invocation, held)
        if not dry_run:
            wanted = f"{staged}-objects"
            if staged and discard_staged != wanted:
                said = f"{staged:,} staged objects would be lost here; let their relay deliver them"
                raise Refused(f"{said}, or say --discard-staged {wanted}")
            for one in held:
                empty(one)
    if invocation.as_json:
        invocation.printer.record({"event": "reset", "staged": staged, "removed": not dry_run})
    elif not dry_run:
        invocation.printer.result(f"emptied: {staged:,} staged objects removed")


def _tell(invocation: Invocation, held: Sequence[Spooled]) -> None:
    for one in held:
        objects = len(one.objects)
        if invocation.as_json:
            about = {"event": "volume", "folder": one.folder, "objects": objects}
            invocation.printer.record({**about, "files": one.files, "bytes": one.size})
        else:
            size = f"{show_size(one.size)} in {one.files:,} files"
            invocation.printer.result(printable(f"{one.folder}: {objects:,} objects, {size}"))
