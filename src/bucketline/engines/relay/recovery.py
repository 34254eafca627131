"""What a crash leaves: staged copies whose delivery was recorded, and which were still there."""

from __future__ import annotations

from collections.abc import Iterable

from bucketline.errors import NotFound
from bucketline.flow.compare.doubts import Known, Lookup
from bucketline.stores.base import Flow, Store, Together
from bucketline.stores.spool import Spool, Staged

_AT_ONCE = 16
_ASKED = 1_000  # Keys, of the ledger in one question.


def delivered_before(spool: Spool, target: Store, delivered: Lookup) -> Flow[list[Staged]]:
    """Those that an earlier process delivered, by its ledger, and that the target still holds."""
    old = spool.index.old()
    if not old:
        return []
    flows = [_if_there(one, known, target) for one, known in _proven(old, delivered)]
    there: list[Staged | None] = yield Together(flows, width=_AT_ONCE)
    spool.index.reviewed(old)
    return [one for one in there if one is not None]


def _proven(old: list[Staged], delivered: Lookup) -> Iterable[tuple[Staged, Known]]:
    for first in range(0, len(old), _ASKED):
        some = old[first : first + _ASKED]
        known = delivered([one.entry.key for one in some])
        for one in some:
            there = known.get(one.entry.key)
            told = (one.origin_pin, one.entry.size)
            if there is not None and one.origin_pin and (there.source_etag, there.size) == told:
                yield one, there


def _if_there(staged: Staged, known: Known, target: Store) -> Flow[Staged | None]:
    try:
        there = (yield from target.stat(staged.entry.key)).entry
    except NotFound:
        return None
    return staged if (there.pin, there.size) == (known.target_etag, known.size) else None
