"""What other programs get: JSON lines and Parquet."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from bucketline.errors import UsageError
from bucketline.flow.report import export
from ledgers import DENIED, DONE, finished


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
    with pytest.raises(UsageError, match=r"install bucketline\[parquet\]"):
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
