"""Ledgers of small runs, for what reads them."""

from __future__ import annotations

from pathlib import Path

from bucketline.clock import FakeClock
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.report import runs as report
from bucketline.flow.report.runs import RunRow
from bucketline.model import Copy, Entry, Fate, Outcome, Proof, Skip

NONE = Skip(0, 0)
DONE = Outcome(Fate.DONE, 3, Proof.MD5, "s", "t", "v1", hashes={"md5": "d", "part-size": "8"})
DENIED = Outcome(Fate.FAILED, cause="Denied", message="s3://a/k: 403")


def copy(key: str) -> Copy:
    return Copy(Entry(key, 3, etag="source"), key, reason="etag")


def opened(folder: Path, job: str = "job", start: float = 1_700_000_000.0) -> Ledger:
    return Ledger.open(folder / f"{job}.ledger", clock=FakeClock(start))


def told(ledger: Ledger, run: str, ends: dict[str, Outcome], skipped: Skip = NONE) -> None:
    ledger.begin(RunHead(run, "sync", "s3://a/", "s3://b/", configuration={"workers": 4}))
    ledger.record([copy(key) for key in ends], [], skipped)
    ledger.record([], [(copy(key), end) for key, end in ends.items()], NONE)


def finished(folder: Path, ends: dict[str, Outcome], state: str = "complete") -> RunRow:
    with opened(folder) as ledger:
        told(ledger, "run-1", ends, Skip(5, 50))
        ledger.end(state)
    return report.find_run(folder, "last")
