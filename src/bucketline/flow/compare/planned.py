"""A plan from a look at two sides: over again if a listing proves to be without order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from bucketline.errors import Unholdable
from bucketline.flow.compare.guard import Counts, Limits
from bucketline.flow.compare.sides import Sides
from bucketline.flow.look.listing import Unsorted
from bucketline.flow.look.sorting import EntryFile
from bucketline.model import Action, Copy, Outcome, Skip, Update
from bucketline.stores.base import Flow, Store


class Looking:
    """What an engine that looks at two sides can tell of its look."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides

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


def planned(
    sides: Sides,
    decided: Callable[[], Iterator[Action | Skip]],
    guard: Callable[..., Iterator[Action | Skip]],
    limits: Limits,
    holds: Callable[[Action | Skip], bool] | None = None,
) -> Iterator[Action | Skip]:
    """What is left to do, `decided` by each new look; nothing is handed on twice, and what the
    guard `holds` until the plan has ended is not handed on before.
    """
    scratch = sides.look.scratch
    given = _Given(scratch, sides.counts, holds)
    sides.resolve()
    try:
        while not given.is_all:
            try:
                actions = chain(given.fresh(decided()), sides.refused())
                yield from guard(actions, limits, sides.counts, scratch=scratch)
            except Unsorted as error:
                sides.sort_after(error)
                given.start_over()
    finally:
        given.close()


def fail_refused(action: Copy, source: Store) -> Flow[Outcome]:
    """What becomes of what no key can stand for: it is planned, so that it is told."""
    yield from ()
    said = f"no object's key can stand for it: {action.refused}"
    raise Unholdable(said, store=source.name, key=action.source.key)


class _Given:
    """What a plan has handed on, so that after a new start nothing is handed on twice.

    Copies come in key order, in each look: two files side by side tell which one is new.
    """

    def __init__(
        self,
        scratch: str | None,
        counts: Counts,
        holds: Callable[[Action | Skip], bool] | None,
    ) -> None:
        self._scratch = scratch
        self._counts = counts
        self._holds = holds
        self._held = 0  # Copies of this look that the guard holds: a new start forgets them.
        self._before = EntryFile(scratch)  # Copies that earlier looks handed on.
        self._copies = EntryFile(scratch)  # These, and those of this look.
        self._skipped = self._skipped_size = 0
        self._is_again = False
        self.is_all = False  # A look has come to its end.

    def start_over(self) -> None:
        """The next `fresh` sees it all again."""
        self._is_again = True
        self._held = 0
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
                    self._keep(action)
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
                    self._keep(action)
                    yield action
        finally:  # This look may break off too: what earlier ones handed on stays known.
            if old is not None:
                self._copies.extend(chain([old], before))

    def _keep(self, action: Copy | Update) -> None:
        if self._holds is not None and self._holds(action):
            self._held += 1
        else:
            self._copies.append(action.source)

    def _rest(self, actions: Iterable[Action | Skip]) -> Iterator[Action | Skip]:
        """Holds counts back; tells at the end what was neither copied nor counted before."""
        size = 0
        for action in actions:
            if isinstance(action, Skip):
                size += action.size
            else:
                yield action
        count = self._counts.source - self._copies.count - self._held - self._skipped
        if count > 0:
            yield Skip(count, max(0, size - self._skipped_size))
            self._skipped += count
