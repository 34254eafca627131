"""A relay that does not run now, opened by another command than its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation
from bucketline.cli.options import F, options, side_of
from bucketline.cli.relay.options import open_spool
from bucketline.cli.wiring import identity
from bucketline.clock import SystemClock
from bucketline.errors import Refused, UsageError
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.ledger.place import is_locked
from bucketline.flow.report.relays import (
    relay_digest,
    relay_ledgers,
    volume_memory,
)
from bucketline.settings import Location
from bucketline.stores.spool import Marks, Spool, load, volumes_used


@dataclass(frozen=True)
class Stopped:
    """What it left."""

    source: Location
    target: Location
    name: str
    ledgers: list[Path]
    memory: Path
    spool: Spool
    drive: Drive
    damaged: list[str]  # Sidecars that cannot be read.


def naming(command: F) -> F:
    """Which relay is meant."""
    return options(
        command,
        click.argument("source"),
        click.argument("target"),
        click.option("--name", metavar="NAME", help="The relay's name, if it has one."),
    )


@contextmanager
def stopped(
    invocation: Invocation, said: dict[str, Any], volumes: Sequence[Path] = ()
) -> Iterator[Stopped]:
    """The relay between these places; nobody can start it meanwhile. Raises `Refused`.

    Which volumes it has is remembered; `volumes` are some besides.
    """
    both = side_of(said)
    source = invocation.location(said["source"], side_of(said, "source_"), both)
    target = invocation.location(said["target"], side_of(said, "target_"), both)
    words = (identity(source), identity(target), said["name"] or "")
    ledgers = relay_ledgers(invocation.state_folder, words)
    memory = volume_memory(ledgers[0])
    folders = list(dict.fromkeys([*map(Path, volumes_used(memory)), *volumes]))
    if not folders:
        hint = "knows no relay between these; look at `bucketline relay status`"
        raise UsageError(f"{invocation.state_folder}: {hint}")
    if is_locked(ledgers[0]):
        raise Refused("this relay runs now; stop it first")
    with ExitStack() as stack:
        drive = stack.enter_context(closing(open_drive()))
        spool = open_spool(folders, relay_digest(words), Marks(), SystemClock(), memory)
        stack.enter_context(closing(spool))
        damaged = drive.call(load(spool)).damaged
        yield Stopped(source, target, words[2], ledgers, memory, spool, drive, damaged)
