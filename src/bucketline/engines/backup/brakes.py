"""What no backup may do: believe a burst of deletions, or of overwrites, that nobody expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from bucketline.engines.backup.rows import Beside
from bucketline.engines.backup.scrambled import Changed, Looks, was_renamed
from bucketline.errors import Refused, printable
from bucketline.flow.compare.guard import Counts, Limits
from bucketline.flow.compare.pairs import is_same_etag
from bucketline.flow.look.sorting import EntryFile, Sorter
from bucketline.model import Action, Copy, Delete, Entry, Mark, Skip

_FEW = 10  # Objects: so many may always vanish or change.
_CURE = "Look at it with --dry-run"

VANISHED = "vanished"  # The reason of a copy behind which the target shows nothing any more.


@dataclass(frozen=True, slots=True)
class Brake:
    """How many objects may go one way in one run; without words, by default."""

    said: str = ""
    what: str = ""
    option: str = ""
    number: int = 1_000  # By default.
    percent: float = 25.0

    def expect(self, count: int, held: int, more: str = "") -> None:
        """Raise `Refused` for too many of those that are held."""
        if self.is_few(count):
            return
        limit = Limits.of(self.said) if self.said else Limits(self.number, self.percent)
        number, percent = limit.max_delete, limit.max_delete_percent
        if number is not None and count > number:
            many = f"more than {number:,}"
        elif percent is not None and count * 100 > percent * held:
            many = f"more than {percent:g}% of {held:,}"
        else:
            return
        raise Refused(
            f"{count:,} objects {self.what}, {many}{more}; none of them was touched, and the run"
            f" ends here. {_CURE}, then raise {self.option} if it is right"
        )

    def is_few(self, count: int) -> bool:
        """Whether nobody minds so many, whatever is held."""
        return count == 0 or (not self.said and count <= _FEW)

    def looks_at(self, count: int) -> bool:
        """Whether it is worth a look how many of so many are meant."""
        return not self.is_few(count)


def vanished(said: str = "") -> Brake:
    return Brake(said, "of the backup are not at the source", "--max-vanished")


def replaced(said: str = "") -> Brake:
    return Brake(said, "of the backup are others at the source", "--max-replaced")


def scrambled(said: str = "") -> Brake:
    what = "look encrypted at the source, and do not in the backup"
    return Brake(said, what, "--max-scrambled", number=100, percent=5.0)


def rolled_back(said_hidden: str = "", said_replaced: str = "") -> Brakes:
    """For a place that becomes what its backup was."""
    return Brakes(
        Brake(said_hidden, "of the target are not in the backup", "--max-hidden"),
        Brake(said_replaced, "of the target are others in the backup", "--max-replaced"),
        gone=Delete,
        empty="the backup holds nothing of that; nothing was hidden. Look whether it is the right"
        " one, and the right time",
    )


@dataclass(frozen=True, slots=True)
class Brakes:
    """All of them, and what becomes of what they let through."""

    vanished: Brake = field(default_factory=vanished)
    replaced: Brake = field(default_factory=replaced)
    scrambled: Brake = field(default_factory=scrambled)
    gone: type[Mark | Delete] = Mark
    empty: str = (
        "the source is empty, and the backup is not; nothing was called deleted. Look whether the"
        " source is the right one"
    )

    def check(self) -> None:
        """Raise `UsageError` for limits that make no sense."""
        for one in (self.vanished, self.replaced, self.scrambled):
            if one.said:
                Limits.of(one.said)

    def braked(
        self,
        actions: Iterable[Action | Skip],
        limits: Limits,
        counts: Counts,
        *,
        scratch: str | None = None,
        judge: Looks | None = None,
    ) -> Iterator[Action | Skip]:
        """What is missing goes at once. What would be written over, or called deleted, is held
        until the plan has ended: a listing that breaks off raises before the first one goes.
        """
        del limits  # Ours are others.
        held = _Held(scratch)
        try:
            for action in actions:
                if not held.takes(action):
                    yield action
            self._expect(held, counts, judge)
            yield from held.copies()
            yield from map(self.gone, held.vanished)
        finally:
            held.close()

    def rehearsed(
        self,
        actions: Iterable[Action | Skip],
        limits: Limits,
        counts: Counts,
        *,
        scratch: str | None = None,
        judge: Looks | None = None,
    ) -> Iterator[Action | Skip]:
        """The same plan, only to be looked at: all of it first, then what would be refused."""
        del limits
        held = _Held(scratch)
        try:
            for action in actions:
                held.takes(action)
                yield self.gone(action.target) if isinstance(action, Delete) else action
            self._expect(held, counts, judge)
        finally:
            held.close()

    def _expect(self, held: _Held, counts: Counts, judge: Looks | None) -> None:
        if held.vanished.count:
            self._expect_complete(counts)
        if judge is not None:
            self._expect_plain(held, counts, judge)
        there = counts.target - counts.gone
        self.vanished.expect(held.vanished.count, there)
        self.replaced.expect(held.replaced, there)

    def _expect_plain(self, held: _Held, counts: Counts, judge: Looks) -> None:
        """Raise `Refused` where too much looks as if somebody had encrypted it."""
        renamed, example = held.renamed(judge.odd)
        if not self.scrambled.looks_at(renamed + held.replaced):
            return
        found = judge(held.changed(), held.replaced)
        few = f", by {found.looked_at:,} of them" if found.looked_at < held.replaced else ""
        more = f"{few} (one is {printable(found.example or example)})"
        there = counts.target - counts.gone
        self.scrambled.expect(renamed + found.of_all, there, more)

    def _expect_complete(self, counts: Counts) -> None:
        """Raise `Refused` where what is missing in a listing does not mean that it is gone."""
        if not counts.source:
            raise Refused(self.empty)
        if counts.doubtful:
            raise Refused(
                f"{counts.doubtful}: the listing may lack objects; nothing was called deleted. Name"
                " narrower prefixes"
            )


def is_held(action: Action | Skip) -> bool:
    """Whether it waits until the whole plan is known: what would be written over or called deleted,
    and what is new under a name that scramblers give. A run that stops must not have made that one,
    or the next run would find nothing new in it.
    """
    if isinstance(action, Delete):
        return True
    if not isinstance(action, Copy) or action.refused:
        return False
    return action.replaces is not None or bool(was_renamed(action.target_key))


class _Held:
    """On disk, however many there are."""

    def __init__(self, scratch: str | None) -> None:
        self.vanished = EntryFile(scratch)
        self._scratch = scratch
        self._hidden = EntryFile(scratch)  # What vanished, and stands behind a marker.
        self._sources = EntryFile(scratch)
        self._targets = EntryFile(scratch)
        self._odd = EntryFile(scratch)  # New ones, under the names that scramblers give.
        self._odd_keys = EntryFile(scratch)  # Of the target.
        self._same = 0  # Of those that are to be written over: with what they hold.

    @property
    def replaced(self) -> int:
        """How many would be others afterwards."""
        return self._sources.count - self._same

    def takes(self, action: Action | Skip) -> bool:
        if not is_held(action):
            return False
        if isinstance(action, Delete):
            self.vanished.append(action.target)
            return True
        assert isinstance(action, Copy)
        if action.replaces is None:
            self._odd.append(action.source)
            self._odd_keys.append(Entry(action.target_key, 0))
            return True
        self._same += is_same_etag(action.source, action.replaces)
        self._sources.append(action.source)
        self._targets.append(action.replaces)
        if action.reason == VANISHED:
            self._hidden.append(Entry(action.target_key, 0))
        return True

    def changed(self) -> Iterator[Changed]:
        for both in self._both():
            if not is_same_etag(*both):
                yield both

    def renamed(self, there: Iterable[Entry]) -> tuple[int, str]:
        """How many that vanished have something new that is called alike, and more, or that is
        there by now, as events copy it at once; and one of these.
        """
        gone = self.vanished if self.vanished.count else self._hidden
        if not gone.count:
            return 0, ""
        stems, beside = Sorter(self._scratch), Beside(gone)
        try:
            keys = (one.key for one in chain(self._odd_keys, there))
            stems.extend([Entry(was_renamed(key), 0, etag=key) for key in keys])
            every = (one for block in stems.blocks() for one in block)
            found = {one.key: one.etag for one in every if beside.at(one.key)}
        finally:
            stems.close()
        return len(found), next(iter(found.values()), "")

    def copies(self) -> Iterator[Copy]:
        for source, key in zip(self._odd, self._odd_keys, strict=True):
            yield Copy(source, key.key)
        for source, target in self._both():
            reason = "size" if source.size != target.size else "changed"
            yield Copy(source, target.key, replaces=target, reason=reason)

    def close(self) -> None:
        files = (self.vanished, self._hidden, self._sources, self._targets)
        for file in (*files, self._odd, self._odd_keys):
            file.close()

    def _both(self) -> Iterator[Changed]:
        return map(Changed, self._sources, self._targets)
