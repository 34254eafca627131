"""What was found out, and how a question is put to a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from bucketline.clock import Clock
from bucketline.errors import StoreError
from bucketline.model import Attributes, Entry
from bucketline.stores.base import Abilities, Answer, Flow, Receipt, Request, Store

T = TypeVar("T")

YES, NO, UNKNOWN = "yes", "no", "?"


class Finding(NamedTuple):
    """One answer: yes, no, ? (not found out) or a value."""

    about: str
    answer: str
    detail: str = ""


class Caller(Protocol):
    """The part of a drive that asks one question after the other."""

    def call(self, flow: Flow[T]) -> T: ...


@runtime_checkable
class Bucket(Store, Protocol):
    """A store that is a bucket of a service, and not a folder."""

    def head_bucket(self) -> Flow[str]: ...
    def get_versioning(self) -> Flow[object]: ...
    def learn(self, able: Abilities) -> None: ...
    def set_tags(self, key: str, tags: Mapping[str, str], *, version: str = "") -> Flow[None]: ...
    def copy(
        self, key: str, bucket: str, source: Entry, *, attributes: Attributes | None = None
    ) -> Flow[Receipt]: ...
    @property
    def bucket(self) -> str: ...


@dataclass
class Patient:
    """The store, and every exchange that was had with it."""

    store: Store
    drive: Caller
    clock: Clock
    exchanges: list[tuple[Request, Answer, float]] = field(default_factory=list)

    def ask(self, flow: Flow[T]) -> T:
        """The flow's value; what goes over the wire is noted."""
        return self.drive.call(self._noted(flow))

    def asked(self, about: str, flow: Flow[T], say: Callable[[T], Finding]) -> Finding:
        """A finding about the flow's value, or about its failure."""
        try:
            return say(self.ask(flow))
        except StoreError as error:
            return Finding(about, NO, f"{error.cause}: {error}")

    def _noted(self, flow: Flow[T]) -> Flow[T]:
        """The same flow, seen from outside: its effects pass through."""
        result, failure = None, None
        while True:
            try:
                effect = flow.send(result) if failure is None else flow.throw(failure)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            began, result, failure = self.clock.monotonic(), None, None
            try:
                result = yield effect
            except StoreError as error:
                failure = error
            if isinstance(effect, Request) and isinstance(result, Answer):
                self.exchanges.append((effect, result, self.clock.monotonic() - began))


def yes_or_no(about: str, answer: object, detail: str = "") -> Finding:
    return Finding(about, YES if answer else NO, detail)


def unknown(names: Sequence[str], reason: str) -> list[Finding]:
    return [Finding(name, UNKNOWN, reason) for name in names]
