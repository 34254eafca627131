"""`bucketline relay repair`: ledgers that are lost or damaged, made anew from what is staged."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import two_places
from bucketline.cli.passing import Around, Moving, Pass
from bucketline.cli.places import hash_memory, open_for_moves
from bucketline.cli.relay.stopped import Stopped, naming, stopped
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.cli.wiring import identity, pace_of
from bucketline.clock import SystemClock
from bucketline.engines.relay.rebuilding import Redelivered, Refetched
from bucketline.errors import DiskError, LedgerDamaged
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.report.runs import runs_of
from bucketline.flow.run.terms import Ran, Stop

_BESIDE = ("", "-wal", "-shm")


@click.command
@naming
@click.option("--volume", multiple=True, metavar="DIR", help="If it is not known any more: where.")
@two_places
@common
@pass_invocation
def repair(invocation: Invocation, /, *, volume: tuple[str, ...], **said: Any) -> int:
    """Damaged ledgers are put aside, and new ones say what the volumes and TARGET show. Nothing is
    moved and nothing is removed.
    """
    with stopped(invocation, said, [Path(one).absolute() for one in volume]) as relay:
        lost = [path for path in relay.ledgers[:2] if _is_lost(invocation, path)]
        if not lost:
            invocation.printer.notice("both ledgers are whole; there is nothing to repair")
            return 0
        stop = Stop()
        with listening(stop) as ears:
            ran = [_rebuilt(invocation, relay, path, stop) for path in lost]
    return exit_code(ran, ears)


def _is_lost(invocation: Invocation, path: Path) -> bool:
    """Whether there is none that can be read; a damaged one is put aside."""
    if not path.exists():
        return True
    try:
        with Ledger.open(path) as ledger:
            wrong = next(iter(ledger.complaints()), "")
        if not wrong:
            return not runs_of(path)
    except LedgerDamaged:
        wrong = "it is damaged"
    invocation.printer.notice(f"{path}: {wrong}; it is put aside as {_put_aside(path).name}")
    return True


def _put_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        for suffix in _BESIDE:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise DiskError(f"{error.filename}: cannot be put aside ({error.strerror})") from None
    return aside


def _rebuilt(invocation: Invocation, relay: Stopped, path: Path, stop: Stop) -> Ran:
    """One ledger, by a run of its own."""
    with ExitStack() as stack:
        hashes = stack.enter_context(hash_memory(invocation))
        _, target = open_for_moves(relay.source, relay.target, hashes, None)
        is_fetch = path == relay.ledgers[0]
        hop = "fetch" if is_fetch else "forward"
        clock, stores = SystemClock(), {} if is_fetch else {"target": target.store}
        engine: Moving = Redelivered(relay.spool, target.store)
        if is_fetch:
            engine = Refetched(relay.spool)
        ends = Endpoints.of(invocation, clock, stop, **stores)
        ledger = stack.enter_context(Ledger.open(path))
        pace = pace_of(None, target.store)
        around = Around(invocation, relay.drive, ledger, clock, stop, pace, ends)
        places = (identity(relay.source), identity(relay.target))
        head = RunHead(new_run_id(clock.now()), f"relay {hop}", *places, name=relay.name)
        return Pass(around, engine, head, hop=hop).go()
