"""One Spark for all tests of a process: it takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.flow.query import session
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.duck import Duck
from bucketline.flow.query.session import spark_module
from bucketline.flow.query.spark import Spark


@pytest.fixture(scope="session")
def spark() -> Iterator[Spark]:
    begin_in_haste()
    engine = Spark("local[2]", Bounds("1GB", 1))
    yield engine
    engine._session.stop()


def begin_in_haste() -> None:
    """To compile each query takes longer than to interpret it once."""
    builder = spark_module("pyspark.sql").SparkSession.builder.master("local[2]")
    settings = {
        **session._SETTINGS,
        **session._ALONE,
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    builder.getOrCreate()


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[Duck]:
    engine = Duck(Bounds("256MB", 2, tmp_path / "spill"))
    yield engine
    engine.close()
