"""What a crash leaves, or a volume brings that was away: staged copies that are not to be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bucketline.errors import NotFound
from bucketline.flow.compare.doubts import Known, Lookup
from bucketline.stores.base import Flow, Store, Together
from bucketline.stores.spool import Spool, Staged

_AT_ONCE = 16
_ASKED = 1_000  # Keys, of the ledger in one question.


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What the ledger of the sending hop knows, and which states the other one fetched last."""

    known: Lookup
    fetched: Lookup
    proven_at: Callable[[Sequence[str]], Mapping[str, float]]


def delivered_before(spool: Spool, target: Store, deliveries: Deliveries) -> Flow[list[Staged]]:
    """Those that an earlier process delivered, by its ledger, and that the target still holds; and
    those of which a later state was delivered meanwhile: they must not be sent over it.
    """
    old = spool.index.old()
    if not old:
        return []
    same, other = _known(old, deliveries.known)
    flows = [_if_there(one, known, target) for one, known in same]
    there: list[Staged | None] = yield Together(flows, width=_AT_ONCE)
    late = _superseded(other, deliveries)
    spool.index.reviewed(old)
    return [*(one for one in there if one is not None), *late]


def _known(old: list[Staged], known: Lookup) -> tuple[list[tuple[Staged, Known]], list[Staged]]:
    """Those of which this state is the one that was delivered last, and the others."""
    same: list[tuple[Staged, Known]] = []
    other: list[Staged] = []
    for some in _in_portions(old):
        delivered = known([one.entry.key for one in some])
        for one in some:
            there = delivered.get(one.entry.key)
            if there is None or there.size < 0 or not one.origin_pin:
                continue
            if _is_of(there, one):
                same.append((one, there))
            else:
                other.append(one)
    return same, other


def _superseded(some: list[Staged], deliveries: Deliveries) -> list[Staged]:
    """Staged before the last delivery was recorded: while one is staged no other is fetched, so
    that was a later one, which went past a volume that was away. What was fetched last is none,
    whatever a clock says that may have been set back.
    """
    found: list[Staged] = []
    for portion in _in_portions(some):
        keys = [one.entry.key for one in portion]
        moments, fetched = deliveries.proven_at(keys), deliveries.fetched(keys)
        found += [
            one
            for one in portion
            if moments.get(one.entry.key, 0.0) > one.entry.modified
            and not _is_of(fetched.get(one.entry.key), one)
        ]
    return found


def _is_of(known: Known | None, staged: Staged) -> bool:
    told = (staged.origin_pin, staged.entry.size)
    return known is not None and (known.source_etag, known.size) == told


def _in_portions(some: list[Staged]) -> list[list[Staged]]:
    return [some[first : first + _ASKED] for first in range(0, len(some), _ASKED)]


def _if_there(staged: Staged, known: Known, target: Store) -> Flow[Staged | None]:
    try:
        there = (yield from target.stat(staged.entry.key)).entry
    except NotFound:
        return None
    return staged if (there.pin, there.size) == (known.target_etag, known.size) else None
