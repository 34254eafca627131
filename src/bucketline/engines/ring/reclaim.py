"""reclaim: carries an approved plan out, looking at each key again right before its delete."""

from __future__ import annotations

from collections import Counter, deque
from pathlib import Path
from typing import NamedTuple

from bucketline.engines.ring import deeds
from bucketline.engines.ring.chunks import Chunk, Nodes
from bucketline.engines.ring.deeds import Deeds, Line
from bucketline.engines.ring.export import REGISTRY, references
from bucketline.engines.ring.findings import judge, known_buckets
from bucketline.engines.ring.gates import Terms, examine, sampled
from bucketline.engines.ring.journal import cursor, written
from bucketline.engines.ring.keys import DIG_DIGITS, Main, dig, padded
from bucketline.engines.ring.plan import Candidate, Plan, file_of
from bucketline.engines.ring.quarantine import Kept, Quarantine, groups
from bucketline.engines.ring.site import Site, all_of
from bucketline.errors import NotFound, Refused, Remedy, StoreError
from bucketline.stores.base import Flow

_BATCH = 25
_CANARY_PAUSE = 900
_WINDOW, _FAILED_MAX = 200, 1
_UNTOLD = "untold: "
_MEMORY = 256 << 20  # Of bodies on their way into the quarantine.
_SETTLED = {deeds.DONE, deeds.SKIPPED, deeds.UNDELETE, deeds.UNDELETED}


class Manner(NamedTuple):
    """How fast, and how carefully."""

    per_second: float = 50.0
    canary: int = 100
    terms: Terms = Terms()
    quarantine: Quarantine | None = None  # Where each is copied to before its delete.


class Looked(NamedTuple):
    """A candidate, looked at again: `doubt` says why it is not deleted."""

    doubt: str
    chunks: dict[str, Chunk]
    kept: Kept | None = None


class Tail:
    """What was put since the export began: nothing of it may be deleted."""

    def __init__(self, site: Site, plan: Plan) -> None:
        self._client = site.client(site.ring.bucketd)
        # Of all that was put no more is kept than what the plan could meet.
        self._planned = {one.main[:DIG_DIGITS] for one in plan.items}
        self._planned |= {dig(one.parent) for one in plan.items if one.parent}
        self._since = dict(site.dataset("export").manifest().notes.get("cursor") or {})
        self.digs: set[str] = set()
        self.catch_up()

    def catch_up(self) -> None:
        now = cursor(self._client)
        for one in written(self._client, self._since, now):
            for reference in references(one) if one.bucket != REGISTRY else ():
                try:
                    self.digs |= {dig(padded(str(reference["key"])))} & self._planned
                except (KeyError, ValueError):
                    raise Refused(f"{one.bucket}: metadata was put that cannot be read") from None
        self._since = now

    def mentions(self, one: Candidate) -> bool:
        return one.main[:DIG_DIGITS] in self.digs or (
            bool(one.parent) and dig(one.parent) in self.digs
        )


