"""Listing and moving side by side: what a plan may do before its listings have ended, and after."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest

from bucketline.clock import FakeClock, SystemClock
from bucketline.engines.check import Check
from bucketline.engines.doctor.reads import examine
from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.errors import Refused
from bucketline.flow.compare.doubts import Known
from bucketline.flow.compare.sides import Look, Side
from bucketline.flow.drive import open_drive
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Stop, Terms
from bucketline.model import Copy, Delete
from bucketline.stores.base import Flow, Page, Receipt, Work
from bucketline.stores.memory import MemoryStore
from odd_server import Asking, OddServer
from s3_by_hand import START, store
from stage import Book

THOUSAND = [f"{number:05}" for number in range(1000)]


def nothing_known(_: Sequence[str]) -> Mapping[str, Known]:
    return {}


class Gated(MemoryStore):
    """Its second page comes once the gate is open."""

    gate: threading.Event

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        if token:
            yield Work(self._wait)
        return (yield from super().page(prefix, token=token, after=after))

    def _wait(self) -> None:
        assert self.gate.wait(60), "nothing was written before the listing had ended"


class Opening(MemoryStore):
    """Opens the gate with the first object that it holds."""

    gate: threading.Event

    def write(self, key: str, body: bytes, **options: Any) -> Flow[Receipt]:
        receipt = yield from super().write(key, body, **options)
        self.gate.set()
        return receipt


@pytest.mark.parametrize("delete_extra", [False, True])
def test_the_first_object_moves_before_the_listing_ends(*, delete_extra: bool) -> None:
    source = Gated("source", {f"{number:02}": b"x" for number in range(20)}, page_size=5)
    target = Opening("target", {"99": b"old"})
    source.gate = target.gate = threading.Event()
    with closing(open_drive()) as drive:
        policy = TransferPolicy(delete_extra=delete_extra)
        engine = Transfer(Side(source), Side(target), policy, drive, nothing_known)
        ran = run(engine, Book(), drive, Terms(SystemClock(), Stop(), Steady(4)))

    assert ran.state == "complete"
    assert set(target.objects) == set(source.objects) | (set() if delete_extra else {"99"})


def capped(keys: list[str]) -> tuple[Any, Asking]:
    """A device that tells a thousand objects, whatever it is asked, and holds more."""
    return store(), Asking(OddServer(keys, cap=1000, is_deaf=True, knows_v2=False))


def planned(engine: Transfer) -> list[Any]:
    return list(engine.plan())


MORE = [f"{number:05}" for number in range(1200)]
INLINE = Look(ahead=False)


class Both(Asking):
    """Asks the server where a flow has requests; memory stores do as they are told."""

    def call(self, flow: Any) -> Any:
        told: Any = None
        while True:
            try:
                effect = flow.send(told)
            except StopIteration as stop:
                return stop.value
            told = effect.call() if isinstance(effect, Work) else self.server.answer(effect)


@pytest.mark.parametrize("which", ["source", "target"])
def test_nothing_is_deleted_where_a_listing_may_lack_objects(which: str) -> None:
    device, asking = capped(MORE)
    drive = Both(asking.server)
    other = MemoryStore("other", dict.fromkeys([*THOUSAND[1:], "99999"], b"x"))
    sides = (Side(device), Side(other)) if which == "source" else (Side(other), Side(device))
    policy = TransferPolicy(look=INLINE, delete_extra=True)
    engine = Transfer(*sides, policy, drive, nothing_known)
    steps: list[Any] = []

    with pytest.raises(Refused, match=r"s3://b/: the listing may lack objects, and the plan del"):
        steps.extend(engine.plan())

    assert not [step for step in steps if isinstance(step, Delete)]
    assert any("may lack objects: it ended after 1,000" in note for note in engine.notes)


def test_what_is_seen_of_such_a_device_is_copied_and_the_doubt_told() -> None:
    device, asking = capped(MORE)
    engine = Transfer(
        Side(device),
        Side(MemoryStore("other")),
        TransferPolicy(look=INLINE),
        Both(asking.server),
        nothing_known,
    )

    copied = [step.key for step in planned(engine) if isinstance(step, Copy)]

    assert copied == THOUSAND
    assert any("may lack objects" in note for note in engine.notes)
    assert engine.counts.doubtful == "s3://b/"


def test_check_tells_the_doubt_too() -> None:
    device, asking = capped(MORE)
    other = MemoryStore("other", dict.fromkeys(THOUSAND, b"x"))
    engine = Check(Side(device), Side(other), INLINE, Both(asking.server), nothing_known)
    list(engine.lines(every=False))

    assert any("may lack objects" in note for note in engine.notes)


def test_doctor_tells_a_listing_that_may_lack_objects() -> None:
    device, asking = capped(MORE)
    found = {one.about: one for one in examine(device, "", Both(asking.server), FakeClock(START))}

    assert found["lists everything"].answer == "no"
    assert found["lists everything"].detail == "it ends after 1,000; more may follow"
