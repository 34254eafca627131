"""What no backup may do: believe a burst of deletions, or of overwrites, that nobody expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bucketline.errors import Refused
from bucketline.flow.compare.guard import Counts, Limits
from bucketline.flow.look.sorting import EntryFile
from bucketline.model import Action, Copy, Delete, Mark, Skip

_FEW = 10  # Objects: so many may always vanish or change.
_CURE = "Look at it with --dry-run"


@dataclass(frozen=True, slots=True)
class Brake:
    """How many objects may vanish, or be written over, in one run; without words, by default."""

    said: str = ""

    def expect(self, count: int, held: int, what: str, option: str) -> None:
        """Raise `Refused` for too many of those that are held."""
        limit = Limits.of(self.said) if self.said else _DEFAULT
        number, percent = limit.max_delete, limit.max_delete_percent
        if not self.said and count <= _FEW:
            return
        if number is not None and count > number:
            many = f"more than {number:,}"
        elif percent is not None and count * 100 > percent * held:
            many = f"more than {percent:g}% of {held:,}"
        else:
            return
        raise Refused(
            f"{count:,} objects of the backup {what}, {many}; none of them was touched, and the run"
            f" ends here. {_CURE}, then raise {option} if it is right"
        )


_DEFAULT = Limits(max_delete=1_000, max_delete_percent=25.0)


@dataclass(frozen=True, slots=True)
class Brakes:
    """Both."""

    vanished: Brake = Brake()
    replaced: Brake = Brake()

    def check(self) -> None:
        """Raise `UsageError` for limits that make no sense."""
        for one in (self.vanished, self.replaced):
            if one.said:
                Limits.of(one.said)

    def braked(
        self,
        actions: Iterable[Action | Skip],
        limits: Limits,
        counts: Counts,
        *,
        scratch: str | None = None,
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
            if held.vanished.count:
                _expect_complete(counts)
            self.vanished.expect(
                held.vanished.count, counts.target, "are not at the source", "--max-vanished"
            )
            self.replaced.expect(
                held.replaced, counts.target, "are others at the source", "--max-replaced"
            )
            yield from held.copies()
            yield from map(Mark, held.vanished)
        finally:
            held.close()

    def rehearsed(
        self,
        actions: Iterable[Action | Skip],
        limits: Limits,
        counts: Counts,
        *,
        scratch: str | None = None,
    ) -> Iterator[Action | Skip]:
        """The same plan, only to be looked at: all of it first, then what would be refused."""
        vanished = replaced = 0
        for action in actions:
            if isinstance(action, Delete):
                vanished += 1
                yield Mark(action.target)
                continue
            replaced += isinstance(action, Copy) and action.replaces is not None
            yield action
        del limits, scratch
        if vanished:
            _expect_complete(counts)
        self.vanished.expect(vanished, counts.target, "are not at the source", "--max-vanished")
        self.replaced.expect(replaced, counts.target, "are others at the source", "--max-replaced")


class _Held:
    """On disk, however many there are."""

    def __init__(self, scratch: str | None) -> None:
        self.vanished = EntryFile(scratch)
        self._sources = EntryFile(scratch)
        self._targets = EntryFile(scratch)

    @property
    def replaced(self) -> int:
        return self._sources.count

    def takes(self, action: Action | Skip) -> bool:
        if isinstance(action, Delete):
            self.vanished.append(action.target)
            return True
        if isinstance(action, Copy) and action.replaces is not None and not action.refused:
            self._sources.append(action.source)
            self._targets.append(action.replaces)
            return True
        return False

    def copies(self) -> Iterator[Copy]:
        for source, target in zip(self._sources, self._targets, strict=True):
            reason = "size" if source.size != target.size else "changed"
            yield Copy(source, target.key, replaces=target, reason=reason)

    def close(self) -> None:
        for file in (self.vanished, self._sources, self._targets):
            file.close()


def _expect_complete(counts: Counts) -> None:
    """Raise `Refused` where what is missing in a listing does not mean that it is gone."""
    if not counts.source:
        raise Refused(
            "the source is empty, and the backup is not; nothing was called deleted. Look whether"
            " the source is the right one"
        )
    if counts.doubtful:
        raise Refused(
            f"{counts.doubtful}: the listing may lack objects; nothing was called deleted. Name"
            " narrower prefixes"
        )
