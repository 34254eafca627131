"""Buckets in archive tiers: asked for, and looked at until all of one can be read."""

from __future__ import annotations

from bucketline.clock import Clock, SystemClock
from bucketline.engines.splunk.archive import ARCHIVE_TIERS, Archived
from bucketline.flow.thaw import Wish, look, thawed
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store, Together

_WIDTH = 8


def ready(store: Store, bucket: Archived, days: int, speed: str) -> Flow[bool]:
    """Whether all of it can be read now; what cannot is asked for, once."""
    wish, clock = Wish(speed, days), SystemClock()
    wanted = [entry for entry in bucket.entries if entry.tier in ARCHIVE_TIERS]
    found = yield Together([_one(store, entry, wish, clock) for entry in wanted], _WIDTH)
    return all(found)


def _one(store: Store, entry: Entry, wish: Wish, clock: Clock) -> Flow[bool]:
    seen = yield from thawed(store, entry, wish, clock)
    if not seen.state.is_readable:  # Some servers thaw in no time.
        seen = yield from look(store, entry, clock)
    return seen.state.is_readable
