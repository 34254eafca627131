"""Two stores and a saved plan between them: what tests of `plan apply` move about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bucketline.engines.apply import Apply, ApplyPolicy
from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import blocking
from bucketline.flow.ledger.applied import Applied
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.plans import Head, SavedPlan, Totals, write_plan
from bucketline.model import Fate, Skip
from bucketline.stores.memory import MemoryStore
from test_transfer import Now, nothing_known

HEAD = Head(1.0, "bucketline 9", {}, {})


class World:
    """Two stores, a plan between them that was saved, and what its runs have done so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source, self.target = MemoryStore("s3://one/"), MemoryStore("s3://two/")
        self.done: dict[str, Applied] = {}

    def save(self) -> SavedPlan:
        sides = (Side(self.source), Side(self.target))
        engine = Transfer(*sides, TransferPolicy(delete_extra=True), Now(), nothing_known)
        write_plan(self.path, HEAD, engine.rehearse(), nothing_more)
        return SavedPlan.open(self.path)

    def apply(self, saved: SavedPlan, **options: Any) -> Apply:
        places = (self.source, self.target)
        part_size = options.pop("part_size", 16 << 20)
        policy = ApplyPolicy(MovePolicy(part_size=part_size), **options)
        return Apply(saved, places, policy, Now(), self.memory)

    def memory(self, keys: Sequence[str]) -> Mapping[str, Applied]:
        return {key: self.done[key] for key in keys if key in self.done}

    @property
    def held(self) -> dict[str, bytes]:
        return contents(self.target)


def nothing_more(totals: Totals) -> None:
    """Nothing more is known."""


def contents(store: MemoryStore) -> dict[str, bytes]:
    page = blocking(store.page())
    return {entry.key: blocking(store.read(entry.key)).body for entry in page.entries}


def put(store: MemoryStore, **bodies: bytes) -> None:
    for key, body in bodies.items():
        blocking(store.write(key, body))


def remove(store: MemoryStore, key: str) -> None:
    blocking(store.delete(key))


def carry_out(engine: Apply) -> None:
    for step in engine.plan():
        if not isinstance(step, Skip):
            assert blocking(engine.perform(step)).fate is Fate.DONE


def perform(engine: Apply, key: str) -> None:
    [step] = [one for one in engine.plan() if not isinstance(one, Skip) and one.key == key]
    blocking(engine.perform(step))


def a_world(folder: Path) -> World:
    """a is new, b is other, c is the same, d is extra."""
    made = World(folder / "plan")
    put(made.source, a=b"A", b=b"BB", c=b"C")
    put(made.target, b=b"b", c=b"C", d=b"D")
    return made


def looked_through(engine: Apply) -> None:
    """Raises what a world that moved makes of the plan."""
    list(engine.plan())
    engine.check()
