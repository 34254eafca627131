"""Bring onto the volumes what the target lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bucketline.errors import Away, Interrupted, Mismatch, NotFound, TooLarge
from bucketline.flow.compare.doubts import Known, Lookup
from bucketline.flow.compare.guard import Counts, Limits, guarded
from bucketline.flow.compare.pairs import decide
from bucketline.flow.compare.planned import Looking, fail_refused, planned
from bucketline.flow.compare.sides import Sides
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.flow.move.hints import NoHints
from bucketline.flow.move.layout import layout, weight
from bucketline.flow.move.proof import Learnt, tells_md5
from bucketline.model import Action, Copy, Entry, Found, Outcome, Skip
from bucketline.sizes import show_size
from bucketline.stores.base import Flow, Pause, Store
from bucketline.stores.spool import Origin, Spool, Staged
from bucketline.stores.standing import Standing

_WAIT_SECONDS = 0.1  # For room: something is sent, or not yet.
_ASKED_FIRST, _ASKED = 16, 500  # Keys, of a ledger in one question.
_STUCK_LOOKS = 20  # In a row, before it is believed that nothing will be sent.
STAGED_MAX = 500_000  # Objects: what is known of each is held in memory.


@dataclass(frozen=True, slots=True)
class Books:
    """What the two ledgers of a relay know: raw keys of the target to their last proven copies."""

    delivered: Lookup
    fetched: Lookup


class Fetch(Looking):
    """One look at source and target, and the copies that bring the difference onto the volumes."""

    def __init__(
        self,
        sides: Sides,
        spool: Spool,
        policy: MovePolicy,
        *,
        books: Books,
        is_stuck: Callable[[], str],
        is_blind: bool = False,
        first: Sequence[str] = (),
    ) -> None:
        self._looks = _looks(sides, first)
        super().__init__(self._looks[-1])
        self._spool = spool
        self._policy = policy
        # Of files of others: held strictly against the etag, and never gone on with after a crash.
        learnt = Learnt(source_tells_md5=True)
        self._strict = replace(policy, learnt=learnt, hints=NoHints())
        self._books = books
        self._is_stuck = is_stuck  # Why nothing will be sent that could make room; "" = it will.
        self._is_blind = is_blind  # The target cannot be looked at: the ledger says what it has.
        self._is_hopeless = False  # For room, until something moves again.
        self._moving = 0  # Objects that have room, and are on their way onto a volume.
        self._away: set[str] = set()  # Keys of what was fetched onto volumes that are away.

    def plan(self) -> Iterator[Action | Skip]:
        """What is neither at the target nor on its way there; what is to come first, first."""
        for sides in self._looks:
            yield from planned(sides, partial(self._decided, sides), guarded, Limits())
            if sides.is_one_object:
                return

    @property
    def counts(self) -> Counts:
        """Of all looks together."""
        counts = [sides.counts for sides in self._looks]
        return Counts(sum(one.source for one in counts), sum(one.target for one in counts))

    @property
    def notes(self) -> list[str]:
        """Of all looks, each once."""
        return list(dict.fromkeys(note for sides in self._looks for note in sides.notes))

    def perform(self, action: Action) -> Flow[Outcome]:
        """One object onto the volumes, proven."""
        assert isinstance(action, Copy)
        if action.refused:
            return fail_refused(action, self._sides.source.store)
        return self._stage(action)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        assert isinstance(action, Copy)
        if action.source.size <= self._policy.part_size:
            return action.source.size
        return weight(action.source, self._spool.able, self._policy)

    def _decided(self, sides: Sides) -> Iterator[Action | Skip]:
        actions = decide(
            sides.differences(sides.rule.is_same),
            sides.rule,
            sides.settle(self._books.delivered),
            rename=sides.rename,
            delete_extra=False,
        )
        some: list[Copy] = []
        most = _ASKED_FIRST
        for action in actions:
            if not isinstance(action, Copy):
                yield action
            elif self._is_staged(action):
                yield Skip(1, action.source.size)
            else:
                some.append(action)
            if len(some) >= most:
                yield from self._unknown(some)
                some, most = [], min(2 * most, _ASKED)
        yield from self._unknown(some)

    def _is_staged(self, action: Copy) -> bool:
        staged = self._spool.index.get(action.target_key)
        pin = "" if staged is None or staged.is_unproven else staged.origin_pin
        return bool(pin) and pin == action.source.pin

    def _unknown(self, some: Sequence[Copy]) -> Iterator[Copy | Skip]:
        """What the ledgers know to be where it should is not fetched again because it was not
        seen: it was delivered after the target was listed, or to a target, or fetched onto a
        volume, that is away.
        """
        keys = [action.target_key for action in some]
        delivered = self._books.delivered(keys) if keys else {}
        fetched = {} if self._spool.shelves.are_all_known else self._books.fetched(keys)
        for action in some:
            known = delivered.get(action.target_key)
            if known is not None and _is_of(known, action.source) and self._is_there(action, known):
                yield Skip(1, action.source.size)
                continue
            if _is_of(fetched.get(action.target_key), action.source):
                self._away.add(action.target_key)
            yield action

    def _is_there(self, action: Copy, known: Known) -> bool:
        """Whether the target still has what was delivered; one that is away is not asked."""
        if self._is_blind:
            return True
        try:
            target = self._sides.target.store
            there = self._sides.drive.call(target.stat(action.target_key)).entry
        except NotFound:
            return False
        return (there.pin, there.size) == (known.target_etag, known.size)

    def _stage(self, action: Copy) -> Flow[Outcome]:
        key, source = action.target_key, self._sides.source.store
        yield from self._expect_none_on_its_way(action)
        yield from self._room(action)
        entry = action.source
        origin = Origin(source.name, entry.key, entry.pin, entry.version, entry.modified)
        self._moving += 1
        try:
            outcome = yield from self._copied(action, source, origin)
        finally:
            self._moving -= 1
            self._spool.came(key)
        if outcome.source_etag != entry.pin:  # It changed since it was listed.
            yield from self._spool.restate(key, replace(origin, pin=outcome.source_etag))
        return outcome

    def _copied(self, action: Copy, source: Store, origin: Origin) -> Flow[Outcome]:
        """The object on a volume. What older tools left of it is taken, if it proves to be it."""
        key, spool = action.target_key, self._spool
        if isinstance(source, Standing):
            spool.expect(key, replace(origin, is_unproven=True))
            outcome = yield from self._taken(action, source, origin)
            if outcome is not None:
                return outcome
            source.distrust(action.source.key)
        spool.expect(key, origin)
        return (yield from copy(action, source, spool, self._policy))

    def _taken(self, action: Copy, source: Standing, origin: Origin) -> Flow[Outcome | None]:
        """From its file; None = that is not the source's object. Until it is shown to be, by the
        source's etag, it is sent nowhere, also after a crash.
        """
        key = action.source.key
        try:
            outcome = yield from copy(action, source, self._spool, self._strict)
        except Mismatch:
            if source.found(key) is not None:
                return None
            raise
        found, staged = source.found(key), self._spool.index.get(action.target_key)
        if found is not None and staged is not None and not _is_shown(found, staged, source):
            yield from self._spool.remove(staged)
            return None
        yield from self._spool.restate(action.target_key, origin)
        yield from source.arrived(key)
        return outcome

    def _expect_none_on_its_way(self, action: Copy) -> Flow[None]:
        """Raise `Away` while another state of the object is on its way, or this one may be."""
        key, spool = action.target_key, self._spool
        staged: Staged | None = spool.index.get(key)
        if staged is not None and staged.is_unproven:  # A crash came before it was proven.
            yield from spool.remove(staged)
        elif staged is not None:
            said = "an earlier state of it is on its way to the target; this one follows"
            raise Away(said, store=spool.name, key=key)
        if key in self._away:
            said = "it was fetched onto a volume that is away now; it goes on when that is back"
            raise Away(said, store=spool.name, key=key)

    def _room(self, action: Copy) -> Flow[None]:
        """Wait until there is room for all of it: only then its first byte is fetched."""
        spool, key, size = self._spool, action.target_key, action.source.size
        part_size = self._policy.part_size
        if size > part_size:
            part_size = layout(action.source, spool.able, self._policy).part_size
        looks = 0
        while not self._has_room(key, size, part_size):
            looks = looks + 1 if self._is_stuck() and not self._moving else 0
            self._expect_hope(key, looks)
            if self._policy.wish.cuts:
                raise Interrupted(f"{spool.name}: stopped while it waited for room; run again")
            yield Pause(_WAIT_SECONDS)

    def _has_room(self, key: str, size: int, part_size: int) -> bool:
        shelves = self._spool.shelves
        if len(self._spool.index) < STAGED_MAX and shelves.promise(key, size, part_size):
            return True
        if not shelves.can_ever_hold(size, part_size):
            self._refuse(key, size, part_size)
        return False

    def _expect_hope(self, key: str, looks: int) -> None:
        """Raise `Away` when nothing that is staged will go before this pass has ended."""
        self._is_hopeless = looks > _STUCK_LOOKS or (looks > 0 and self._is_hopeless)
        if self._is_hopeless:
            said = f"no volume has room for it, and {self._is_stuck()}"
            raise Away(said, store=self._spool.name, key=key)

    def _refuse(self, key: str, size: int, part_size: int) -> None:
        """No volume that is there can ever hold it."""
        spool = self._spool
        if not all(one.is_usable for one in spool.shelves.all):
            said = "it fits on no volume that is there; it goes on when the others are back"
            raise Away(said, store=spool.name, key=key)
        if spool.shelves.can_ever_hold(size, part_size, is_alone=True):
            said = "others fill the volumes; make room there, or name another --volume"
            raise Away(said, store=spool.name, key=key)
        said = f"{show_size(size)} are more than all volumes can hold; name a larger --volume"
        raise TooLarge(said, store=spool.name, key=key)


def _looks(sides: Sides, first: Sequence[str]) -> list[Sides]:
    """The one, or two of which the first has what matches one of these globs."""
    if not first:
        return [sides]
    parts = sides.look.filter.split(first)
    return [
        Sides(sides.source, sides.target, sides.drive, replace(sides.look, filter=part))
        for part in parts
    ]


def _is_of(known: Known | None, entry: Entry) -> bool:
    """Whether it is this state of the source that was proven."""
    told = (entry.pin, entry.size)
    return known is not None and bool(entry.pin) and (known.source_etag, known.size) == told


def _is_shown(found: Found, staged: Staged, source: Store) -> bool:
    """Whether the source's etag says that these are its bytes: as the same one, or because it is an
    MD5, against which they were held as they passed.
    """
    return staged.entry.etag == found.entry.etag or tells_md5(found, source)
