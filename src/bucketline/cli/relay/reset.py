"""`bucketline relay reset`: forget a relay, after it was said what that costs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import two_places
from bucketline.cli.relay.stopped import Stopped, naming, stopped
from bucketline.errors import DiskError, Refused
from bucketline.flow.ledger.place import Lock
from bucketline.sizes import show_size
from bucketline.stores.spool import clear

_SUFFIXES = ("", "-wal", "-shm")


@click.command
@naming
@click.option(
    "--discard-staged", metavar="N-objects", help="Also remove what is staged and not delivered."
)
@two_places
@common
@pass_invocation
def reset(invocation: Invocation, /, *, discard_staged: str | None, **said: Any) -> int:
    """The next run compares source and target anew. What is staged is removed only when its number
    is given: it would have to be fetched again.
    """
    with stopped(invocation, said) as relay:
        staged, size = len(relay.spool.index), show_size(relay.spool.index.size)
        invocation.printer.notice(f"staged and not proven: {staged:,} objects, {size}")
        _check(relay, staged, discard_staged)
        relay.drive.call(clear(relay.spool))
        _forget(relay)
    said_of = f"forgotten: both ledgers, and {staged:,} staged objects"
    if invocation.as_json:
        invocation.printer.record({"event": "reset", "discarded": staged})
    else:
        invocation.printer.result(said_of)
    return 0


def _check(relay: Stopped, staged: int, said: str | None) -> None:
    away = [one.folder for one in relay.spool.shelves.all if not one.is_usable]
    if away:
        raise Refused(f"{', '.join(away)}: away; what is staged there is not known; mount it first")
    wanted = f"{staged}-objects"
    if staged and said != wanted:
        raise Refused(
            f"{staged:,} staged objects would have to be fetched again; run the relay to its end,"
            f" or say --discard-staged {wanted}"
        )


def _forget(relay: Stopped) -> None:
    locks = [Lock.take(path) for path in relay.ledgers if path.exists()]
    try:
        for path in relay.ledgers:
            for suffix in _SUFFIXES:
                with suppress(FileNotFoundError):
                    path.with_name(path.name + suffix).unlink()
        relay.memory.unlink()
    except OSError as error:
        raise DiskError(f"{error.filename}: cannot be removed ({error.strerror})") from None
    finally:
        for lock in locks:
            lock.release()
