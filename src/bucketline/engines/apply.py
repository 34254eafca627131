"""Carry out a saved plan: exactly its actions, and only while the world is as it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

from bucketline.errors import Refused, Stale, Unholdable, printable
from bucketline.flow.compare.content import same_bytes
from bucketline.flow.compare.guard import Counts
from bucketline.flow.compare.pairs import Both
from bucketline.flow.ledger.applied import Applied
from bucketline.flow.look.listing import Caller
from bucketline.flow.move.copy import MovePolicy, copy, remove
from bucketline.flow.move.layout import weight
from bucketline.flow.move.pinned import PinnedSource, PinnedTarget, fits, held, settled
from bucketline.flow.plans import SavedPlan
from bucketline.model import Action, Copy, Delete, Entry, Outcome, Skip
from bucketline.stores.base import Flow, Store, Together

_BATCH = 500  # Actions that are looked at together.
_WIDTH = 32
_TOLD_MAX = 3

Memory = Callable[[Sequence[str]], Mapping[str, Applied]]  # What this plan has done so far.


class Standing(IntEnum):
    """Whether an action can still be what it was planned as."""

    FITS = 0
    DONE = 1  # What it is to bring about is so.
    STALE = 2


class Seen(NamedTuple):
    """An action's standing, and what moved."""

    standing: Standing
    why: str = ""
    is_of_source: bool = False  # It was the source that moved.


@dataclass(frozen=True, slots=True)
class ApplyPolicy:
    """How a plan is carried out."""

    move: MovePolicy = field(default_factory=MovePolicy)
    skip_stale: bool = False  # Do what still fits, instead of all or nothing.


