"""Have what a place holds in archive tiers readable for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bucketline.clock import Clock
from bucketline.errors import NotFound, Remedy, StoreError
from bucketline.flow.compare.guard import Counts
from bucketline.flow.compare.sides import Side
from bucketline.flow.look.filters import EVERYTHING, Filter
from bucketline.flow.look.listing import Caller, Listing
from bucketline.flow.move.fidelity import ARCHIVES
from bucketline.flow.prices import Amount
from bucketline.flow.thaw import (
    Seen,
    State,
    Wish,
    asked,
    is_to_ask,
    look,
    may_be_archived,
    said_of,
    state_told,
    takes,
)
from bucketline.model import Action, Entry, Fate, Outcome, Skip, Thaw
from bucketline.stores.base import Flow, Together
from bucketline.stores.beyond import told_thaws

_AT_ONCE = 32
_BATCH = 512
THAWING = "Thawing"  # The cause of those that wait.
UNKNOWN = "unknown"  # How those stand that could not be looked at.


class Thawed:
    """One look at a place, and the requests that make it readable."""

    compare_said = "states of archives"

    def __init__(
        self,
        place: Side,
        wish: Wish,
        drive: Caller,
        clock: Clock,
        *,
        chosen: Filter = EVERYTHING,
    ) -> None:
        self._place = place
        self._wish = wish
        self._drive = drive
        self._clock = clock
        self._chosen = chosen
        self._told: dict[str, tuple[bool, float]] | None = None
        self.counts = Counts()
        self.notes: list[str] = []

    def plan(self) -> Iterator[Action | Skip]:
        """Every object that an archive holds, as it stands; all others are counted."""
        self._told = told_thaws(self._place.store)
        batch: list[Entry] = []
        for page in self._pages():
            self.counts.source += len(page)
            found = [entry for entry in page if may_be_archived(entry)]
            if len(found) < len(page):
                size = sum(entry.size for entry in page) - sum(entry.size for entry in found)
                yield Skip(len(page) - len(found), size)
            for entry in found:
                if (seen := self._told_of(entry)) is not None:
                    yield Thaw(entry, seen.state.value, seen.until)
                else:
                    batch.append(entry)
            if len(batch) >= _BATCH:
                yield from self._seen(batch)
                batch = []
        yield from self._seen(batch)

    def perform(self, action: Action) -> Flow[Outcome]:
        """Ask for one object, if there is need."""
        assert isinstance(action, Thaw)
        entry, store, wish = action.target, self._place.store, self._wish
        if action.state:
            seen = Seen(State(action.state), action.until)
        else:
            seen = yield from look(store, entry, self._clock)
        seen = yield from asked(store, entry, seen, wish, self._clock)
        said = said_of(entry, seen, wish)
        if seen.state.is_readable:
            return Outcome(Fate.DONE, size=entry.size, message=said)
        return Outcome(Fate.WAITING, cause=THAWING, message=said)

    def weight(self, action: Action) -> int:
        """No body is held."""
        del action
        return 0

    def _pages(self) -> Iterator[list[Entry]]:
        prefix, store = self._place.prefix, self._place.store
        if prefix and not prefix.endswith("/"):
            try:
                yield [self._drive.call(store.stat(prefix)).entry]
            except NotFound:
                prefix += "/"
            else:
                return
        keep = self._chosen.keeper(prefix)
        listing = Listing(store, prefix, self._drive, sort=self._place.sort)
        for page in listing.pages():
            yield keep(page) if keep else page
            if self._told is not None:  # Pages come ahead: those behind this one stay.
                for entry in page:
                    self._told.pop(entry.key, None)
        self.notes += listing.notes

    def _told_of(self, entry: Entry) -> Seen | None:
        """What the listing told of it; of a tier that archives by itself it knows nothing."""
        if self._told is None or entry.tier not in ARCHIVES or entry.key not in self._told:
            return None
        return state_told(self._told[entry.key], self._clock.now())

    def _seen(self, batch: Sequence[Entry]) -> Iterator[Action | Skip]:
        states: list[Seen | None] = self._drive.call(self._together(batch)) if batch else []
        for entry, seen in zip(batch, states, strict=True):
            if seen is not None and seen.state is State.READABLE:
                yield Skip(1, entry.size)
            elif seen is not None:
                yield Thaw(entry, seen.state.value, seen.until)
            else:
                yield Thaw(entry)

    def _together(self, batch: Sequence[Entry]) -> Flow[list[Seen | None]]:
        found: list[Seen | None] = yield Together([self._look(one) for one in batch], _AT_ONCE)
        return found

    def _look(self, entry: Entry) -> Flow[Seen | None]:
        """None = it does not say; to look at it again fails likewise, and is told."""
        try:
            return (yield from look(self._place.store, entry, self._clock))
        except NotFound:
            return Seen(State.READABLE)  # It went after it was listed: nothing is left to do.
        except StoreError as error:
            if error.remedy is Remedy.STOP:
                raise
            return None


@dataclass(slots=True)
class Expected:
    """What a plan comes to."""

    amounts: dict[str, Amount] = field(default_factory=dict)  # To be asked for, by tier.
    rest: Counter[str] = field(default_factory=Counter)  # All others, by state; or skipped.

    def counted(self, plan: Iterable[Action | Skip]) -> Iterator[Thaw]:
        """The same steps, without what needs none."""
        for step in plan:
            if isinstance(step, Skip):
                self.rest["skipped"] += step.count
                continue
            assert isinstance(step, Thaw)
            if is_to_ask(step.state):
                before = self.amounts.get(step.target.tier, Amount())
                self.amounts[step.target.tier] = before + Amount(1, step.target.size)
            else:
                self.rest[step.state or UNKNOWN] += 1
            yield step

    def longest(self, wish: Wish) -> str:
        """How long the slowest of those archives takes."""
        times = [takes(tier, wish.speed) for tier in sorted(self.amounts)]
        return times[0] if times else ""