class Reclaim:
    """One plan, on its way."""

    def __init__(self, site: Site, plan: Plan, book: Deeds, manner: Manner) -> None:
        self._site, self._plan, self._book, self._manner = site, plan, book, manner
        self._nodes = Nodes(site)
        self._known = known_buckets(site)
        self._tail = Tail(site, plan)
        self._lately: deque[bool] = deque(maxlen=_WINDOW)  # Whether each failed.

    def perform(self) -> None:
        """A first few, and a good while later the rest."""
        left = self._left()
        told = [line for line in self._book.lines if line["event"] == deeds.CANARY]
        if not told:
            self._first(left)
            if self._left():
                line = {"event": deeds.CANARY, "at": self._site.clock.now()}
                self._book.write([line])
            return
        if self._site.clock.now() - told[0]["at"] < _CANARY_PAUSE:
            return
        if why := sampled(self._site, self._manner.terms.sample):
            raise Refused(f"after the first deletes: {why}")
        self._all(left)

    def _first(self, left: list[Candidate]) -> None:
        """What was skipped has shown nothing; what an earlier try has deleted counts."""
        tried = 0
        while tried < len(left) and (lack := self._manner.canary - self._deleted()) > 0:
            self._all(left[tried : tried + lack])
            tried += lack

    def _deleted(self) -> int:
        fates = self._book.fates
        return sum(fates.get(one.main) == deeds.DONE for one in self._plan.items)

    def _left(self) -> list[Candidate]:
        fates = self._book.fates
        return [one for one in self._plan.items if fates.get(one.main) not in _SETTLED]

    def _all(self, items: list[Candidate]) -> None:
        for start in range(0, len(items), _BATCH):
            some = items[start : start + _BATCH]
            self._some(some)
            if sum(self._lately) > _FAILED_MAX:
                raise Refused("stopped: too many deletes failed; look into it, then run again")
            self._site.clock.sleep(len(some) / self._manner.per_second)

    def _some(self, items: list[Candidate]) -> None:
        looked = [
            found
            for some in groups(items, _MEMORY)
            for found in all_of([self._keep_and_look(one) for one in some])
        ]
        self._tail.catch_up()  # The last thing before the deed.
        sound = list[Candidate]()
        lines = list[Line]()
        for one, found in zip(items, looked, strict=True):
            doubt = found.doubt or ("was referred to lately" if self._tail.mentions(one) else "")
            if doubt:
                event = deeds.FAILED if doubt.startswith(_UNTOLD) else deeds.SKIPPED
                if doubt == _GONE:
                    event = deeds.DONE if one.main in self._book.intents else deeds.SKIPPED
                lines.append({"event": event, "main": one.main, "why": doubt})
                self._lately.append(event == deeds.FAILED)
            else:
                chunks = {key: list(chunk) for key, chunk in found.chunks.items()}
                about = {"main": one.main, "input_key": one.input_key, "kind": one.kind}
                plan = {"plan": self._plan.sha256, "at": self._site.clock.now()}
                kept = {"kept": found.kept._asdict()} if found.kept else {}
                lines.append({"event": deeds.INTENT, **about, "chunks": chunks, **plan, **kept})
                sound.append(one)
        self._book.write(lines)
        self._book.write(all_of([self._delete(one) for one in sound]))
        self._lately += [self._book.fates[one.main] == deeds.FAILED for one in sound]

    def _keep_and_look(self, one: Candidate) -> Flow[Looked]:
        """The copy comes first: a look that finds all as it was planned speaks for it as well."""
        lack, kept = "", None
        if (quarantine := self._manner.quarantine) is not None:
            try:
                was = self._book.kept.get(one.main)
                if was is None or not (yield from quarantine.holds(Kept(**was))):
                    kept = yield from quarantine.keep(self._site, self._plan.sha256, one)
            except NotFound:
                lack = "cannot be read, and so not be kept"
            except StoreError as error:
                if error.remedy is Remedy.STOP:
                    raise
                lack = f"{_UNTOLD}is not in quarantine: {error}"
        found = yield from self._look(one)
        return found._replace(kept=kept, doubt=found.doubt or lack)

    def _look(self, one: Candidate) -> Flow[Looked]:
        """Every chunk as it stands now, and what the ring says that it belongs to."""
        chunks: dict[str, Chunk] = {}
        try:
            for key in Main(one.main).chunks:
                found = yield from self._nodes.stat(key)
                if found is not None:
                    chunks[key] = found
            if doubt := self._changed(one, chunks):
                return Looked(doubt, chunks)
            client = self._site.client(self._site.ring.rebuild)
            row = (one.main, Main(one.main).service, 0)
            judged = yield from judge(client, self._site, row, self._known)
        except (StoreError, ValueError) as error:
            return Looked(f"{_UNTOLD}{error}", chunks)
        if judged.kind == "UNRESOLVED":
            return Looked(f"{_UNTOLD}{judged.detail}", chunks)
        same = (judged.kind, judged.input_key, judged.detail)
        return Looked("" if same == (one.kind, one.input_key, one.parent) else "is another", chunks)

    def _changed(self, one: Candidate, chunks: dict[str, Chunk]) -> str:
        main = chunks.get(one.main)
        if main is None or main.is_deleted:
            return _GONE
        if main != one.chunk:
            return "changed since it was planned"
        late = any(chunk.mtime > self._site.cutoff for chunk in chunks.values())
        return "was written lately" if late else ""

    def _delete(self, one: Candidate) -> Flow[Line]:
        """A tombstone, which can be taken back; and a look whether it is there."""
        ring, client = self._site.ring, self._site.client(self._site.ring.rebuild)
        chord = ring.chord_alias or f"chord-{ring.name}"
        arcdata = ring.arcdata_alias or f"arcdata-{ring.name}"
        try:
            # 404: somebody was first, or our own first attempt. 423: somebody is at it.
            path = f"/rebuild/{chord}/{one.main}"
            yield from client.ask("DELETE", path, also=(202, 204, 404, 423))
            yield from client.ask("HEAD", f"/rebuild/{arcdata}/{one.main}")
            why = "is still there after its delete"
        except NotFound:
            return {"event": deeds.DONE, "main": one.main}
        except StoreError as error:
            why = str(error)
        return {"event": deeds.FAILED, "main": one.main, "why": why}


_GONE = "is gone already"


def reclaim(site: Site, plan: Plan, manner: Manner) -> Counter[str]:
    """What became of the plan so far; raises `Refused` when a gate is shut."""
    shut = [gate for gate in examine(site, manner.terms) if gate.why]
    if shut:
        raise Refused("; ".join(f"{gate.name}: {gate.why}" for gate in shut))
    with deeds.opened(book_of(site, plan.sha256)) as book:
        Reclaim(site, plan, book, manner).perform()
        return tally(plan, book)


def tally(plan: Plan, book: Deeds) -> Counter[str]:
    """Planned = done + skipped + failed + waiting."""
    names = {deeds.DONE: "done", deeds.SKIPPED: "skipped", deeds.FAILED: "failed"}
    names |= {deeds.UNDELETE: "skipped", deeds.UNDELETED: "skipped"}
    fates = book.fates
    return Counter(names.get(fates.get(one.main, ""), "waiting") for one in plan.items)


def book_of(site: Site, sha256: str) -> Path:
    return file_of(site.ring, sha256).with_suffix(".deeds")