class Apply:
    """The actions of one file, between the two places that it names."""

    def __init__(
        self,
        saved: SavedPlan,
        places: tuple[Store, Store],
        policy: ApplyPolicy,
        drive: Caller,
        memory: Memory,
    ) -> None:
        self._saved = saved
        self._source, self._target = places
        self._policy = policy
        self._drive = drive
        self._memory = memory
        self._is_refused = False
        self.stale = 0  # Actions that were found not to fit any more.
        self.refused = 0  # Actions that were not done for that.
        self._told: list[str] = []  # The first of them.
        self.counts = Counts(source=saved.totals.actions)
        self.notes: list[str] = []

    @property
    def compare_said(self) -> str:
        """What the plan rests on."""
        return self._saved.head.compare or "a saved plan"

    def looked(self) -> Iterator[tuple[Action, Seen]]:
        """Every action and its standing now."""
        actions = self._saved.actions()
        while batch := list(islice(actions, _BATCH)):
            for action, seen in zip(batch, self._look(batch), strict=True):
                if seen.standing is Standing.STALE:
                    self._note(action, seen.why)
                yield action, seen

    def check(self) -> None:
        """Raise `Refused` if something no longer fits and all must."""
        if self.stale and not self._policy.skip_stale:
            raise Refused(self._refusal())

    def plan(self) -> Iterator[Action | Skip]:
        """What of the plan is left to do.

        All of it is looked at before the first is handed on: a world that moved stops it whole.
        """
        if self._policy.skip_stale:
            for action, seen in self.looked():  # Stale ones fail, and so are told and counted.
                yield Skip(1, 0) if seen.standing is Standing.DONE else action
            return
        standings = bytearray(seen.standing for _, seen in self.looked())
        if self.stale:
            self._is_refused = True
            yield from self._only(standings, Standing.STALE)  # They fail; `check` says it at last.
            return
        yield from self._only(standings, Standing.FITS)
        if done := standings.count(Standing.DONE):
            yield Skip(done, 0)

    def perform(self, action: Action) -> Flow[Outcome]:
        """One copy or one delete, between what the plan says that is there."""
        try:
            if self._is_refused:
                yield from self._refuse(action)
            if isinstance(action, Delete):
                return (yield from remove(action, self._target, error=Stale))
            assert isinstance(action, Copy)
            return (yield from self._copy(action))
        except Stale:
            self.refused += 1
            raise

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        if not isinstance(action, Copy):
            return 0
        return weight(action.source, self._target.able, self._policy.move)

    def _only(self, standings: bytearray, wanted: Standing) -> Iterator[Action]:
        for action, standing in zip(self._saved.actions(), standings, strict=True):
            if standing == wanted:
                yield action

    def _look(self, batch: Sequence[Action]) -> list[Seen]:
        memory = self._memory([action.key for action in batch])
        flows = [self._seen(action, memory.get(action.key)) for action in batch]

        def together() -> Flow[list[Seen]]:
            seen: list[Seen] = yield Together(flows, width=_WIDTH)
            return seen

        return self._drive.call(together())

    def _seen(self, action: Action, before: Applied | None) -> Flow[Seen]:
        now = yield from held(self._target, action.key)
        if isinstance(action, Delete):
            return _of_delete(now, action, before)
        assert isinstance(action, Copy)
        if action.refused:
            return Seen(Standing.FITS)
        if _is_done(now, action, before):
            return Seen(Standing.DONE)
        source = yield from held(self._source, action.source.key)
        if not fits(source, action.source):
            gone = "it is gone at the source"
            why = "the source holds another one now" if source else gone
            return Seen(Standing.STALE, why, is_of_source=True)
        if fits(now, action.replaces):
            return Seen(Standing.FITS)
        if now is not None and before is not None and (yield from self._came_through(action, now)):
            return Seen(Standing.DONE)
        return Seen(Standing.STALE, "the target holds another one now" if now else _GONE)

    def _came_through(self, action: Copy, now: Entry) -> Flow[bool]:
        """A run of this plan was cut off here: whether its bytes arrived, only they tell."""
        if now.size != action.source.size:
            return False
        return (yield from same_bytes(Both(action.source, now), self._source, self._target))

    def _copy(self, action: Copy) -> Flow[Outcome]:
        key = action.source.key
        if action.refused:
            said = f"no object's key can stand for it: {action.refused}"
            raise Unholdable(said, store=self._source.name, key=key)
        source = PinnedSource(self._source, action.source)
        if action.source.version:  # Which could be read as long as it is there.
            yield from source.stat(key)
        target = PinnedTarget(self._target, action.target_key, action.replaces)
        yield from target.check()
        return (yield from copy(action, source, target, self._policy.move))

    def _refuse(self, action: Action) -> Flow[None]:
        seen = yield from self._seen(action, None)
        why = seen.why or "it did not fit a moment ago"
        store, key = self._target, action.key
        if seen.is_of_source and isinstance(action, Copy):
            store, key = self._source, action.source.key
        raise Stale(f"{why}; nothing of the plan was done", store=store.name, key=key)

    def _note(self, action: Action, why: str) -> None:
        self.stale += 1
        if len(self._told) < _TOLD_MAX:
            self._told.append(f"{printable(action.key)} ({why})")

    def _refusal(self) -> str:
        more = self.stale - len(self._told)
        rest = f" and {more:,} more" if more else ""
        return (
            f"stale plan: {self.stale:,} of {self._saved.totals.actions:,} actions no longer fit:"
            f" {', '.join(self._told)}{rest}; nothing was done. Save the plan anew and look at it,"
            " or do the others with --skip-stale"
        )


_GONE = "it is gone at the target"


def _of_delete(now: Entry | None, action: Delete, before: Applied | None) -> Seen:
    if now is None or (before is not None and before.is_done):
        return Seen(Standing.DONE)  # What came there again is not what was to be deleted.
    if fits(now, action.target):
        return Seen(Standing.FITS)
    return Seen(Standing.STALE, "the target holds another one now")


def _is_done(now: Entry | None, action: Copy, before: Applied | None) -> bool:
    """Done by this plan, as its ledger says and the target confirms; or the target tells so."""
    if now is None:
        return False
    if before is not None and before.is_done:
        proven = (before.size, settled(before.source_pin), settled(before.target_pin))
        if proven == (now.size, action.source.pin, settled(now.pin)):
            return True
    is_other = not fits(now, action.replaces)
    return is_other and now.size == action.source.size and now.etag == action.source.etag != ""
