"""Objects in archive tiers: asked for, and looked at until they can be read."""

from __future__ import annotations

from bucketline.engines.splunk.archive import ARCHIVE_TIERS, Archived
from bucketline.errors import Unsupported
from bucketline.stores.base import Flow, Store, Together

_WIDTH = 8


def ready(store: Store, bucket: Archived, days: int, speed: str) -> Flow[bool]:
    """Whether all of it can be read now; what cannot is asked for, once."""
    wanted = [entry.key for entry in bucket.entries if entry.tier in ARCHIVE_TIERS]
    found = yield Together([_one(store, key, days, speed) for key in wanted], _WIDTH)
    return all(found)


def _one(store: Store, key: str, days: int, speed: str) -> Flow[bool]:
    found = yield from store.stat(key)
    if not found.archived:
        return True
    ask = getattr(store, "restore_object", None)
    if ask is None:
        raise Unsupported(
            "it is in an archive tier, and this place cannot be asked for it", key=key
        )
    yield from ask(key, days=days, speed=speed)
    return not (yield from store.stat(key)).archived
