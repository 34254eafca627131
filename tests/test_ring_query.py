"""Datasets and the engine that reads them: nothing incomplete or damaged is ever read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.errors import DiskError, Refused, UsageError
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.datasets import Dataset, require_whole
from bucketline.flow.query.duck import Duck
from bucketline.flow.query.rows import Column

COLUMNS = (Column("key"), Column("size", "int64"))


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[Duck]:
    engine = Duck(Bounds("256MB", 1, tmp_path / "spill"))
    yield engine
    engine.close()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "some", COLUMNS)


def fill(dataset: Dataset, name: str, rows: list[tuple[str, int]]) -> None:
    with dataset.piece(name) as piece:
        for row in rows:
            piece.add(row)


def test_rows_come_back_as_they_were_written(dataset: Dataset, duck: Duck) -> None:
    fill(dataset, "a", [("", 0), ("é\0ü\n", 1), ("x", 2), ("x", 2)])
    fill(dataset, "b", [])
    dataset.seal()

    found = list(duck.rows("SELECT key, size FROM t ORDER BY size", {"t": dataset.files()}))

    assert found == [("", 0), ("é\0ü\n", 1), ("x", 2), ("x", 2)]
    assert dataset.manifest().rows == 4


def test_an_answer_becomes_a_piece(dataset: Dataset, duck: Duck, tmp_path: Path) -> None:
    fill(dataset, "a", [("x", 2), ("y", 3)])
    dataset.seal()
    other = Dataset(tmp_path / "other", COLUMNS)
    sql = "SELECT key, size FROM t WHERE size > 2"
    other.made("a", lambda path: duck.write(sql, {"t": dataset.files()}, path))
    other.seal()

    assert list(duck.rows("SELECT * FROM t", {"t": other.files()})) == [("y", 3)]


def test_what_was_not_brought_to_its_end_is_refused(dataset: Dataset) -> None:
    fill(dataset, "a", [("x", 2)])

    with pytest.raises(Refused, match="incomplete"):
        dataset.files()


def test_a_piece_that_fails_leaves_nothing(dataset: Dataset) -> None:
    with pytest.raises(ZeroDivisionError), dataset.piece("a") as piece:
        piece.add(("x", 1 // 0))

    assert not dataset.has("a")
    assert dataset.seal().rows == 0


def test_a_damaged_piece_is_never_read(dataset: Dataset) -> None:
    fill(dataset, "a", [("x", 2)])
    dataset.seal()
    (dataset.folder / "a.parquet").write_bytes(b"PAR1 something else")

    with pytest.raises(DiskError, match="not what was written"):
        dataset.files()


def test_a_part_of_the_world_says_so(dataset: Dataset) -> None:
    fill(dataset, "a", [("x", 2)])
    dataset.seal(why_partial="only the bucket b")

    assert require_whole([dataset]) == ["some: only the bucket b"]


def test_settings_that_make_no_sense_are_told() -> None:
    with pytest.raises(UsageError, match="DuckDB refuses"):
        Duck(Bounds("a lot"))
