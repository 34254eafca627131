"""Let go of what a backup has called deleted for long: hidden first, and gone only later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256

from bucketline.clock import Clock
from bucketline.engines.backup.catalogue import Catalogue
from bucketline.engines.backup.chains import chain
from bucketline.engines.backup.marks import deleted_at, marked, moment, seconds_of
from bucketline.engines.backup.rows import DROPPED, GONE, Row
from bucketline.errors import NotFound
from bucketline.flow.compare.guard import Counts
from bucketline.model import Action, Delete, Entry, Fate, Mark, Outcome, Skip
from bucketline.settings import holds
from bucketline.stores.base import Flow, Store
from bucketline.stores.beyond import Version


class Stage(Enum):
    """How far it goes."""

    HIDE = "hide"  # Behind a delete marker, from where it can be brought back.
    DESTROY = "destroy"  # Every version of what was hidden.
    DELETE = "delete"  # At once, where nothing can be hidden.
    UNDO = "undo"  # What was hidden is back.


@dataclass(frozen=True, slots=True)
class Purging:
    """What is wanted: a stage, for what has been so for that long."""

    stage: Stage
    until: float = 0.0  # Deleted, or hidden, at that time or before.

    def takes(self, row: Row) -> bool:
        """Whether this one's time has come."""
        if row.state == DROPPED:
            return False
        if self.stage is Stage.UNDO:
            return bool(row.purged)
        if self.stage is Stage.DESTROY:
            return bool(row.purged) and self._is_over(row.purged)
        return not row.purged and bool(row.deleted) and self._is_over(row.deleted or "")

    def _is_over(self, said: str) -> bool:
        since = seconds_of(said)
        return since is not None and since <= self.until


class Purge:
    """The catalogue says what; before each deed the backup is asked whether it is still so."""

    compare_said = "catalogue"

    def __init__(
        self, store: Store, prefix: str, wanted: Purging, *, catalogue: Catalogue, clock: Clock
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._wanted = wanted
        self._catalogue = catalogue
        self._clock = clock
        self._rows: dict[str, Row] = {}  # Of what is under way.
        self.counts = Counts()
        self.notes: list[str] = []

    def digest(self) -> str:
        """What a person approves: the same for the same objects, and for no others. "" = none."""
        told, is_any = sha256(self._wanted.stage.value.encode()), False
        for row in self._taken():
            is_any = True
            told.update(f"\0{row.key}\0{row.etag}\0{row.version}\0{row.deleted}".encode())
            told.update("".join(f"\0{one.version}" for one in row.history).encode())
        return told.hexdigest()[:16] if is_any else ""

    def plan(self) -> Iterator[Action | Skip]:
        """In key order."""
        self.counts.source = 0
        for row in self._catalogue.rows():
            if not holds(self._prefix, row.key):
                continue
            self.counts.source += 1
            if not self._wanted.takes(row):
                yield Skip(1, _size(row))
                continue
            self._rows[row.key] = row
            entry = Entry(row.key, _size(row), row.modified, row.etag, row.version)
            is_undo = self._wanted.stage is Stage.UNDO
            yield Mark(entry, is_deleted=False) if is_undo else Delete(entry)

    rehearse = plan

    def perform(self, action: Action) -> Flow[Outcome]:
        """One object."""
        row, stage = self._rows[action.key], self._wanted.stage
        if stage is Stage.DESTROY:
            why = yield from self._destroy(row)
        elif row.history:
            why = yield from self._expect_whole(row)
        elif stage is Stage.UNDO:
            why = yield from self._bring_back(row)
        else:
            why = yield from self._delete(row)
        if why:
            return Outcome(Fate.FAILED, cause="Changed", message=why)
        return Outcome(Fate.DONE, target_etag=row.etag)

    def weight(self, action: Action) -> int:
        """Nothing is read."""
        del action
        return 0

    def row_of(self, action: Action, outcome: Outcome) -> Row | None:
        """What the catalogue is to say of what was done."""
        row = self._rows.pop(action.key, None)
        if row is None or outcome.fate is not Fate.DONE:
            return None
        if self._wanted.stage is Stage.HIDE:
            return replace(row, purged=moment(self._clock.now()))
        if self._wanted.stage is Stage.UNDO:
            return replace(row, purged="")
        if row.history:
            return row.dropped()
        return Row(row.key, etag=row.etag, version=row.version, state=GONE)

    def _taken(self) -> Iterator[Row]:
        for row in self._catalogue.rows():
            if holds(self._prefix, row.key) and self._wanted.takes(row):
                yield row

    def _delete(self, row: Row) -> Flow[str]:
        """Why not; "" = it is gone."""
        try:
            found = yield from self._store.stat(row.key)
            tags = yield from self._store.tags(row.key)
        except NotFound:
            return ""
        if (found.entry.size, found.entry.etag) != (row.size, row.etag):
            return "the backup holds another one by now; run backup again first"
        if not deleted_at(tags) and marked(tags, "") is not None:
            return "its tags do not call it deleted; run backup again first"
        yield from self._store.delete(row.key)
        return ""

    def _destroy(self, row: Row) -> Flow[str]:
        held = yield from chain(self._store, row.key)
        if held and not held[-1].is_delete_marker:
            return "it is back in the backup; nothing of it was destroyed"
        locked = yield from self._locked(held)
        if locked:
            return f"{locked}; nothing of it was destroyed"
        for version in held:  # The marker last: what is left of a crash stays hidden.
            yield from self._store.delete(row.key, version=version.entry.version)
        return ""

    def _locked(self, held: Sequence[Version]) -> Flow[str]:
        """Why some of it cannot go yet; "" = nothing says so."""
        for one in held:
            if one.is_delete_marker:
                continue
            key, version = one.entry.key, one.entry.version
            found = yield from self._store.stat(key, version=version)
            told = found.attributes.protection
            until = told.get("object-lock-retain-until-date", "")
            if told.get("object-lock-legal-hold") == "ON":
                return f"its version {version} is under a legal hold"
            if (seconds_of(until) or 0.0) > self._clock.now():
                return f"its version {version} is locked until {until}"
        return ""

    def _expect_whole(self, row: Row) -> Flow[str]:
        """Of a backup of versions, where what is deleted is behind a marker already: why its
        versions are not those that the catalogue tells of; "" = they are.
        """
        held = yield from chain(self._store, row.key)
        if not held or not held[-1].is_delete_marker:
            return "it is back in the backup; run backup again first"
        there = [one.entry.version for one in held if not one.is_delete_marker]
        if there != [one.version for one in row.history if one.state == ""]:
            return "the backup holds other versions of it by now; look at them, and run backup"
        return ""

    def _bring_back(self, row: Row) -> Flow[str]:
        held = yield from chain(self._store, row.key)
        while held and held[-1].is_delete_marker:
            marker = held.pop()
            if not held or held[-1].entry.etag != row.etag:
                break
            yield from self._store.delete(row.key, version=marker.entry.version)
        if not held or held[-1].entry.etag != row.etag:
            return "the backup's bucket does not hold it any more"
        return ""


def _size(row: Row) -> int:
    return sum(one.size for one in row.history) if row.history else row.size
