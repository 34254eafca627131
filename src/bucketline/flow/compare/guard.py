"""What no plan may do: delete before the whole plan is known, or more than a person allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bucketline.errors import Refused, UsageError
from bucketline.flow.look.sorting import EntryFile
from bucketline.model import Action, Delete, Skip


@dataclass(slots=True)
class Counts:
    """How many entries each side's listing held that take part; final when both have ended."""

    source: int = 0
    target: int = 0
    gone: int = 0  # Of the target's, those that it calls deleted already.
    doubtful: str = ""  # A place whose listing may lack objects.


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a plan may delete."""

    max_delete: int | None = None  # Objects; None = no such limit.
    max_delete_percent: float | None = None  # Of what was held there.
    place: str = "target"  # Where it would be deleted.

    @classmethod
    def of(cls, text: str) -> Limits:
        """`100` or `5%`."""
        match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)(%?)", text.strip(), re.ASCII)
        if match is None or (not match[2] and "." in match[1]):
            raise UsageError(f"'{text}' is no limit for deletes: give a number, or a share like 5%")
        if match[2]:
            return cls(max_delete_percent=float(match[1]))
        return cls(max_delete=int(match[1]))


def guarded(
    actions: Iterable[Action | Skip],
    limits: Limits,
    counts: Counts,
    *,
    scratch: str | None = None,
) -> Iterator[Action | Skip]:
    """Deletes come last, and only if they are few enough and the source was not empty.

    They are held until the plan has ended: a listing that breaks off raises before the first one is
    let through, so a source that cannot be read never empties its target. Held ones wait on disk.
    """
    held = EntryFile(scratch)
    try:
        for action in actions:
            if isinstance(action, Delete):
                held.append(action.target)
                _check_number(held.count, limits)
            else:
                yield action
        if held.count:
            _check_plan(held.count, limits, counts)
        yield from map(Delete, held)
    finally:
        held.close()


def rehearsed(
    actions: Iterable[Action | Skip],
    limits: Limits,
    counts: Counts,
    *,
    scratch: str | None = None,
) -> Iterator[Action | Skip]:
    """The same plan, only to be looked at: all of it first, then what `guarded` would refuse."""
    held = EntryFile(scratch)
    try:
        for action in actions:
            if isinstance(action, Delete):
                held.append(action.target)
            else:
                yield action
        yield from map(Delete, held)
        if held.count:
            _check_number(held.count, limits)
            _check_plan(held.count, limits, counts)
    finally:
        held.close()


def _check_number(deletes: int, limits: Limits) -> None:
    if limits.max_delete is not None and deletes > limits.max_delete:
        raise Refused(
            f"the plan deletes more than {limits.max_delete} objects at the {limits.place}; nothing"
            " was deleted. Look at it with --dry-run, then raise --max-delete if it is right"
        )


def _check_plan(deletes: int, limits: Limits, counts: Counts) -> None:
    if not counts.source:
        raise Refused(
            f"the source is empty, and the plan deletes {deletes} objects at the {limits.place};"
            " nothing was deleted. Look whether the source is the right one, and mounted"
        )
    if counts.doubtful:
        raise Refused(
            f"{counts.doubtful}: the listing may lack objects, and the plan deletes {deletes} at"
            f" the {limits.place}; nothing was deleted. Name narrower prefixes, or run without"
            " deletes"
        )
    percent = limits.max_delete_percent
    held = counts.target if limits.place == "target" else counts.source
    if percent is not None and deletes * 100 > percent * held:
        raise Refused(
            f"the plan deletes {deletes} of {held} objects at the {limits.place}, more than"
            f" {percent:g}%; nothing was deleted. Look at it with --dry-run, then raise"
            " --max-delete if it is right"
        )
