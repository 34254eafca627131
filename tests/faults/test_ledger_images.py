"""A power cut at any moment: what the ledger acknowledged is there, whole, and adds up."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from bucketline.clock import FakeClock
from bucketline.errors import LedgerError
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.model import Action, Copy, Delete, Entry, Fate, Outcome, Proof, Skip
from faults.crash_vfs import CrashVFS, Journal, Op

IMAGES = 1_500 if os.environ.get("BUCKETLINE_SOAK") else 150
VFS = "bucketline-crash"
Batch = tuple[list[Action], list[tuple[Action, Outcome]], Skip]


@dataclass
class Told:
    """What the ledger was told, and where in the journal each telling was acknowledged."""

    journal: Journal
    batches: list[tuple[int, str, Batch]] = field(default_factory=list)

    def acknowledged(self, prefix: int) -> int:
        return sum(1 for place, _, _ in self.batches if place <= prefix)


def outcome(chance: random.Random, size: int) -> Outcome:
    fate = chance.choice((Fate.DONE, Fate.DONE, Fate.DONE, Fate.FAILED, Fate.WAITING))
    if fate is Fate.DONE:
        etag = f"{chance.getrandbits(128):032x}"
        return Outcome(fate, size, Proof.ETAG, etag, etag, hashes={"md5": etag})
    return Outcome(fate, cause="Denied", message="no " * chance.randrange(200))


def batches(chance: random.Random, keys: list[str]) -> list[Batch]:
    """A run as the loop would record it: fates come a batch or two after their intents."""
    waiting: list[Action] = []
    told: list[Batch] = []
    while keys or waiting:
        fresh, keys = keys[:5], keys[5:]
        intents: list[Action] = [
            Delete(Entry(key, 7)) if chance.random() < 0.2 else Copy(Entry(key, 9), key)
            for key in fresh
        ]
        chance.shuffle(waiting)
        cut = chance.randrange(len(waiting) + 1) if keys else len(waiting)
        ends = [(action, outcome(chance, 9)) for action in waiting[:cut]]
        waiting = waiting[cut:] + intents
        told.append((intents, ends, Skip(chance.randrange(3), chance.randrange(100))))
    return told


def written(folder: Path, synchronous: str = "") -> Told:
    """Three runs over a disk that remembers, with a WAL that starts over many times."""
    journal, chance = Journal(), random.Random(7)
    vfs = CrashVFS(VFS, journal)
    told = Told(journal)
    with Ledger.open(folder / "job.ledger", clock=FakeClock(), vfs=VFS) as ledger:
        if synchronous:  # Else what the product itself asks for.
            ledger._db.pragma("synchronous", synchronous)
        ledger._db.pragma("wal_autocheckpoint", 12)
        for run in ("one", "two", "three"):
            ledger.begin(RunHead(run, "sync", "a", "b"))
            told.batches.append((len(journal), run, ([], [], Skip(0, 0))))
            keys = [f"photos/{number:04}.jpg" for number in range(0, 200, chance.choice((1, 2)))]
            for batch in batches(chance, keys):
                ledger.record(*batch)
                told.batches.append((len(journal), run, batch))
            ledger.end("complete")
    vfs.unregister()
    return told


def lines_told(run: str, batch: Batch) -> set[tuple[str, str, str]]:
    begun = {(run, action.key, "started") for action in batch[0]}
    return begun | {(run, action.key, end.fate.value) for action, end in batch[1]}


def violations(told: Told, prefix: int, seed: int, folder: Path) -> list[str]:
    """What is wrong with the ledger that a power cut left; nothing, if it keeps its promises."""
    folder.mkdir()
    for name, body in told.journal.image(prefix, seed).items():
        (folder / name).write_bytes(body)
    try:
        with Ledger.open(folder / "job.ledger", clock=FakeClock(), vfs=VFS) as ledger:
            found = ledger.complaints()
            rows = set(ledger._db.execute("SELECT run, key, fate FROM history"))
            passed = ledger._db.execute(
                "SELECT runs.run, count, bytes FROM counters JOIN runs ON number=counters.run"
                " WHERE fate=5"
            )
            skips = {run: (count, size) for run, count, size in passed}
    except (LedgerError, apsw.Error) as error:
        return [f"lost: {error}"]
    return found + lost_and_torn(told, told.acknowledged(prefix), rows, skips)


def lost_and_torn(
    told: Told, acknowledged: int, rows: set[Any], skips: dict[str, Any]
) -> list[str]:
    found = []
    last = 0  # How many batches are there; later ones must not be there, as they came in order.
    for number, (_, run, batch) in enumerate(told.batches, 1):
        expected = lines_told(run, batch)
        if expected <= rows:
            last = number if expected else last
        elif number <= acknowledged:
            found.append(f"lost: acknowledged batch {number}")
        elif expected & rows:
            found.append(f"torn: batch {number}")
    there = told.batches[: max(last, acknowledged)]
    if rows != set().union(*(lines_told(run, batch) for _, run, batch in there)):
        found.append("order: a later batch is there without an earlier one")
    counts, sizes = Counter[str](), Counter[str]()
    for _, run, batch in there:
        counts[run] += batch[2].count
        sizes[run] += batch[2].size
    if any(skips.get(run, (0, 0)) != (counts[run], sizes[run]) for run in counts):
        found.append(f"skips: {skips} instead of {counts}, {sizes}")
    return found


def all_violations(told: Told, images: int, folder: Path) -> Counter[str]:
    """By kind, over images at evenly spread moments."""
    kinds: Counter[str] = Counter()
    vfs = CrashVFS(VFS, Journal())  # Nothing is synced: images are many, and disks are slow.
    for number in range(images):
        prefix = 1 + number * len(told.journal) // images
        for said in violations(told, prefix, number, folder / str(number)):
            kinds[said.partition(":")[0]] += 1
        shutil.rmtree(folder / str(number))
        vfs.journal.ops.clear()
    vfs.unregister()
    return kinds


@pytest.mark.timeout(600)
def test_a_power_cut_at_any_moment_loses_and_tears_nothing(tmp_path: Path) -> None:
    told = written(tmp_path)
    kinds = [op.kind for op in told.journal.ops]
    assert kinds.count("sync") > 100, "the workload must sync"
    assert sum(op.file == "job.ledger" and op.kind == "write" for op in told.journal.ops) > 50
    assert all_violations(told, IMAGES, tmp_path) == Counter()


def test_the_oracle_sees_what_weaker_syncing_loses(tmp_path: Path) -> None:
    told = written(tmp_path, "NORMAL")
    assert all_violations(told, 60, tmp_path)["lost"] > 0


def test_a_disk_that_lies_about_syncing_is_found_out(tmp_path: Path) -> None:
    told = written(tmp_path)
    told.journal.ops[:] = [
        Op("nothing", op.file) if op.kind == "sync" else op for op in told.journal.ops
    ]
    assert all_violations(told, 20, tmp_path)["lost"] > 0


def test_the_crash_disk_is_a_plain_disk_while_the_power_stays_on(tmp_path: Path) -> None:
    told = written(tmp_path)
    whole = told.journal.image(len(told.journal), 0)
    assert whole["job.ledger"] == (tmp_path / "job.ledger").read_bytes()
