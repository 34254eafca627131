"""Copies whose fate is unknown or bad, at a target whose etags say nothing about the bytes."""

from __future__ import annotations

from dataclasses import replace

from bucketline.clock import FakeClock
from bucketline.flow.compare.pairs import Mode
from bucketline.flow.ledger import Ledger
from bucketline.model import Checksum
from bucketline.stores.base import Receipt
from simulation.driver import _process, simulate
from simulation.place import Place
from simulation.schedule import scenario
from simulation.things import Habits
from simulation.world import World


class Spoiler(Place):
    """Keeps other bytes than it was sent, of the same size, until it is repaired."""

    is_broken = True

    def do_write(self, key: str, body: bytes, digest: bytes, checksum: Checksum | None) -> Receipt:
        return super().do_write(key, body[::-1] if self.is_broken else body, b"", None)


def test_a_first_copy_that_a_crash_left_in_doubt_is_made_again() -> None:
    """The source changed after it was read; the write landed; the world ended before its fate."""
    with Ledger.open(":memory:", clock=FakeClock()) as ledger:
        simulate(84, (17,), ledger=ledger)


def test_a_first_copy_that_was_found_wrong_is_made_again() -> None:
    calm = replace(
        scenario(1),
        mode=Mode.AUTO,
        fault_rate=0.0,
        change_rate=0.0,
        retries=False,
        target=Habits(etags="opaque"),
    )
    with Ledger.open(":memory:", clock=FakeClock()) as ledger:
        world = World(calm, ledger)
        world.source.things.clear()
        spoiler = Spoiler("target/", calm.target, world.tick, world.clock.now)
        world.target = world.laws._target = spoiler
        world.source.put("key", b"hello")
        world.begin_process(None)
        first = _process(world)
        assert first is not None
        assert first.state == "failed"
        spoiler.is_broken = False
        world.begin_process(None)
        assert _process(world) is not None
        assert world.target.bodies() == {"key": b"hello"}
