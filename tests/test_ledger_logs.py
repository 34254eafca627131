"""Which runs owe a log, as the ledger remembers it."""

from __future__ import annotations

from pathlib import Path

from bucketline.flow.ledger import RunHead
from ledgers import opened


def test_a_run_owes_its_log_until_it_is_settled(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        for run in ("one", "two", "three"):
            ledger.begin(RunHead(run, "sync", "a", "b"))
            ledger.logs.owe(run, "s3://logs/")
            ledger.end("complete")
        ledger.logs.settle(["two"])

        assert ledger.logs.owed("s3://logs/") == ["one", "three"]
        assert ledger.logs.owed("s3://other/") == []


def test_a_forgotten_run_owes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.begin(RunHead("one", "sync", "a", "b"))
        ledger.logs.owe("one", "s3://logs/")
    with opened(tmp_path) as ledger:
        ledger.prune(0)

        assert ledger.logs.owed("s3://logs/") == []
        assert ledger._db.execute("SELECT count(*) FROM logs").get == 0
