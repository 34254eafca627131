"""A crossing for movers: two stores, one object, and what befalls it on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bucketline.clock import FakeClock
from bucketline.errors import Broken
from bucketline.flow.drive import Drive
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.flow.move.proof import Learnt
from bucketline.flow.workers import Inline
from bucketline.model import Copy, Entry, Outcome
from bucketline.stores.base import Flow, Piece, Receipt, Together, Work
from bucketline.stores.memory import Held, MemoryStore

SMALL = MovePolicy(part_size=8, parts_at_once=2)
BIG = b"0123456789abcdefghij"  # Three parts of eight bytes at most.
Fault = Callable[[Callable[[], Any]], Any]


class NoNetwork:
    def start(self, request: object, ticket: object) -> None:
        raise AssertionError("there is no network here")

    def poll(self, timeout_seconds: float) -> list[Any]:
        return []

    def wake(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Crossing:
    """Two stores, and what befalls the nth work of a name; their keys are `s` and `t`."""

    body: bytes = b"hello"
    source: MemoryStore = field(default_factory=lambda: MemoryStore("source"))
    target: MemoryStore = field(default_factory=lambda: MemoryStore("target"))
    faults: dict[tuple[str, int], Fault] = field(default_factory=dict)  # ("read s", 1): …
    works: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source.objects["s"] = Held(self.body, md5(self.body))
        self.target.able = replace(self.target.able, part_size_max=8)

    def copy(self, policy: MovePolicy = SMALL, *, learnt: Learnt | None = None) -> Outcome:
        policy = replace(policy, learnt=learnt or Learnt())
        entry = Entry("s", len(self.body), etag=self.source.objects["s"].etag)
        return self.move(Copy(entry, "t"), policy)

    def move(self, action: Copy, policy: MovePolicy) -> Outcome:
        outcome: Outcome = self.run(copy(action, self.source, self.target, policy))
        return outcome

    def run(self, flow: Flow[Any]) -> Any:
        drive = Drive(NoNetwork(), Inline(lambda: None), FakeClock())
        drive.start(self._with_faults(flow), "it")
        while not (ends := drive.step(1.0)):
            pass
        if ends[0].error is not None:
            raise ends[0].error
        return ends[0].value

    def _with_faults(self, flow: Flow[Any]) -> Flow[Any]:
        """The same flow; its works, also those of its parts, pass by the faults."""
        answer: Any = None
        error: Exception | None = None
        while True:
            try:
                effect = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as stop:
                return stop.value
            if isinstance(effect, Work):
                effect = Work(self._faulty(effect))
            elif isinstance(effect, Together):
                effect = replace(effect, flows=[self._with_faults(one) for one in effect.flows])
            answer = error = None
            try:
                answer = yield effect
            except Exception as thrown:
                error = thrown

    def _faulty(self, work: Work) -> Callable[[], Any]:
        def call() -> Any:
            name = f"{work.name} {work.key}".strip()
            self.works.append(name)
            fault = self.faults.get((name, self.works.count(name)))
            return fault(work.call) if fault else work.call()

        return call


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def flipped(call: Callable[[], Any]) -> Any:
    piece: Piece = call()
    return piece._replace(body=bytes([piece.body[0] ^ 1]) + piece.body[1:])


def cut(call: Callable[[], Any]) -> Any:
    piece: Piece = call()
    return piece._replace(body=piece.body[:-1])


def lost(call: Callable[[], Any]) -> Any:
    call()
    raise Broken("the answer was lost")


def refused(call: Callable[[], Any]) -> Any:
    raise Broken("the connection was reset")


def telling(etag: str) -> Fault:
    def fault(call: Callable[[], Any]) -> Receipt:
        return replace(call(), etag=etag)

    return fault


def overwriting(crossing: Crossing, body: bytes) -> Fault:
    """Somebody else writes the source just before."""

    def fault(call: Callable[[], Any]) -> Any:
        crossing.source.objects["s"] = Held(body, md5(body))
        return call()

    return fault


def finishing(crossing: Crossing, body: bytes) -> Fault:
    """The target has etags of its own making, for parts and for the whole."""

    def fault(call: Callable[[], Any]) -> Receipt:
        crossing.target.uploads.clear()
        crossing.target.objects["t"] = Held(body, "opaque")
        return Receipt("opaque")

    return fault


def spoiling(crossing: Crossing, body: bytes) -> Fault:
    """The target keeps other bytes than it was sent, and tells an etag that says nothing."""

    def fault(call: Callable[[], Any]) -> Receipt:
        receipt: Receipt = call()
        crossing.target.objects["t"] = Held(body, "opaque")
        return replace(receipt, etag="opaque")

    return fault
