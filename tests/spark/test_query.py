"""Every pass says the same on DuckDB and on Spark: with NULL, duplicates, nothing, any text."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bucketline.cli.asking import engine_of
from bucketline.engines.ring import capacity, passes
from bucketline.engines.ring.site import TABLES
from bucketline.errors import DiskError, UsageError
from bucketline.flow.query.base import Bounds, Engine, Inputs
from bucketline.flow.query.duck import Duck
from bucketline.flow.query.rows import Column
from bucketline.flow.query.spark import Spark
from ring.services import serve
from ring.sites import expected, look, opened, told
from ring.world import World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # Of py4j.
]
BEGUN = 1_700_000_000
WORDS = ("", "a", "A", "é", "e\u0301", "\U0001f9ca", "a b", "a'b\"", "%5C\\n", "\u2028", "0", "-1")
MAINS_COLUMNS = (
    *(Column("main"), Column("dig"), Column("service")),
    *(Column(name, "int64") for name in ("class", "data", "coding", "listed", "is_new", "copies")),
)
PASSES = {
    "dig references": passes.DIG_REFERENCES,
    "split parents": passes.SPLIT_PARENTS,
    "mains": passes.MAINS,
    "missing": passes.missing(BEGUN),
    "doubted": passes.doubted(BEGUN),
    "unreferenced": passes.UNREFERENCED,
    "fingerprints": passes.FINGERPRINTS,
    "unresolved": passes.UNRESOLVED,
    "findings": passes.FINDINGS,
    "classes": passes.CLASSES,
    "referred": passes.referred(["5D11385B6915C1ADC28532E120D5FB59964F4F20", "1"]),
    "sound": passes.sound(7, 50),
    "oldest upload": passes.OLDEST_UPLOAD,
    "doubts": passes.DOUBTS,
    "share": passes.SHARE,
    "agreed": passes.AGREED,
    "capacity": capacity._rows(BEGUN),
}
Tables = dict[str, list[Path]]


def value(column: Column, draw: random.Random, *, nulls: bool) -> Any:
    if nulls and draw.random() < 0.1:
        return None
    if column.kind == "bool_":
        return draw.random() < 0.5
    if column.name in {"input_key", "chunk", "main", "parent"}:
        tail = draw.choice(["511470C070", "5014700020", "592CC07A", "4C2CC003", "51204070FF"])
        return draw.choice(["", "0", "00", "0A", ""]) + f"{draw.randrange(20):030X}{tail}"
    if column.name == "dig":
        return f"{draw.randrange(20):022X}"
    if column.name == "modified":
        return draw.choice([0, -1, BEGUN - 86_400 * draw.randrange(2_000), BEGUN + 5])
    if column.kind == "int64":
        return draw.choice([0, 1, 2, 3, 5, 7, 8, 32, 48, draw.randrange(100)])
    known = {
        "kind": ("object", "mpu_part", "abandoned_part", "journal", "split_child"),
        "service": ("50", "51", "08"),
        "issue": ("", "", "", "UNRESOLVED", "EMPTY_MD"),
        "class": ("ORPHAN", "ORPHAN_CHILD", "UNRESOLVED", "TOO_NEW", "MISSING"),
    }
    return draw.choice(known.get(column.name, WORDS))


def table(path: Path, columns: tuple[Column, ...], rows: list[list[Any]]) -> list[Path]:
    schema = pa.schema([(c.name, getattr(pa, c.kind)()) for c in columns])
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(v, type=f.type) for v, f in zip(values, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)
    return [path]


def tables(folder: Path, seed: int, count: int, *, nulls: bool) -> Tables:
    """All that the passes read; some rows are there twice."""
    draw = random.Random(seed)
    found: Tables = {}
    known = {**TABLES, "filter": MAINS_COLUMNS, "orphans_before": TABLES["orphans"]}
    for name, columns in known.items():
        if columns:
            rows = [
                [value(c, draw, nulls=nulls and number % 2 > 0) for c in columns]
                for number in range(count)
            ]
            rows += draw.sample(rows, count // 5)
            found[name] = table(folder / f"{name} [{seed}] *.parquet", columns, rows)
    return found


def answers(engine: Engine, sql: str, inputs: Inputs) -> Counter[tuple[Any, ...]]:
    return Counter(engine.rows(sql, inputs))


@pytest.fixture
def engines(duck: Duck, spark: Spark) -> Iterator[tuple[Duck, Spark]]:
    yield duck, spark
    spark.close()


@pytest.mark.parametrize(
    ("count", "nulls"), [(0, False), (300, True)], ids=["nothing", "many, half with NULLs"]
)
def test_every_pass_says_the_same_on_both(
    count: int, nulls: bool, engines: tuple[Duck, Spark], tmp_path: Path
) -> None:
    duck, spark = engines
    inputs = tables(tmp_path, 11, count, nulls=nulls)
    differ = {}
    for name, sql in PASSES.items():
        one, other = answers(duck, sql, inputs), answers(spark, sql, inputs)
        if one != other:
            differ[name] = (list((one - other).items())[:2], list((other - one).items())[:2])
    assert differ == {}


def test_any_text_comes_through(engines: tuple[Duck, Spark], tmp_path: Path) -> None:
    words = [[word] for word in (*WORDS, None, "a", "\0", "\r\n", "x" * 100_000)]
    inputs = {"t": table(tmp_path / "t.parquet", (Column("word"),), words)}
    for engine in engines:
        target = tmp_path / ".all.part"
        engine.write("SELECT word FROM t", inputs, target)
        found = pq.read_table(target).column("word").to_pylist()
        assert Counter(found) == Counter(word for (word,) in words)
        assert [path.name for path in tmp_path.iterdir() if "spark" in path.name] == []
        target.unlink()


def test_a_file_that_is_gone_is_one_line(spark: Spark, tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="must see this folder") as caught:
        list(spark.rows("SELECT * FROM t", {"t": [tmp_path / "gone.parquet"]}))
    assert "\n" not in str(caught.value)


def test_a_master_that_makes_no_sense_is_told() -> None:
    from bucketline.flow.query.session import session

    with pytest.raises(UsageError, match="no Spark master"):
        session("localhost")


def test_the_findings_are_the_truth_on_spark_too(spark: Spark, tmp_path: Path) -> None:
    """A million objects: tests/soak/test_ring_million.py."""
    with serve(World(3, 1_000)) as services, opened(services, tmp_path) as found:
        found.engine.close()
        found.engine = spark
        look(found)
        capacity.capacity(found)

        assert set(told(found)) == expected(services)
        assert sum(held.objects for by, held in capacity.held(found) if by == "what") > 500


def test_master_without_spark_is_refused() -> None:
    with pytest.raises(UsageError, match="--master goes with"):
        engine_of("duckdb", "local[2]", Bounds())
