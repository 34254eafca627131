"""A copy of an object that somebody told of a while ago: it may have changed since, or gone."""

from __future__ import annotations

from dataclasses import replace

from bucketline.errors import NotFound
from bucketline.model import Copy, Fate, Outcome
from bucketline.stores.base import Flow, Store

CHANGED = "as it is now: it changed since the inventory was made"
GONE = "it is gone since the inventory was made"


def as_it_is_now(moving: Flow[Outcome], action: Copy, source: Store) -> Flow[Outcome]:
    """The same move: what went is no failure, and of what changed it is told."""
    told = action.source
    try:
        outcome = yield from moving
    except NotFound:
        if not (yield from _is_gone(told.key, source)):
            raise
        return Outcome(Fate.SKIPPED, cause="Gone", message=GONE)
    if outcome.source_etag != told.pin:
        message = ", ".join(filter(None, (CHANGED, outcome.message)))
        return replace(outcome, message=message)
    return outcome


def _is_gone(key: str, source: Store) -> Flow[bool]:
    """Whether it was the source that lacked it; asked again, as an end of all doubt."""
    try:
        yield from source.stat(key)
    except NotFound:
        return True
    return False
