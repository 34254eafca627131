"""undelete: what a plan has deleted comes back: from its tombstones, or from the quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bucketline.engines.ring import deeds
from bucketline.engines.ring.chunks import Chunk, Nodes
from bucketline.engines.ring.deeds import Line
from bucketline.engines.ring.quarantine import Kept, Quarantine
from bucketline.engines.ring.reclaim import book_of
from bucketline.engines.ring.site import Site, all_of
from bucketline.errors import NotFound, Refused, StoreError
from bucketline.stores.base import Flow

_BATCH = 25
_KEPT_BATCH = 2  # Of these the bodies are in memory.
Opener = Callable[[str], Quarantine]  # A place as the book names it -> the place.


class Purged(NotFound):
    """A chunk that the ring has forgotten."""


def undelete(
    site: Site, sha256: str, only: str = "", *, opener: Opener | None = None
) -> Counter[str]:
    """Every main chunk of which a delete was intended, or `only` one."""
    path = book_of(site, sha256)
    if not path.exists():
        raise Refused(f"{sha256[:80]}: nothing was deleted by a plan of this hash")
    found = Counter[str]()
    with deeds.opened(path) as book:
        intents = [one for main, one in book.intents.items() if only in {"", main}]
        if only and not intents:
            raise Refused(f"{only[:80]}: this plan has not deleted it")
        back = _Back(site, Nodes(site), book.kept, opener)
        for start in range(0, len(intents), _BATCH):
            some = intents[start : start + _BATCH]
            book.write({"event": deeds.UNDELETE, "main": one["main"]} for one in some)
            results = back.all(some)
            book.write(line for line in results if line["event"] == deeds.UNDELETED)
            book.write(line for line in results if line["event"] == deeds.UNDELETE)
            found.update("failed" if "why" in line else "done" for line in results)
    return found


@dataclass(frozen=True, slots=True)
class _Back:
    """How they come back."""

    site: Site
    nodes: Nodes
    kept: Mapping[str, Line]
    opener: Opener | None

    def all(self, intents: Sequence[Line]) -> list[Line]:
        """From tombstones first; what is not there any more is told, or taken from a copy."""
        found = all_of([self._from_tombstones(one) for one in intents])
        purged = [n for n, line in enumerate(found) if "purged" in line]
        for start in range(0, len(purged), _KEPT_BATCH):
            some = purged[start : start + _KEPT_BATCH]
            again = all_of([self._from_copy(intents[n], found[n]) for n in some])
            for n, line in zip(some, again, strict=True):
                found[n] = line
        return found

    def _from_tombstones(self, intent: Line) -> Flow[Line]:
        main = intent["main"]
        told = {"event": deeds.UNDELETE, "main": main}
        try:
            for key, fields in intent["chunks"].items():
                was = Chunk(*fields)
                if not was.is_deleted:
                    yield from self._chunk_back(key, was)
        except Purged as error:
            return {**told, "why": str(error), "purged": True}
        except StoreError as error:
            return {**told, "why": str(error)}
        return {**told, "event": deeds.UNDELETED}

    def _from_copy(self, intent: Line, told: Line) -> Flow[Line]:
        main = intent["main"]
        if main not in self.kept or self.opener is None:
            return told
        kept = Kept(**self.kept[main])
        try:
            yield from self.opener(kept.place).back(self.site, main, kept)
        except StoreError as error:
            why = f"{told['why']}; and from quarantine: {error}"
            return {**told, "why": why}
        return {"event": deeds.UNDELETED, "main": main, "from": kept.place}

    def _chunk_back(self, key: str, was: Chunk) -> Flow[None]:
        now = yield from self.nodes.stat(key)
        if now is not None and now.is_deleted:
            yield from self.nodes.undelete(key, now.version + 1)
            now = yield from self.nodes.stat(key)
        if now is None:
            raise Purged(f"{key}: its tombstone is gone, it cannot come back")
        if now.is_deleted or not now.is_same(was):
            raise StoreError(f"{key}: is not what it was")
