"""Bring back what a backup holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count

from bucketline.clock import Clock
from bucketline.engines.backup.brakes import Brakes, is_held
from bucketline.engines.backup.catalogue import Catalogue
from bucketline.engines.backup.kept import Kept, KeptThen, Origins, Unmarked
from bucketline.engines.backup.marks import deleted_at, unmarked
from bucketline.errors import NeedsThaw
from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.compare.guard import Limits, guarded
from bucketline.flow.compare.pairs import Mode, decide
from bucketline.flow.compare.planned import Looking, planned
from bucketline.flow.compare.sides import Listed, Look, Side, Sides
from bucketline.flow.look.listing import Caller, Listing
from bucketline.flow.move.copy import MovePolicy, copy, remove
from bucketline.flow.move.layout import weight
from bucketline.flow.move.pinned import PinnedSource, held
from bucketline.flow.thaw import Wish, may_be_archived, readable
from bucketline.model import Action, Copy, Delete, Entry, Fate, Outcome, Skip
from bucketline.stores.base import Flow
from bucketline.stores.beyond import may_lack, may_put_tags, put_tags

THAWING = "Thawing"  # The cause of those that wait for their archive.


class Conflicts(Enum):
    """What becomes of an object at the target that is another one."""

    SKIP = "skip"
    REPLACE = "replace"
    KEEP_BOTH = "keep-both"


@dataclass(frozen=True, slots=True)
class RestorePolicy:
    """What a person wants of a restore."""

    look: Look = field(default_factory=Look)
    move: MovePolicy = field(default_factory=MovePolicy)
    conflicts: Conflicts = Conflicts.SKIP
    includes_deleted: bool = False
    thaw: Wish | None = None  # How to ask for what is archived; None = not at all.
    is_then: bool = False  # The catalogue's state is wanted, not what there is now.
    at: float | None = None  # The source's versions tell what it was, not the catalogue's states.
    in_place: Brakes | None = None  # The target becomes what the backup was, so far.
    hides_extra: bool = False  # What the backup does not hold goes, too.
    suffix: str = ""  # Behind the keys of those of which both are kept.


class Restore(Looking):
    """One look at the backup and at the target, and the copies that bring back what is missing."""

    def __init__(
        self,
        backup: Side,
        target: Side,
        policy: RestorePolicy,
        drive: Caller,
        ledger_known: Lookup,
        *,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        backup = replace(backup, told=self._told)
        super().__init__(Sides(backup, target, drive, policy.look))
        self._policy = policy
        self._ledger_known = ledger_known
        self._catalogue = catalogue
        self._clock = clock
        self._kept: Kept | KeptThen | None = None
        self._origins = Origins()
        self.thawing = 0  # How many were left to wait for their archive.
        self._left = 0  # Others at the target, which were left alone.
        self.archived: Counter[str] = Counter()  # Of the plan, by tier: how many, how many bytes.
        self.archived_bytes: Counter[str] = Counter()

    @property
    def notes_of_listings(self) -> list[str]:
        """What a person should know of them."""
        return list(self._sides.notes)

    @property
    def notes(self) -> list[str]:
        """What a person should know."""
        notes = self.notes_of_listings
        if self._kept is not None and self._kept.deleted:
            notes.append(
                f"{self._kept.deleted:,} are called deleted and stay out; --include-deleted brings"
                " them back, too"
            )
        if self._left:
            notes.append(
                f"{self._left:,} objects at the target are others, and were left alone; see"
                " --on-conflict"
            )
        return notes

    @property
    def gauges(self) -> dict[str, int]:
        """For those who watch many runs."""
        return {"ObjectsToCheckForDeletedTag": self._kept.to_ask if self._kept else 0}

    def plan(self) -> Iterator[Action | Skip]:
        """What the target lacks; by policy, what is another one there."""
        brakes = self._policy.in_place
        if brakes is None:
            return planned(self._sides, self._decided, guarded, Limits())
        return planned(self._sides, self._decided, brakes.braked, Limits(), is_held)

    def rehearse(self) -> Iterator[Action | Skip]:
        """The plan for those who only look."""
        brakes = self._policy.in_place
        guard = brakes.rehearsed if brakes else guarded
        return planned(self._sides, self._decided, guard, Limits())

    def perform(self, action: Action) -> Flow[Outcome]:
        """One copy; what is archived is asked for, and waits."""
        if isinstance(action, Delete):
            return (yield from remove(action, self._sides.target.store))
        assert isinstance(action, Copy)
        source, target, policy = self._sides.source.store, self._sides.target.store, self._policy
        entry = action.source
        if policy.thaw is not None and may_be_archived(entry):
            try:
                yield from readable(source, entry, policy.thaw, self._clock)
            except NeedsThaw as error:
                self.thawing += 1
                return Outcome(Fate.WAITING, cause=THAWING, message=error.message)
        if policy.is_then:
            source = PinnedSource(source, entry)
        # What was there then may be called deleted by now.
        may_be_marked = policy.includes_deleted or policy.is_then
        if may_be_marked and not may_put_tags(target):
            source = Unmarked(source)
        outcome = yield from copy(action, source, target, policy.move)
        is_to_look = may_be_marked and may_put_tags(target)
        if is_to_look and policy.move.fidelity.tags and target.able.tags:
            tags = yield from target.tags(action.target_key)
            if deleted_at(tags):
                yield from put_tags(target, action.target_key, unmarked(tags))
        return outcome

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        if not isinstance(action, Copy):
            return 0
        if action.source.size <= self._policy.move.part_size:
            return action.source.size
        return weight(action.source, self._sides.target.store.able, self._policy.move)

    def _told(self, prefix: str, drive: Caller, scratch: str | None) -> Listed:
        side, look, policy = self._sides.source, self._sides.look, self._policy
        self._origins = Origins()
        if policy.is_then:
            self._kept = KeptThen(
                *(self._catalogue, prefix),
                includes_deleted=policy.includes_deleted,
                origins=self._origins,
                at=policy.at,
            )
            return self._kept
        listing = Listing(
            side.store, prefix, drive, sort=side.sort, scratch=scratch, ahead=look.ahead
        )
        self._kept = Kept(
            listing,
            side.store,
            self._catalogue,
            drive,
            includes_deleted=policy.includes_deleted,
            origins=self._origins,
        )
        return self._kept

    def _decided(self) -> Iterator[Action | Skip]:
        sides = self._sides
        self._left = 0
        self.archived.clear()
        self.archived_bytes.clear()
        steps = decide(
            sides.differences(self._is_same if self._policy.in_place else sides.rule.is_same),
            sides.rule,
            sides.settle(self._ledger_known),
            rename=sides.rename,
            delete_extra=self._policy.hides_extra,
        )
        for step in steps:
            if isinstance(step, Copy) and step.replaces is not None:
                yield from self._conflicting(step)
            elif isinstance(step, Copy):
                yield self._counted(step)
            else:
                yield step
        source = sides.source
        if not self._policy.is_then and may_lack(source.store, source.prefix):
            sides.counts.doubtful = source.store.name

    def _is_same(self, source: Entry, target: Entry) -> bool:
        """Also one that has stayed at the source as it was when it was backed up."""
        if self._sides.rule.is_same(source, target):
            return True
        is_by_etag = self._sides.rule.mode is Mode.ETAG and source.size == target.size
        return is_by_etag and self._origins.has(source.key, target.etag)

    def _conflicting(self, step: Copy) -> Iterator[Action | Skip]:
        if self._policy.conflicts is Conflicts.SKIP:
            self._left += 1
            yield Skip(1, step.source.size)
        elif self._policy.conflicts is Conflicts.KEEP_BOTH:
            key = self._sides.drive.call(self._beside(step))
            if not key:
                yield Skip(1, step.source.size)
                return
            yield self._counted(replace(step, target_key=key, replaces=None, reason="missing"))
        else:
            yield self._counted(step)

    def _beside(self, step: Copy) -> Flow[str]:
        """The first key that nothing has, here or in the backup; "" = ours stands there already."""
        sides, name = self._sides, step.target_key + self._policy.suffix
        for number in count(1):
            key = name if number == 1 else f"{name}.{number}"
            known = self._ledger_known([key]).get(key)
            there = yield from held(sides.target.store, key)
            if there is not None and known is not None and known.source_etag == step.source.pin:
                return ""
            of_backup = sides.source.prefix + key[len(sides.target.prefix) :]
            if there is None and (yield from held(sides.source.store, of_backup)) is None:
                return key
        raise AssertionError

    def _counted(self, step: Copy) -> Copy:
        if may_be_archived(step.source):
            self.archived[step.source.tier] += 1
            self.archived_bytes[step.source.tier] += step.source.size
        return step
