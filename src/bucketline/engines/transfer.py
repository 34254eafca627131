"""Make the target hold what the source holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from bucketline.errors import Unholdable
from bucketline.flow.compare.attributes import Compared
from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.compare.guard import Counts, Limits, guarded, rehearsed
from bucketline.flow.compare.pairs import decide, judged, never
from bucketline.flow.compare.sides import Look, Side, Sides
from bucketline.flow.look.listing import Caller, Unsorted
from bucketline.flow.look.sorting import EntryFile
from bucketline.flow.move.copy import MovePolicy, copy, remove
from bucketline.flow.move.layout import weight
from bucketline.flow.move.retouch import update
from bucketline.flow.move.told import as_it_is_now
from bucketline.model import Action, Copy, Delete, Outcome, Skip, Update
from bucketline.stores.base import Flow, Store


@dataclass(frozen=True, slots=True)
class TransferPolicy:
    """What a person wants of a transfer."""

    look: Look = field(default_factory=Look)
    delete_extra: bool = False
    limits: Limits = field(default_factory=Limits)
    move: MovePolicy = field(default_factory=MovePolicy)
    metadata_only: bool = False  # No bytes cross: what differs in them is left as it is.


class Transfer:
    """One look at both sides, and the steps that make the target hold what the source holds."""

    def __init__(
        self,
        source: Side,
        target: Side,
        policy: TransferPolicy,
        drive: Caller,
        ledger_known: Lookup,
    ) -> None:
        self._sides = Sides(source, target, drive, policy.look)
        self._policy = policy
        self._ledger_known = ledger_known

    @property
    def compare_said(self) -> str:
        """What the comparison rests on, for the output."""
        return self._sides.rule.said

    @property
    def counts(self) -> Counts:
        """How many entries each side holds that take part; final when the plan has ended."""
        return self._sides.counts

    @property
    def notes(self) -> list[str]:
        """What a person should know of the listings."""
        return self._sides.notes

    @property
    def must_sort(self) -> tuple[bool, bool]:
        """Whether source and target were found to list without order: worth remembering.

        One who starts with `Side(sort=True)` copies nothing only because it was listed late.
        """
        return self._sides.source.sort, self._sides.target.sort

    def plan(self) -> Iterator[Action | Skip]:
        """What is left to do; deletes last. A listing without order makes it start over."""
        return self._planned(guarded)

    def rehearse(self) -> Iterator[Action | Skip]:
        """The plan for those who only look: it is all there, also when it would be refused."""
        return self._planned(rehearsed)

    def _planned(self, guard: Callable[..., Iterator[Action | Skip]]) -> Iterator[Action | Skip]:
        sides, scratch = self._sides, self._policy.look.scratch
        given = _Given(scratch, sides.counts)
        sides.resolve()
        try:
            while not given.is_all:
                try:
                    actions = chain(given.fresh(self._decided()), sides.refused())
                    yield from guard(actions, self._policy.limits, sides.counts, scratch=scratch)
                except Unsorted as error:
                    sides.sort_after(error)
                    given.start_over()
        finally:
            given.close()

    def perform(self, action: Action) -> Flow[Outcome]:
        """One copy or one delete."""
        source, target = self._sides.source.store, self._sides.target.store
        if isinstance(action, Copy):
            if action.refused:
                return _fail(action, source)
            flow = copy(action, source, target, self._policy.move)
            return flow if self._sides.source.told is None else as_it_is_now(flow, action, source)
        if isinstance(action, Delete):
            return remove(action, target)
        assert isinstance(action, Update)
        return update(action, source, target, self._policy.move)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        if not isinstance(action, Copy):
            return 0
        if action.source.size <= self._policy.move.part_size:
            return action.source.size
        return weight(action.source, self._sides.target.store.able, self._policy.move)

    def _decided(self) -> Iterator[Action | Skip]:
        sides = self._sides
        if self._policy.metadata_only:
            return self._updates()
        return decide(
            sides.differences(sides.rule.is_same),
            sides.rule,
            sides.settle(self._ledger_known),
            rename=sides.rename,
            delete_extra=self._policy.delete_extra,
        )

    def _updates(self) -> Iterator[Action | Skip]:
        sides = self._sides
        compared = Compared(sides.source.store, sides.target.store, sides.drive, self._policy.move)
        pairs = judged(sides.differences(never), sides.rule, sides.settle(self._ledger_known))
        yield from compared.updates(pairs)
        if compared.left:
            said = f"{compared.left:,} left alone: other bytes, or none, at the target"
            sides.notes.append(f"{said}; sync without --metadata-only copies them")


def _fail(action: Copy, source: Store) -> Flow[Outcome]:
    yield from ()
    said = f"no object's key can stand for it: {action.refused}"
    raise Unholdable(said, store=source.name, key=action.source.key)


class _Given:
    """What a plan has handed on, so that after a new start nothing is handed on twice.

    Copies come in key order, in each look: two files side by side tell which one is new.
    """

    def __init__(self, scratch: str | None, counts: Counts) -> None:
        self._scratch = scratch
        self._counts = counts
        self._before = EntryFile(scratch)  # Copies that earlier looks handed on.
        self._copies = EntryFile(scratch)  # These, and those of this look.
        self._skipped = self._skipped_size = 0
        self._is_again = False
        self.is_all = False  # A look has come to its end.

    def start_over(self) -> None:
        """The next `fresh` sees it all again."""
        self._is_again = True
        self._before.close()
        self._before, self._copies = self._copies, EntryFile(self._scratch)

    def close(self) -> None:
        """Free the disk."""
        self._before.close()
        self._copies.close()

    def fresh(self, actions: Iterable[Action | Skip]) -> Iterator[Action | Skip]:
        """Those that were not handed on before."""
        if self._is_again:
            yield from self._rest(self._unseen(actions))
        else:
            for action in actions:
                if isinstance(action, Copy | Update):
                    self._copies.append(action.source)
                elif isinstance(action, Skip):
                    self._skipped += action.count
                    self._skipped_size += action.size
                yield action
        self.is_all = True

    def _unseen(self, actions: Iterable[Action | Skip]) -> Iterator[Action | Skip]:
        before = iter(self._before)
        old = next(before, None)
        try:
            for action in actions:
                if not isinstance(action, Copy | Update):
                    yield action
                    continue
                while old is not None and old.key < action.source.key:
                    self._copies.append(old)
                    old = next(before, None)
                if old is None or old.key != action.source.key:
                    self._copies.append(action.source)
                    yield action
        finally:  # This look may break off too: what earlier ones handed on stays known.
            if old is not None:
                self._copies.extend(chain([old], before))

    def _rest(self, actions: Iterable[Action | Skip]) -> Iterator[Action | Skip]:
        """Holds counts back; tells at the end what was neither copied nor counted before."""
        size = 0
        for action in actions:
            if isinstance(action, Skip):
                size += action.size
            else:
                yield action
        count = self._counts.source - self._copies.count - self._skipped
        if count > 0:
            yield Skip(count, max(0, size - self._skipped_size))
            self._skipped += count
