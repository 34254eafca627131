"""Stores around stores: one tries again, one fails on purpose."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from hashlib import md5 as md5_of
from types import GeneratorType
from typing import Any, Concatenate, ParamSpec, TypeVar

from bucketline.errors import Busy, Changed, Conflict, Remedy, StoreError
from bucketline.stores.base import Abilities, Flow, Pause, Receipt, Store

T = TypeVar("T")
P = ParamSpec("P")

_PAUSE_MAX_SECONDS = 20.0
_FIRST_PAUSE_SECONDS = 0.5  # The longest that it can be; each further one may take twice as long.


def _verb(verb: Callable[Concatenate[Any, P], Flow[T]]) -> Callable[Concatenate[Any, P], Flow[T]]:
    """A verb of the store within, with what a wrapper does around it."""
    name = verb.__name__

    def around(self: Around, /, *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
        call = partial(getattr(self.store, name), *args, **kwargs)
        flow: Flow[T] = self._around(name, call(), call)
        return flow

    return around


class Around:
    """A store around a store. Verbs beyond the contract are wrapped like the others."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def name(self) -> str:
        return self.store.name

    @property
    def able(self) -> Abilities:
        return self.store.able

    page = _verb(Store.page)
    stat = _verb(Store.stat)
    read = _verb(Store.read)
    write = _verb(Store.write)
    delete = _verb(Store.delete)
    delete_many = _verb(Store.delete_many)
    tags = _verb(Store.tags)
    begin = _verb(Store.begin)
    part = _verb(Store.part)
    finish = _verb(Store.finish)
    abandon = _verb(Store.abandon)
    list_parts = _verb(Store.list_parts)
    list_uploads = _verb(Store.list_uploads)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "store":
            raise AttributeError(name)
        found = getattr(self.store, name)
        return partial(self._maybe_around, name, found) if callable(found) else found

    def _maybe_around(self, name: str, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = verb(*args, **kwargs)
        if not isinstance(answer, GeneratorType):
            return answer
        return self._around(name, answer, partial(verb, *args, **kwargs))

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        """`flow` with what is done around it; `call` makes the same flow again."""
        raise NotImplementedError


class Retrying(Around):
    """Makes a verb again when it may succeed in a moment, with longer and longer pauses, at random.

    The random part keeps a thousand flows that failed together from coming back together.
    """

    def __init__(
        self,
        store: Store,
        *,
        attempts: int = 6,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(store)
        self._attempts = attempts
        self._chance = chance
        self.retried: Counter[str] = Counter()  # By cause, for the report.
        # Keys of which an upload may have been begun unseen; the same set as that of who is within.
        self.begun_again: set[str] = getattr(store, "begun_again", set())

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        attempt = 1
        while True:
            try:
                return (yield from flow)
            except Conflict as error:
                if attempt > 1 and verb == "write" and call.keywords.get("if_absent"):
                    receipt: Any = yield from self._seek_own(error, *call.args, **call.keywords)
                    return receipt  # type: ignore[no-any-return]
                raise
            except StoreError as error:
                if not _is_passing(error) or attempt >= self._attempts:
                    _tell_attempts(error, attempt)
                    raise
                self.retried[error.cause] += 1
                if verb == "begin" and not isinstance(error, Busy):
                    self.begun_again.add(str(call.args[0]))
                pause = self._pause(attempt, error.retry_after_seconds)
            yield Pause(pause)
            attempt += 1
            flow = call()

    def _pause(self, attempt: int, asked_for: float) -> float:
        longest: float = min(_PAUSE_MAX_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        return min(_PAUSE_MAX_SECONDS, asked_for + self._chance() * longest)

    def _seek_own(
        self, error: Conflict, key: str, body: bytes, *, md5: bytes = b"", **_: Any
    ) -> Flow[Receipt]:
        """There is an object by now: ours, if an answer to one of our own attempts was lost."""
        found = yield from self.stat(key)
        entry = found.entry
        if entry.size != len(body):
            raise error
        digest = md5 or md5_of(body, usedforsecurity=False).digest()
        if entry.etag != digest.hex():
            piece = yield from self.read(key, version=entry.version, etag=entry.pin)
            if piece.body != body:
                raise error
        return Receipt(entry.etag, entry.version, found.checksums, entry.stamp)


class Moment(Enum):
    """When a fault strikes."""

    BEFORE = "before"  # Nothing was done.
    AFTER = "after"  # It was done, but the answer is lost.


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the `count`th call of a verb, from 1."""

    verb: str
    count: int
    error: Exception | None = None
    moment: Moment = Moment.BEFORE
    change: Callable[[Any], Any] | None = None  # What becomes of the answer.


class Faulty(Around):
    """Fails as it was told; for tests and simulations."""

    def __init__(self, store: Store, faults: Sequence[Fault]) -> None:
        super().__init__(store)
        self._faults = {(fault.verb, fault.count): fault for fault in faults}
        self.calls: Counter[str] = Counter()
        self.log: list[tuple[str, str]] = []  # Each call's verb and key.

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        self.calls[verb] += 1
        self.log.append((verb, str(call.args[0]) if call.args else ""))
        fault = self._faults.get((verb, self.calls[verb]))
        if fault and fault.error and fault.moment is Moment.BEFORE:
            raise fault.error
        answer = yield from flow
        if fault and fault.error:
            raise fault.error
        return fault.change(answer) if fault and fault.change else answer


def _is_passing(error: StoreError) -> bool:
    """Whether the same call may succeed in a moment. An object that changed stays changed: whoever
    asked for the one that was must begin anew.
    """
    return error.remedy is Remedy.RETRY and not isinstance(error, Changed)


def _tell_attempts(error: StoreError, attempts: int) -> None:
    if attempts > 1:
        error.message = f"{error.message} (tried {attempts} times)"
