"""A run that is written line by line, and its log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bucketline.clock import FakeClock
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.report.log import OBJECTS, Moment, document
from bucketline.flow.report.runs import run_of
from bucketline.model import Action, Copy, Entry, Fate, Outcome, Proof, Skip

START = 1_700_000_000.0
NONE = Skip(0, 0)
S3 = {"remote": "a", "endpoints": ["http://a:1"], "region": "snow", "bucket": "in", "prefix": "p/"}
FOLDER = {"folder": "/copy", "prefix": ""}


class Story:
    """A run, written line by line."""

    def __init__(self, folder: Path, **configuration: Any) -> None:
        self.clock = FakeClock(START)
        self.path = folder / "job.ledger"
        self.ledger = Ledger.open(self.path, clock=self.clock)
        places = {"source": S3, "target": FOLDER}
        said = {"workers": 8, "delete": False, "places": places, **configuration}
        said = {name: value for name, value in said.items() if value is not None}
        self.ledger.begin(RunHead("run-1", "sync", "s", "t", name="job", configuration=said))

    def begun(self, *actions: Action) -> None:
        self.ledger.record(actions, [], NONE)

    def ended(self, ends: Sequence[tuple[Action, Outcome]], skipped: Skip = NONE) -> None:
        self.clock.sleep(2.0)
        self.ledger.record([], ends, skipped)

    def over(self, state: str, message: str = "") -> None:
        self.clock.sleep(6.0)
        self.ledger.end(state, message)
        self.ledger.close()

    def log(self, objects: int | None = OBJECTS, found: int = 0) -> dict[str, Any]:
        row = run_of(self.path, "run-1")
        assert row is not None
        said: dict[str, Any] = json.loads("".join(document(row, Moment(START + 9, found), objects)))
        return said


def copy(name: str, size: int = 1 << 30) -> Copy:
    return Copy(Entry(f"p/{name}", size, etag="e"), name)


def done(size: int = 1 << 30) -> Outcome:
    return Outcome(Fate.DONE, size, Proof.ETAG)


def chosen(log: Mapping[str, Any], *names: str) -> list[Any]:
    return [log[name] for name in names]
