"""A source and a target that are what somebody said they are, or fail with `Stale`."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from bucketline.errors import Conflict, NotFound, Remedy, Stale, StoreError
from bucketline.model import Entry, Found
from bucketline.stores.base import IN_MOTION, Flow, Piece, Store
from bucketline.stores.wrap import Around

T = TypeVar("T")


def fits(now: Entry | None, then: Entry | None) -> bool:
    """Whether a key holds what it held; None = nothing."""
    if now is None or then is None:
        return now is then
    if now.size != then.size:
        return False
    if now.version and then.version:
        return now.version == then.version
    if then.pin and now.pin:
        return settled(now.stamp) == settled(then.stamp) if then.stamp else now.etag == then.etag
    return int(now.modified) == int(then.modified)  # An answer for one object has whole seconds.


def settled(pin: str) -> str:
    """A listing does not tell whether a file is in motion, so that it is makes no difference."""
    return pin.removesuffix(IN_MOTION)


def held(store: Store, key: str) -> Flow[Entry | None]:
    """What the key holds now."""
    try:
        return (yield from store.stat(key)).entry
    except NotFound:
        return None


class PinnedSource(Around):
    """The object that was planned: what any answer tells of it must fit, before it is used."""

    def __init__(self, store: Store, then: Entry) -> None:
        super().__init__(store)
        self._then = then

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        del call
        then = self._then
        try:
            answer = yield from flow
        except NotFound:
            if verb in ("stat", "read"):
                raise Stale("it is gone at the source", store=self.name, key=then.key) from None
            raise
        found = answer.found if isinstance(answer, Piece) else answer
        if isinstance(found, Found) and not fits(found.entry, then):
            raise Stale("the source holds another one now", store=self.name, key=then.key)
        return answer


class PinnedTarget(Around):
    """The place that was planned: it must hold what it held until the first write of ours."""

    def __init__(self, store: Store, key: str, then: Entry | None) -> None:
        super().__init__(store)
        self._key = key
        self._then = then
        self._is_ours = False  # What is there now, we may have written.

    def check(self) -> Flow[None]:
        """Raise `Stale` unless it still holds that."""
        now = yield from held(self.store, self._key)
        if not fits(now, self._then):
            raise self._stale(now)

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        is_first = verb in ("write", "finish") and not self._is_ours
        self._is_ours |= is_first
        if not is_first:
            return (yield from flow)
        try:
            if verb == "finish":  # Parts took their time.
                yield from self.check()
            elif self._then is None:
                return (yield from self._write_if_absent(flow, call))
            return (yield from flow)
        except StoreError as error:
            self._is_ours = error.remedy is not Remedy.GIVE_UP  # Then nothing was written.
            raise

    def _write_if_absent(self, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        """Where nothing was, nothing is overwritten, if the store can see to that."""
        if self.store.able.conditional_write:
            flow = partial(call, if_absent=True)()
        try:
            return (yield from flow)
        except Conflict:
            now = yield from held(self.store, self._key)
            raise self._stale(now) from None

    def _stale(self, now: Entry | None) -> Stale:
        if now is None:
            why = "it is gone at the target"
        elif self._then is None:
            why = "the target holds one by now, where none was"
        else:
            why = "the target holds another one now"
        return Stale(why, store=self.name, key=self._key)
