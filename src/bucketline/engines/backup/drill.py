"""Bring a sample of a backup back to see whether, and how fast, that can be done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from hashlib import sha256

from bucketline.clock import Clock
from bucketline.engines.backup.catalogue import Catalogue
from bucketline.engines.backup.restore import Restore
from bucketline.engines.backup.rows import Beside, Row
from bucketline.errors import Unsupported
from bucketline.flow.compare.guard import Counts
from bucketline.flow.proof.again import Method, State, look_again
from bucketline.model import Action, Copy, Entry, Fate, Outcome, Skip, Verify
from bucketline.stores.base import Flow, Store

KEY_MAX = 1_024  # Bytes: of S3.


class Drill:
    """A restore of what is chosen; each object is read back, proven, and goes again."""

    def __init__(
        self,
        restore: Restore,
        scratch: Store,
        chosen: Callable[[str], bool],
        *,
        catalogue: Catalogue,
        clock: Clock,
        folder: str = "",
    ) -> None:
        self._restore = restore
        self._scratch = scratch
        self._chosen = chosen
        self._catalogue = catalogue
        self._clock = clock
        self._folder = folder  # Of its own, in the scratch bucket.
        self._rows: dict[str, Row] = {}  # Of what is under way.
        self.objects = self.bytes = 0  # Of the whole backup.

    @property
    def compare_said(self) -> str:
        return "a sample"

    @property
    def counts(self) -> Counts:
        return self._restore.counts

    @property
    def notes(self) -> list[str]:
        return self._restore.notes_of_listings

    def plan(self) -> Iterator[Action | Skip]:
        """What is chosen of all that a restore would bring back."""
        self.objects = self.bytes = 0
        rows = Beside(self._catalogue.rows())
        for step in self._restore.plan():
            if not isinstance(step, Copy):
                yield step
                continue
            key, size = step.source.key, step.source.size
            self.objects += 1
            self.bytes += size
            if not self._chosen(key):
                yield Skip(1, size)
                continue
            restored = replace(step, target_key=self._fitting(step.target_key))
            if (row := rows.at(key)) is not None:
                self._rows[restored.target_key] = row
            yield restored

    def _fitting(self, key: str) -> str:
        """One that no store refuses for its length: in the folder of a drill some become longer."""
        if len(key.encode()) <= KEY_MAX:
            return key
        return f"{self._folder}long-{sha256(key.encode()).hexdigest()}"

    def perform(self, action: Action) -> Flow[Outcome]:
        """One object: there, read back, held against what the catalogue knows, and gone again."""
        assert isinstance(action, Copy)
        row = self._rows.pop(action.key, None)
        outcome = yield from self._restore.perform(action)
        if outcome.fate is not Fate.DONE:
            return outcome
        why = _differs(row, outcome) if row is not None else ""
        there = Entry(action.key, outcome.size, self._clock.now(), outcome.target_etag)
        seen = yield from look_again(Verify(there, outcome.hashes), self._scratch, Method.READ)
        if seen.state is not State.OK:
            why = why or seen.why
        yield from self._scratch.delete(action.key)
        if why:
            return Outcome(Fate.FAILED, cause="Damaged", message=f"{action.source.key}: {why}")
        return replace(outcome, proof=seen.proof)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        return self._restore.weight(action)


def folder_of(run: str) -> str:
    """Where a drill has what it restores, until it goes again."""
    return f"drill-{run}/"


def swept(scratch: Store, prefix: str, runs: Collection[str]) -> Flow[int]:
    """What drills that were killed have left under `prefix` goes, and nothing else: how much."""
    folders = tuple(prefix + folder_of(run) for run in runs)
    count, token = 0, ""
    while True:
        page = yield from scratch.page(f"{prefix}drill-", token=token)
        ours = [one.key for one in page.entries if one.key.startswith(folders)]
        for key in ours:
            yield from scratch.delete(key)
        count += len(ours)
        token = page.token
        if not token:
            break
    try:
        uploads = yield from scratch.list_uploads(f"{prefix}drill-")
    except Unsupported:
        return count
    for one in uploads:
        if one.key.startswith(folders):
            yield from scratch.abandon(one.key, one.upload)
    return count


def _differs(row: Row, outcome: Outcome) -> str:
    """Why the bytes are not those that were backed up; "" = nothing says so."""
    if row.etag != outcome.source_etag:
        return "it is another one than the catalogue tells of; was it written over by others?"
    for name, value in outcome.hashes.items():
        if row.hashes.get(name, value) != value:
            return f"its {name} is {value}, and was {row.hashes[name]} when it was backed up"
    return ""
