"""Make a backup hold what its source holds, and say of what vanished that it is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bucketline.clock import Clock
from bucketline.engines.backup.alongside import Alongside
from bucketline.engines.backup.asked import SKEW_SECONDS, denied, expect_own, noted_first
from bucketline.engines.backup.brakes import Brakes, is_held
from bucketline.engines.backup.catalogue import RESERVED, Catalogue
from bucketline.engines.backup.marks import deleted_at, marked, moment, unmarked
from bucketline.engines.backup.named import Named, keys_at
from bucketline.engines.backup.rows import Row
from bucketline.engines.backup.scrambled import Looks
from bucketline.errors import Broken
from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.compare.guard import Limits
from bucketline.flow.compare.pairs import Pair, decide
from bucketline.flow.compare.planned import Looking, fail_refused, planned
from bucketline.flow.compare.sides import Listed, Look, Side, Sides
from bucketline.flow.look.listing import Caller, Listing
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.flow.move.layout import weight
from bucketline.flow.move.told import as_it_is_now
from bucketline.model import (
    Action,
    Attributes,
    Copy,
    Delete,
    Entry,
    Fate,
    Found,
    Mark,
    Outcome,
    Skip,
)
from bucketline.stores.base import Flow, Store
from bucketline.stores.beyond import may_lack, put_tags

_TO_MARK, _NOT_MARKED = "ObjectsToTagAsDeleted", "TagDeletedObjectsErrors"
NO_ROOM = "has 10 tags already: that it vanished stands in the catalogue alone"
YOUNGER = (
    "are younger than the inventory, which does not tell of them: whether they vanished is for the"
    " next one"
)
BY_NAME = "are not at the source by now: the next listing of all calls them deleted"


@dataclass(frozen=True, slots=True)
class BackupPolicy:
    """What a person wants of a backup."""

    look: Look = field(default_factory=Look)
    brakes: Brakes = field(default_factory=Brakes)
    move: MovePolicy = field(default_factory=MovePolicy)
    window_seconds: float | None = None  # The old rule: size, or modified since.
    marks_vanished: bool = True
    told_at: float | None = None  # When the inventory was made that stands for the source.
    named: tuple[str, ...] | None = None  # Keys of the source, in order; None = all that it lists.


class Backup(Looking):
    """One look at both sides and at the catalogue, and what makes the backup a true one."""

    def __init__(
        self,
        source: Side,
        target: Side,
        policy: BackupPolicy,
        drive: Caller,
        ledger_known: Lookup,
        *,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        target = replace(target, told=self._told)
        if policy.named is not None:
            source = replace(source, told=self._told_of_source)
        super().__init__(Sides(source, target, drive, policy.look))
        self._policy = policy
        self._move = replace(policy.move, witness=self._witnessed)
        self._ledger_known = ledger_known
        self.scrambled = Looks(source.store, target.store, drive)
        self._catalogue = catalogue
        self._clock = clock
        self._seen: dict[str, tuple[Found, Attributes]] = {}
        self._since_when: dict[str, str] = {}  # Of what was just marked.
        self._left = 0  # What may have vanished, and is not called so by this look.
        self.alongside: Alongside | None = None
        self.gauges: dict[str, int] = {
            _TO_MARK: 0,
            _NOT_MARKED: 0,
        }  # For those who watch many runs.

    @property
    def live(self) -> int:
        """How many objects the source shows."""
        return self.counts.source

    def plan(self) -> Iterator[Action | Skip]:
        """What is missing first; what would be written over or called deleted last, if at all."""
        brakes = self._policy.brakes
        braked = partial(brakes.braked, judge=self.scrambled)
        for step in planned(self._sides, self._decided, braked, Limits(), is_held):
            self.gauges[_TO_MARK] += isinstance(step, Mark) and step.is_deleted
            yield step

    def rehearse(self) -> Iterator[Action | Skip]:
        """The plan for those who only look."""
        brakes = self._policy.brakes
        braked = partial(brakes.rehearsed, judge=self.scrambled)
        return planned(self._sides, self._decided, braked, Limits())

    def perform(self, action: Action) -> Flow[Outcome]:
        """One copy, or one mark."""
        source, target = self._sides.source.store, self._sides.target.store
        if isinstance(action, Mark):
            return self._mark(action, target)
        assert isinstance(action, Copy)
        if action.refused:
            return fail_refused(action, source)
        flow = copy(action, source, target, self._move)
        return flow if self._policy.told_at is None else as_it_is_now(flow, action, source)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        if not isinstance(action, Copy):
            return 0
        if action.source.size <= self._move.part_size:
            return action.source.size
        return weight(action.source, self._sides.target.store.able, self._move)

    def row_of(self, action: Action, outcome: Outcome) -> Row | None:
        """What the catalogue is to say of what was done."""
        if isinstance(action, Mark) and outcome.fate in (Fate.DONE, Fate.SKIPPED):
            self.gauges[_TO_MARK] -= action.is_deleted
        self.gauges[_NOT_MARKED] += isinstance(action, Mark) and outcome.fate is Fate.FAILED
        if outcome.fate is not Fate.DONE:
            return None
        if isinstance(action, Mark):
            return Row(action.key, deleted=self._since_when.pop(action.key, ""))
        if not isinstance(action, Copy) or action.key not in self._seen:
            return None
        found, written = self._seen.pop(action.key)
        return Row(
            action.key,
            outcome.size,
            outcome.target_etag,
            outcome.target_version,
            outcome.source_etag,
            found.entry.version,
            found.entry.modified,
            replace(found.attributes, tags=written.tags or found.attributes.tags),
            outcome.hashes,
            outcome.proof.label,
            deleted="",
        )

    def _witnessed(self, key: str, found: Found, written: Attributes) -> None:
        self._seen[key] = (found, written)

    def _told(self, prefix: str, drive: Caller, scratch: str | None) -> Listed:
        """The backup's listing; the catalogue is read beside it, anew with each look."""
        side, wanted = self._sides.target, self._sides.look
        listing: Listed
        if self._policy.named is None:
            listing = Listing(
                side.store, prefix, drive, sort=side.sort, scratch=scratch, ahead=wanted.ahead
            )
            rows = self._catalogue.rows()
        else:
            keys = keys_at(self._policy.named, self._sides.source.prefix, prefix)
            listing, rows = Named(side.store, keys, drive), self._catalogue.rows(keys)
        keep = wanted.filter.keeper(prefix, self._sides.source.prefix)
        if self.alongside is not None:
            self.alongside.close()
        self.alongside = Alongside(listing, prefix, rows, keep, scratch)
        self.scrambled.odd = self.alongside.odd
        return self.alongside

    def _told_of_source(self, prefix: str, drive: Caller, scratch: str | None) -> Listed:
        del scratch
        keys = keys_at(self._policy.named or (), prefix, prefix)
        return Named(self._sides.source.store, keys, drive)

    def _decided(self) -> Iterator[Action | Skip]:
        reserved = self._sides.target.prefix + RESERVED
        self._left = self._sides.counts.gone = 0
        steps = self._compared()
        if self._catalogue.is_new:
            steps = noted_first(steps, self._sides.target.store, self._sides.drive)
        for step in steps:
            if isinstance(step, Delete):
                is_marked = bool(self._since(step.target.key))
                self._sides.counts.gone += is_marked
                if not is_marked and self._may_be_marked(step.target):
                    expect_own(step.target.key, self._sides.target.prefix)
                    yield step
            elif isinstance(step, Copy) and step.target_key.startswith(reserved):
                yield replace(step, refused=f"{RESERVED} is kept for the backup's own catalogue")
            else:
                if isinstance(step, Copy):
                    self._since(step.target_key)  # The copy takes the mark away.
                self._sides.counts.gone += isinstance(step, Mark)
                yield step
        self._since("\U0010ffff" * 2)
        sides, is_listed = self._sides, self._policy.told_at is None
        source, target = sides.source, sides.target
        lacking = is_listed and may_lack(source.store, source.prefix)
        if lacking or may_lack(target.store, target.prefix):
            sides.counts.doubtful = source.store.name
        yield from (Mark(entry, is_deleted=False) for entry in self._returned())
        if self._left:
            said = BY_NAME if self._policy.named is not None else YOUNGER
            sides.notes.append(f"{self._left:,} objects of the backup {said}")
        if self._policy.named is not None:
            sides.counts.target = self._catalogue.about

    def _may_be_marked(self, entry: Entry) -> bool:
        """An inventory says nothing of what came after it, and a hint nothing at all."""
        policy = self._policy
        if not policy.marks_vanished:
            return False
        if policy.named is None and policy.told_at is None:
            return True
        is_left = policy.told_at is None or entry.modified > policy.told_at - SKEW_SECONDS
        self._left += is_left
        return not is_left

    def _compared(self) -> Iterator[Action | Skip]:
        sides, window = self._sides, self._policy.window_seconds
        if window is not None:
            return self._by_window(self._clock.now() - window)
        return decide(
            sides.differences(sides.rule.is_same),
            sides.rule,
            sides.settle(self._ledger_known),
            rename=sides.rename,
            delete_extra=True,
        )

    def _by_window(self, since: float) -> Iterator[Action | Skip]:
        """The rule of the old scripts: another size, or modified within the window."""

        def is_same(source: Entry, target: Entry) -> bool:
            return source.size == target.size and source.modified <= since

        for pair in self._sides.differences(is_same):
            if isinstance(pair, Skip):
                yield pair
            elif pair.source is None:
                assert pair.target is not None
                yield Delete(pair.target)
            else:
                key = self._sides.rename(pair.source.key)
                yield Copy(pair.source, key, replaces=pair.target, reason=_reason(pair))

    def _since(self, key: str) -> str:
        return self.alongside.since(key) if self.alongside is not None else ""

    def _returned(self) -> Sequence[Entry]:
        return self.alongside.returned if self.alongside is not None else ()

    def _mark(self, action: Mark, target: Store) -> Flow[Outcome]:
        """Our tags, beside those that the object has; read again, since some servers keep none."""
        key = action.key
        if self._policy.told_at is not None:
            sides = self._sides
            there = sides.source.prefix + key[len(sides.target.prefix) :]
            if why := (yield from denied(action, sides.source.store, there)):
                return Outcome(Fate.SKIPPED, cause="Told", message=why)
        tags = yield from target.tags(key)
        since = deleted_at(tags)
        told = Outcome(Fate.DONE, target_etag=action.target.pin)
        if action.is_deleted:
            at = since or moment(self._clock.now())
            wanted: dict[str, str] | None = dict(tags) if since else marked(tags, at)
            self._since_when[key] = at
        else:
            wanted = unmarked(tags)
        if wanted is None:
            return replace(told, message=NO_ROOM)
        if wanted != tags:
            yield from put_tags(target, key, wanted)
            if (yield from target.tags(key)) != wanted:
                raise Broken("the server did not keep its tags", store=target.name, key=key)
        return told


def _reason(pair: Pair) -> str:
    source, target = pair
    if target is None or source is None:
        return "missing"
    return "size" if source.size != target.size else "modified"
