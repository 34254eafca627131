"""Pages as a server sends them: one after the other, and several at once where each takes long."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

from bucketline.flow.look.ruler import Ruler
from bucketline.flow.look.sorting import key_of
from bucketline.flow.look.stretches import Stretches
from bucketline.flow.look.trail import Trail
from bucketline.model import Entry
from bucketline.stores.base import Effect, Flow, Page, Request, Store

T = TypeVar("T")

Entries = list[Entry]

_FIRST_PAGES = 4  # Read one after the other: most listings have fewer.
_SLOW_SECONDS = 0.01  # A page that comes sooner was made, not waited for: company costs CPU only.


class Caller(Protocol):
    """The part of a drive that a listing needs."""

    def call(self, flow: Flow[T]) -> T: ...


class Many(Protocol):
    """Runs many flows at once, in one thread."""

    def start(self, flow: Flow[Any], tag: Any) -> None: ...
    def step(self, timeout_seconds: float) -> list[Any]: ...


@runtime_checkable
class Apart(Protocol):
    """A drive that has others beside it, for threads that keep many flows under way."""

    def apart(self) -> AbstractContextManager[Many]: ...


class Gate(Protocol):
    """Keeps whoever fetches from running too far ahead of the consumer."""

    def backlog(self) -> int: ...
    def wait(self) -> bool: ...  # Until a page is wanted; False when none will be.


class Ajar:
    """For those who fetch only when they are asked to."""

    def backlog(self) -> int:
        return 0

    def wait(self) -> bool:
        return True


class Pace(Protocol):
    """Says whether pages are worth asking for several at once."""

    @property
    def is_slow(self) -> bool: ...
    def timed(self, drive: Caller, flow: Flow[Page]) -> Page: ...


def raw_pages(
    store: Store, prefix: str, drive: Caller, *, gate: Gate, pace: Pace
) -> Generator[Entries, None, None]:
    """Pages, for as long as the server gets anywhere."""
    trail, ruler, page, number = Trail(store.name), Ruler(prefix), Page([], ""), 0
    while gate.wait():
        page = pace.timed(drive, store.page(prefix, token=page.token))
        trail.follow(page)
        yield page.entries
        if not page.token:
            return
        number += 1
        ruler.learn(list(map(key_of, page.entries)))
        if number >= _FIRST_PAGES and page.entries and pace.is_slow and isinstance(drive, Apart):
            yield from _at_once(Stretches(store, prefix, ruler, page, trail), drive, gate)
            return


def _at_once(stretches: Stretches, drive: Apart, gate: Gate) -> Iterator[Entries]:
    with drive.apart() as many:
        while stretches.busy or gate.wait():
            for stretch in stretches.due(gate.backlog()):
                many.start(stretches.flow(stretch), stretch)
            for stretch, page, error in many.step(60.0):
                if error is None:
                    stretches.take(stretch, page)
                else:
                    stretches.fail(stretch, error)
            while stretches.ready:
                yield stretches.ready.popleft()
            if stretches.is_over:
                return


class Never:
    """One page after the other."""

    is_slow = False

    def timed(self, drive: Caller, flow: Flow[Page]) -> Page:
        return drive.call(flow)


class Always(Never):
    """Several at once whenever they can be, whatever the clock says: for simulations."""

    is_slow = True


class Watch:
    """How long pages take to come. Only what comes over a network gains from company."""

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self._is_remote = False

    @property
    def is_slow(self) -> bool:
        return self._is_remote and min(self._seconds) >= _SLOW_SECONDS

    def timed(self, drive: Caller, flow: Flow[Page]) -> Page:
        watched = _Watched(flow)
        began = time.monotonic()
        page = drive.call(watched)
        self._seconds = [*self._seconds[1 - _FIRST_PAGES :], time.monotonic() - began]
        self._is_remote = watched.is_remote
        return page


class _Watched(Generator[Effect, Any, T]):
    """A flow, and whether it asked for anything over a network."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.is_remote = False

    def send(self, value: Any) -> Effect:
        return self._seen(self._flow.send(value))

    def throw(self, *error: Any) -> Effect:
        return self._seen(self._flow.throw(*error))

    def _seen(self, effect: Effect) -> Effect:
        self.is_remote = self.is_remote or isinstance(effect, Request)
        return effect
