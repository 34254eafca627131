"""undelete: what a plan has deleted comes back from its tombstones, chunk by chunk, proven."""

from __future__ import annotations

from collections import Counter

from bucketline.engines.ring import deeds
from bucketline.engines.ring.chunks import Chunk, Nodes
from bucketline.engines.ring.deeds import Line
from bucketline.engines.ring.reclaim import book_of
from bucketline.engines.ring.site import Site, all_of
from bucketline.errors import Refused, StoreError
from bucketline.stores.base import Flow

_BATCH = 25


def undelete(site: Site, sha256: str, only: str = "") -> Counter[str]:
    """Every main chunk of which a delete was intended, or `only` one."""
    path = book_of(site, sha256)
    if not path.exists():
        raise Refused(f"{sha256[:80]}: nothing was deleted by a plan of this hash")
    found = Counter[str]()
    with deeds.opened(path) as book:
        intents = [one for main, one in book.intents.items() if only in {"", main}]
        if only and not intents:
            raise Refused(f"{only[:80]}: this plan has not deleted it")
        nodes = Nodes(site)
        for start in range(0, len(intents), _BATCH):
            some = intents[start : start + _BATCH]
            book.write({"event": deeds.UNDELETE, "main": one["main"]} for one in some)
            results = all_of([_back(nodes, one) for one in some])
            book.write(line for line in results if line["event"] == deeds.UNDELETED)
            book.write(line for line in results if line["event"] == deeds.UNDELETE)
            found.update("failed" if "why" in line else "done" for line in results)
    return found


def _back(nodes: Nodes, intent: Line) -> Flow[Line]:
    main = intent["main"]
    try:
        for key, fields in intent["chunks"].items():
            was = Chunk(*fields)
            if not was.is_deleted:
                yield from _chunk_back(nodes, key, was)
    except StoreError as error:
        return {"event": deeds.UNDELETE, "main": main, "why": str(error)}
    return {"event": deeds.UNDELETED, "main": main}


def _chunk_back(nodes: Nodes, key: str, was: Chunk) -> Flow[None]:
    now = yield from nodes.stat(key)
    if now is not None and now.is_deleted:
        yield from nodes.undelete(key, now.version + 1)
        now = yield from nodes.stat(key)
    if now is None:
        raise StoreError(f"{key}: its tombstone is gone, it cannot come back")
    if now.is_deleted or not now.is_same(was):
        raise StoreError(f"{key}: is not what it was")
