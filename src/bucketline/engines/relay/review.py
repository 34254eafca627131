"""What is staged, looked at again: on its disk, at its source, at its target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bucketline.errors import NotFound, StoreError
from bucketline.flow.look.listing import Caller
from bucketline.stores.base import Flow, Store
from bucketline.stores.spool import Spool, Staged

_PIECE = 64 << 20  # Of a staged object, read at once.


class Reviewed(NamedTuple):
    """One staged object."""

    key: str
    size: int
    state: str  # sound, rotten, away
    source: str  # same, changed, gone, unknown
    target: str  # absent, same, other, unknown
    message: str = ""


def review(spool: Spool, source: Store, target: Store, drive: Caller) -> Iterator[Reviewed]:
    """Every staged object, the oldest first. Reads each byte of it; changes nothing."""
    for staged in spool.index.all():
        yield drive.call(_reviewed(spool, staged, source, target))


def _reviewed(spool: Spool, staged: Staged, source: Store, target: Store) -> Flow[Reviewed]:
    entry, state, message = staged.entry, "sound", ""
    try:
        for start in range(0, max(1, entry.size), _PIECE):
            yield from spool.read(entry.key, start=start, size=_PIECE, etag=entry.pin)
    except StoreError as error:
        state = "away" if error.cause == "Away" else "rotten"
        message = error.message
    at_source = yield from _at_source(spool, staged, source)
    at_target = yield from _at_target(staged, target)
    return Reviewed(entry.key, entry.size, state, at_source, at_target, message)


def _at_source(spool: Spool, staged: Staged, source: Store) -> Flow[str]:
    try:
        origin = (yield from spool.sidecar(staged)).origin
        there = (yield from source.stat(origin.key, version=origin.version)).entry
    except NotFound:
        return "gone"
    except StoreError:
        return "unknown"
    return "same" if there.pin == origin.pin else "changed"


def _at_target(staged: Staged, target: Store) -> Flow[str]:
    try:
        there = (yield from target.stat(staged.entry.key)).entry
    except NotFound:
        return "absent"
    except StoreError:
        return "unknown"
    told = (there.size, there.etag)
    return "same" if told == (staged.entry.size, staged.entry.etag) else "other"
