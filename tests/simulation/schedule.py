"""A seed becomes a world, its weather and its strangers; the same seed always the same ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from bucketline.flow.compare.pairs import Mode
from simulation.place import PART_SIZE, Place
from simulation.things import Habits

_SIZES = (0, 1, 5, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE, 3 * PART_SIZE + 2)
_SUMS = ("none", "none", "checks", "silent")
_KEYS = ("a", "a.txt", "a/b", "b", "b//c", "d/", "é", "\U0001f600", "\uffff", "z")


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a seed decides before the first run."""

    seed: int
    mode: Mode
    delete_extra: bool
    width: int
    parts_at_once: int
    fault_rate: float
    change_rate: float
    vandal_rate: float
    source: Habits
    target: Habits
    retries: bool  # The stores are wrapped as in a real run.


def scenario(seed: int) -> Scenario:
    dice, sums = Random(f"scenario {seed}"), Random(f"sums {seed}")
    lists = Random(f"lists {seed}")
    return Scenario(
        seed=seed,
        mode=dice.choice((Mode.AUTO, Mode.AUTO, Mode.AUTO, Mode.ETAG, Mode.CHECKSUM)),
        delete_extra=dice.random() < 0.6,
        width=dice.choice((1, 2, 4, 8)),
        parts_at_once=dice.choice((1, 2, 4)),
        fault_rate=dice.choice((0.0, 0.05, 0.15, 0.3)),
        change_rate=dice.choice((0.0, 0.0, 0.05)),
        vandal_rate=dice.choice((0.0, 0.5)),
        source=replace(_habits(dice), sums=sums.choice(_SUMS)),
        target=replace(
            _habits(dice),
            lists_parts=lists.random() < 0.8,
            lists_uploads=lists.random() < 0.8,
            sums=sums.choice(_SUMS),
        ),
        retries=dice.random() < 0.3,
    )


def _habits(dice: Random) -> Habits:
    is_sorted = dice.random() < 0.8
    return Habits(
        etags=dice.choice(("md5", "md5", "md5", "opaque", "silent")),
        is_sorted=is_sorted,
        says_sorted=is_sorted or dice.random() < 0.5,
        page_size=dice.choice((1, 3, 100)),
        checks_md5=dice.random() < 0.7,
    )


def furnish(seed: int, source: Place, target: Place) -> None:
    """Put the first objects on both sides: missing, equal, different and extra ones."""
    dice = Random(f"furnish {seed}")
    for key in dice.sample(_KEYS, dice.randint(2, 5)):
        body = dice.randbytes(dice.choice(_SIZES))
        fate = dice.choice(("missing", "missing", "equal", "stale", "extra"))
        if fate == "stale":
            target.put(key, dice.randbytes(dice.choice(_SIZES)))
        if fate != "extra":
            source.put(key, body)
        if fate in {"equal", "extra"}:
            target.put(key, body)
    source.put("keep", b"the source is never empty")


def new_body(dice: Random, old: bytes) -> bytes:
    """Other bytes, as often as not of the same size."""
    body = dice.randbytes(len(old) if dice.random() < 0.5 else dice.choice(_SIZES))
    return body if body != old else body + b"!"


def longer(dice: Random, *others: bytes) -> bytes:
    """What a stranger may leave where only the size can tell."""
    return dice.randbytes(max(map(len, others)) + dice.randint(1, 3))
