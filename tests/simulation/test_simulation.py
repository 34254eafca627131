"""The real loop, mover, engine and kernel in a simulated world: every crash, under any weather.

A failure names its replay: BUCKETLINE_REPLAY=SEED:POINT,POINT ./test simulation
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import AbstractContextManager, nullcontext

import pytest

from bucketline.clock import FakeClock
from bucketline.flow.ledger import Ledger
from simulation.driver import every_crash, simulate

_SEEDS = 2_000 if os.environ.get("BUCKETLINE_SOAK") else 400
if not os.environ.get("BUCKETLINE_TEST_ALL") and not os.environ.get("BUCKETLINE_SOAK"):
    _SEEDS = 50
_SEEDS = int(os.environ.get("BUCKETLINE_SEEDS", _SEEDS))  # Canaries need fewer.
_STRETCH = 25
_REPLAY = os.environ.get("BUCKETLINE_REPLAY", "")


@pytest.mark.skipif(not _REPLAY, reason="BUCKETLINE_REPLAY names no seed")
def test_replay() -> None:
    seed, _, points = _REPLAY.partition(":")
    simulate(int(seed), tuple(int(point) for point in points.split(",") if point))


@pytest.mark.skipif(bool(_REPLAY), reason="one seed is replayed")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, _SEEDS, _STRETCH))
def test_nothing_is_lost_or_wrongly_done_wherever_the_world_ends(first: int) -> None:
    for seed in range(first, min(first + _STRETCH, _SEEDS)):
        for crashes in every_crash(seed):
            with _books(seed) as ledger:
                simulate(seed, crashes, ledger=ledger)


def _books(seed: int) -> AbstractContextManager[Ledger | None]:
    """For one seed of twenty the real ledger keeps them as well."""
    return nullcontext() if seed % 20 else Ledger.open(":memory:", clock=FakeClock())


def test_the_same_seed_is_always_the_same_story() -> None:
    assert simulate(7, (5, 3)) == simulate(7, (5, 3))


def test_the_weather_is_as_bad_as_it_can_get() -> None:
    events: Counter[str] = Counter()
    for seed in range(90):
        effects = simulate(seed).effects[0]
        events += simulate(seed, (effects // 2,)).events
    happened = {event for event, count in events.items() if count >= 10}
    assert happened >= {
        *("page", "stat", "read", "write", "begin", "part", "finish", "abandon", "delete"),
        *("refuse", "lose", "damage", "change", "vandal", "crash", "landed after a crash"),
    }
