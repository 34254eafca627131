"""What is asked before an object is called deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bucketline.engines.backup.catalogue import HOME
from bucketline.engines.backup.marks import deleted_at
from bucketline.errors import NotFound, Refused, printable
from bucketline.flow.look.listing import Caller
from bucketline.model import Action, Delete, Mark, Skip
from bucketline.stores.base import Flow, Store, together

SKEW_SECONDS = 900.0  # By which the clocks of an inventory and of a backup may differ.
THERE = "it is at the source, though the inventory does not tell of it"
_AT_ONCE = 32
GONE = "it is gone again since the inventory was made"


def expect_own(key: str, prefix: str) -> None:
    """Raise `Refused` for what is of another backup that lies within this one."""
    within, home, _ = key[len(prefix) :].rpartition(f"/{HOME}")
    if home:
        raise Refused(
            f"{printable(prefix + within)}/ is a backup of its own, which is not at the source;"
            f" nothing was called deleted. Say --exclude '/{printable(within)}/'"
        )


def noted_first(
    steps: Iterable[Action | Skip], store: Store, drive: Caller
) -> Iterator[Action | Skip]:
    """The same; what its tags call deleted already is only noted, as it is no news, and what there
    is no catalogue of may hold much of it.
    """
    some: list[Delete] = []
    for step in steps:
        if not isinstance(step, Delete):
            yield step
            continue
        some.append(step)
        if len(some) == _AT_ONCE * 4:
            yield from _noted(some, store, drive)
            some = []
    yield from _noted(some, store, drive)


def _noted(some: list[Delete], store: Store, drive: Caller) -> Iterator[Action | Skip]:
    flows = [_is_marked(one.key, store) for one in some]
    for step, is_marked in zip(some, drive.call(together(flows, _AT_ONCE)), strict=True):
        yield Mark(step.target) if is_marked else step


def _is_marked(key: str, store: Store) -> Flow[bool]:
    try:
        return bool(deleted_at((yield from store.tags(key))))
    except NotFound:
        return False


def denied(action: Mark, source: Store, key: str) -> Flow[str]:
    """What an inventory tells of the source is old: why the mark would say what is not so; "" = the
    source says the same.
    """
    is_there = yield from _is_there(source, key)
    if action.is_deleted:
        return THERE if is_there else ""
    return "" if is_there else GONE


def _is_there(source: Store, key: str) -> Flow[bool]:
    try:
        yield from source.stat(key)
    except NotFound:
        # A HEAD has no words: whether the bucket itself is away, only a GET can tell.
        try:
            yield from source.read(key, start=0, size=1)
        except NotFound:
            return False
    return True
