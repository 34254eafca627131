"""What an inventory tells of the source is old: each mark that rests on it is asked for first."""

from __future__ import annotations

from bucketline.errors import NotFound
from bucketline.model import Mark
from bucketline.stores.base import Flow, Store

SKEW_SECONDS = 900.0  # By which the clocks of an inventory and of a backup may differ.
THERE = "it is at the source, though the inventory does not tell of it"
GONE = "it is gone again since the inventory was made"


def denied(action: Mark, source: Store, key: str) -> Flow[str]:
    """Why the mark would say what is not so; "" = the source says the same."""
    is_there = yield from _is_there(source, key)
    if action.is_deleted:
        return THERE if is_there else ""
    return "" if is_there else GONE


def _is_there(source: Store, key: str) -> Flow[bool]:
    try:
        yield from source.stat(key)
    except NotFound:
        # A HEAD has no words: whether the bucket itself is away, only a GET can tell.
        try:
            yield from source.read(key, start=0, size=1)
        except NotFound:
            return False
    return True
