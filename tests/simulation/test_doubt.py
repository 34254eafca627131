"""Copies whose fate is unknown or bad, at a target whose etags say nothing about the bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bucketline.clock import FakeClock
from bucketline.flow.compare.pairs import Mode
from bucketline.flow.ledger import Ledger
from bucketline.model import Checksum
from bucketline.stores.base import Receipt
from simulation.driver import _process
from simulation.place import Place
from simulation.schedule import scenario
from simulation.things import Habits
from simulation.world import Crash, World

P = TypeVar("P", bound=Place)


class Spoiler(Place):
    """Keeps other bytes than it was sent, of the same size, until it is repaired."""

    is_broken = True

    def do_write(self, key: str, body: bytes, digest: bytes, checksum: Checksum | None) -> Receipt:
        return super().do_write(key, body[::-1] if self.is_broken else body, b"", None)


class Last(Place):
    """The first write arrives there, of an object that changed since it was read; then all ends."""

    source: Place | None = None

    def do_write(self, key: str, body: bytes, digest: bytes, checksum: Checksum | None) -> Receipt:
        source, self.source = self.source, None
        if source is not None:
            source.put(key, body[::-1])
        receipt = super().do_write(key, body, digest, checksum)
        if source is not None:
            raise Crash
        return receipt


def test_a_first_copy_that_a_crash_left_in_doubt_is_made_again() -> None:
    """By its size and its time alone it would pass for the source's."""
    with Ledger.open(":memory:", clock=FakeClock()) as ledger:
        world, place = _calm_world(ledger, Last)
        place.source = world.source
        world.begin_process(None)
        assert _process(world) is None
        assert place.bodies() == {"key": b"hello"}
        assert world.source.bodies() == {"key": b"olleh"}

        world.begin_process(None)
        assert _process(world) is not None
        assert place.bodies() == {"key": b"olleh"}


def test_a_first_copy_that_was_found_wrong_is_made_again() -> None:
    with Ledger.open(":memory:", clock=FakeClock()) as ledger:
        world, spoiler = _calm_world(ledger, Spoiler)
        world.begin_process(None)
        first = _process(world)
        assert first is not None
        assert first.state == "failed"

        spoiler.is_broken = False
        world.begin_process(None)
        assert _process(world) is not None
        assert spoiler.bodies() == {"key": b"hello"}


def _calm_world(ledger: Ledger, kind: type[P]) -> tuple[World, P]:
    """One object, nothing that befalls it by chance, and this kind of target."""
    calm = replace(
        scenario(1),
        mode=Mode.AUTO,
        fault_rate=0.0,
        change_rate=0.0,
        retries=False,
        target=Habits(etags="opaque"),
    )
    world = World(calm, ledger)
    world.source.things.clear()
    place = kind("target/", calm.target, world.tick, world.clock.now)
    world.target = world.laws._target = place
    world.source.put("key", b"hello")
    return world, place
