"""All versions of all keys, oldest first, and every delete marker in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bucketline.engines.backup.brakes import VANISHED, Brakes
from bucketline.engines.backup.catalogue import RESERVED, Catalogue
from bucketline.engines.backup.chains import (
    Chain,
    Standing,
    chain,
    chains,
    is_behind,
    named_chains,
    standing,
    with_versions,
)
from bucketline.engines.backup.marks import moment
from bucketline.engines.backup.named import keys_at
from bucketline.engines.backup.rows import MARKER, Beside, Row
from bucketline.engines.backup.scrambled import Looks, was_renamed
from bucketline.errors import Broken, Interrupted, Stale
from bucketline.flow.compare.guard import Counts, Limits
from bucketline.flow.compare.planned import fail_refused
from bucketline.flow.compare.sides import Look, Side
from bucketline.flow.look.listing import Caller
from bucketline.flow.look.sorting import EntryFile
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.flow.move.layout import weight
from bucketline.flow.move.pinned import PinnedSource
from bucketline.model import Action, Attributes, Change, Copy, Entry, Fate, Found, Outcome, Skip
from bucketline.stores.base import Flow
from bucketline.stores.beyond import Version


@dataclass(frozen=True, slots=True)
class HistoryPolicy:
    """What a person wants of it."""

    look: Look = field(default_factory=Look)
    brakes: Brakes = field(default_factory=Brakes)
    move: MovePolicy = field(default_factory=MovePolicy)
    reads_backup: bool = False  # The source is one: its catalogue takes no part.
    named: tuple[str, ...] | None = None  # Keys of the source, in order; None = all that it lists.


class History:
    """One look at every version of two places, and what brings the second one up to the first."""

    compare_said = "versions"
    must_sort = (False, False)
    alongside = None

    def __init__(
        self,
        source: Side,
        target: Side,
        policy: HistoryPolicy,
        drive: Caller,
        *,
        catalogue: Catalogue | None,
    ) -> None:
        self._source = source
        self._target = target
        self._policy = policy
        self._move = replace(policy.move, witness=self._witnessed)
        self.scrambled = Looks(source.store, target.store, drive)
        self._judge = None if policy.reads_backup else self.scrambled
        self._drive = drive
        self._catalogue = catalogue
        self._known: dict[str, tuple[Row, ...]] = {}  # Of what is planned.
        self._written: dict[str, list[Row]] = {}  # Of what was done.
        self._seen: dict[str, tuple[Found, Attributes]] = {}
        self.counts = Counts()
        self.notes: list[str] = []
        self.gauges: dict[str, int] = {}
        self.live = 0  # Keys of the source that show an object.
        self.hid = 0  # Keys that showed an object before, and show a marker now.

    def plan(self) -> Iterator[Action | Skip]:
        """A key with versions that are missing is one step; new keys come first."""
        brakes = self._policy.brakes
        return brakes.braked(self._decided(), Limits(), self.counts, judge=self._judge)

    def rehearse(self) -> Iterator[Action | Skip]:
        """The plan for those who only look."""
        brakes = self._policy.brakes
        return brakes.rehearsed(self._decided(), Limits(), self.counts, judge=self._judge)

    def perform(self, action: Action) -> Flow[Outcome]:
        """All that is missing of one key, one after the other."""
        assert isinstance(action, Copy)
        source, target, key = self._source.store, self._target.store, action.target_key
        if action.refused:
            return (yield from fail_refused(action, source))
        wanted = yield from chain(source, action.source.key)
        held = yield from chain(target, key)
        stands = standing(wanted, held, self._known.get(key, ()))
        if not is_behind(wanted, stands.missing):
            said = "a version turned up that is older than what the backup holds of it already"
            raise Stale(said, store=source.name, key=action.source.key)
        fresh: list[Row] = []
        told = Outcome(Fate.DONE)
        changes: list[Change] = []
        for version in stands.missing:
            self._heed_wish(key)
            if version.is_delete_marker:
                yield from target.delete(key)
                fresh.append(_marker(version))
                continue
            one = replace(action, source=version.entry, replaces=None)
            outcome = yield from copy(one, PinnedSource(source, version.entry), target, self._move)
            told = replace(outcome, size=told.size + outcome.size)
            changes += outcome.changes
            fresh.append(self._row(key, version, outcome))
        rows = yield from self._placed(key, fresh, stands.rows) if fresh else _nothing()
        self.hid += bool(fresh and held) and fresh[-1].state == MARKER and _shows(held)
        self._written[key] = [*stands.rows, *rows]
        return replace(told, changes=tuple(dict.fromkeys(changes)))

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        assert isinstance(action, Copy)
        if action.source.size <= self._move.part_size:
            return action.source.size
        return weight(action.source, self._target.store.able, self._move)

    def row_of(self, action: Action, outcome: Outcome) -> Row | None:
        """What the catalogue is to say of what was done."""
        history = self._written.pop(action.key, [])
        self._known.pop(action.key, None)
        if outcome.fate is not Fate.DONE or not history:
            return None
        # Of what was only ever deleted, there are only markers.
        real = next((row for row in reversed(history) if row.state != MARKER), Row(""))
        is_gone = history[-1].state == MARKER
        deleted = moment(history[-1].modified) if is_gone else ""
        return replace(real, key=action.key, deleted=deleted, history=tuple(history))

    def _decided(self) -> Iterator[Action | Skip]:
        source, target = self._source, self._target
        held = Beside(self._held(self._chains(target)))
        rows = Beside(self._rows())
        keep = self._policy.look.filter.keeper(source.prefix, target.prefix)
        vanished = 0
        for one in self._chains(source):
            if keep is not None and not keep([one.newest.entry]):
                continue
            if one.key.startswith(source.prefix + RESERVED) and self._policy.reads_backup:
                continue
            self.counts.source += 1
            self.live += _is_there(one)
            key = target.prefix + one.key[len(source.prefix) :]
            if key.startswith(target.prefix + RESERVED):
                refused = f"{RESERVED} is kept for the backup's own catalogue"
                yield Copy(one.newest.entry, key, refused=refused)
                continue
            there, row = held.at(key), rows.at(key)
            known = row.history if row is not None else ()
            stands = standing(one.versions, there.versions if there else (), known)
            vanished += _vanishes(one, there, stands)
            yield self._step(one, key, there, stands, known)
        held.at("\U0010ffff" * 2)
        if self._policy.named is not None and self._catalogue is not None:
            self.counts.target = self._catalogue.about
        self._policy.brakes.vanished.expect(vanished, self.counts.target)

    def _chains(self, side: Side) -> Iterator[Chain]:
        """All, or those that were named."""
        if self._policy.named is None:
            return chains(side.store, side.prefix, self._drive)
        return named_chains(side.store, self._keys(side.prefix), self._drive)

    def _rows(self) -> Iterator[Row]:
        if self._catalogue is None:
            return iter(())
        keys = None if self._policy.named is None else self._keys(self._target.prefix)
        return iter(self._catalogue.rows(keys))

    def _keys(self, prefix: str) -> list[str]:
        """Those that were named, as one side has them."""
        return keys_at(self._policy.named or (), self._source.prefix, prefix)

    def _step(
        self,
        one: Chain,
        key: str,
        there: Chain | None,
        stands: Standing,
        known: tuple[Row, ...],
    ) -> Copy | Skip:
        is_to_record = stands.is_unrecorded and self._catalogue is not None
        if not stands.missing and not is_to_record:
            return Skip(1, one.newest.entry.size)
        self._known[key] = known
        newest = (stands.missing or one.versions)[-1].entry
        size = sum(version.entry.size for version in stands.missing)
        replaces = there.newest.entry if there is not None and _is_there(there) else None
        if not stands.missing:
            return Copy(newest._replace(size=0), key, reason="unrecorded")
        reason = VANISHED if _vanishes(one, there, stands) else "versions"
        return Copy(newest._replace(key=one.key, size=size), key, replaces, reason=reason)

    def _held(self, told: Iterator[Chain]) -> Iterator[Chain]:
        odd = EntryFile(self._policy.look.scratch)
        self.scrambled.odd = odd
        for one in told:
            self.counts.target += _is_there(one)
            if _is_there(one) and was_renamed(one.key):
                odd.append(Entry(one.key, 0))
            yield one

    def _heed_wish(self, key: str) -> None:
        if self._move.wish.cuts:
            raise Interrupted(f"{key}: some of its versions are left for the next run")

    def _placed(self, key: str, fresh: Sequence[Row], known: Sequence[Row]) -> Flow[list[Row]]:
        """What was written, with the versions that it has become: not every answer tells them."""
        target = self._target.store
        rows = with_versions(fresh, (yield from chain(target, key)), known)
        if rows is None:
            said = "the versions that were written are not there; does it keep versions?"
            raise Broken(said, store=target.name, key=key)
        return rows

    def _witnessed(self, key: str, found: Found, written: Attributes) -> None:
        self._seen[key] = (found, written)

    def _row(self, key: str, version: Version, outcome: Outcome) -> Row:
        row = Row(
            *("", outcome.size, outcome.target_etag, outcome.target_version),
            *(version.entry.etag, version.entry.version, version.entry.modified),
            hashes=outcome.hashes,
            proof=outcome.proof.label,
        )
        if key not in self._seen:
            return row
        found, written = self._seen.pop(key)
        tags = written.tags or found.attributes.tags
        return replace(row, attributes=replace(found.attributes, tags=tags))


def _is_there(one: Chain) -> bool:
    return _shows(one.versions)


def _shows(versions: Sequence[Version]) -> bool:
    return not versions[-1].is_delete_marker


def _vanishes(one: Chain, there: Chain | None, stands: Standing) -> bool:
    """Whether the backup shows an object, and will show none."""
    is_shown = there is not None and _is_there(there)
    return is_shown and bool(stands.missing) and one.newest.is_delete_marker


def _marker(version: Version) -> Row:
    entry: Entry = version.entry
    return Row("", source_version=entry.version, modified=entry.modified, state=MARKER)


def _nothing() -> Flow[list[Row]]:
    yield from ()
    return []
