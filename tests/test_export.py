"""What other programs get: JSON lines and Parquet."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import UsageError
from bucketline.flow import export, report
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.report import RunRow
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


def test_an_export_has_a_head_every_object_and_an_end(tmp_path: Path) -> None:
    head, *objects, end = map(json.loads, export.json_lines(finished(tmp_path, {"a": DONE})))
    assert (head["kind"], head["format"], head["run"]) == ("run", 1, "run-1")
    assert head["configuration"] == {"workers": 4}
    assert [one["key"] for one in objects] == ["a"]
    assert end == {"kind": "end", "objects": 1}


def test_a_parquet_export_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = finished(tmp_path, {"a": DONE})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"install bucketline\[ring\]"):
        export.parquet(row, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="pyarrow is an extra")
def test_a_parquet_export_holds_every_object(tmp_path: Path) -> None:
    row = finished(tmp_path, {"a": DONE, "é": DENIED})
    assert export.parquet(row, tmp_path / "out.parquet") == 2
    parquet = importlib.import_module("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table["key"].to_pylist() == ["a", "é"]
    assert table["hashes"].to_pylist() == ['{"md5": "d", "part-size": "8"}', "{}"]
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".part"] == []
