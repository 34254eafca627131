"""A million objects: what is found is the truth, on every engine; and what it takes is printed.

Only by `./test soak`; BUCKETLINE_RING_OBJECTS makes it smaller.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.measure import run
from ring import looking
from ring.crowd import Crowd
from ring.services import Services, serve
from ring.sites import expected, opened, told
from ring.world import World
from spark.standalone import standalone

COUNT = int(os.environ.get("BUCKETLINE_RING_OBJECTS", "1000000"))
KNOWN, EACH = 1_000, 200  # Objects that memory holds, and cases of each kind of damage.
ASKED = ("digest", "filter", "orphans", "missing", "spill")  # Of an engine, each anew.

pytestmark = [
    pytest.mark.skipif(not os.environ.get("BUCKETLINE_SOAK"), reason="takes the better of an hour"),
    pytest.mark.timeout(7200),
]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    begun = time.monotonic()
    crowd = Crowd(3, COUNT - KNOWN, tmp_path_factory.mktemp("crowd"))
    world = World(3, KNOWN, each=EACH, crowd=crowd)
    said(f"{COUNT:,} objects, {crowd.chunks:,} chunks: made in {time.monotonic() - begun:.0f} s")
    with serve(world) as found:
        yield found


@pytest.fixture(scope="module")
def by_duck(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole run."""
    folder = tmp_path_factory.mktemp("duck")
    look(services, folder, "duckdb", "", "1GB")
    return folder


def look(services: Services, folder: Path, engine: str, master: str, memory: str) -> None:
    """In a process of its own, whose memory is not the double's."""
    log = folder / "log"
    words = [services.url, str(folder), engine, master, memory]
    around = {"SPARK_LOCAL_IP": "127.0.0.1"}
    cost = run([sys.executable, looking.__file__, *words], around, log, every_seconds=2.0)
    assert cost.exit_code == 0, log.read_text()[-3000:]
    took = f"{cost.wall_seconds:.0f} s, CPU {cost.cpu_seconds:.0f} s"
    said(f"{engine} {master}: {took}, at most {cost.peak_bytes >> 20} MiB; {log.read_text()}")


def said(text: str) -> None:
    """Whoever runs this wants to know, also when all is well."""
    assert sys.__stderr__
    print(" | ".join(text.strip().split("\n")), file=sys.__stderr__, flush=True)


def rows(services: Services, folder: Path) -> Counter[tuple[Any, ...]]:
    """Every column of every finding."""
    with opened(services, folder) as found:
        sql = "SELECT * FROM orphans UNION ALL SELECT * FROM missing"
        return Counter(found.engine.rows(sql, found.files("orphans", "missing")))


def differences(one: Counter[tuple[Any, ...]], other: Counter[tuple[Any, ...]]) -> int:
    return ((one - other) + (other - one)).total()


def test_the_findings_of_a_million_objects_are_the_truth(services: Services, by_duck: Path) -> None:
    with opened(services, by_duck) as found:
        findings = told(found)
        assert found.dataset("orphans").manifest().why_partial == ""

    said(f"{findings.total():,} findings; {len(set(findings) ^ expected(services))} are not so")
    assert set(findings) == expected(services)


def test_spark_finds_the_same(services: Services, by_duck: Path, tmp_path: Path) -> None:
    copied(by_duck, tmp_path)
    look(services, tmp_path, "spark", "local[2]", "2GB")

    differ = differences(rows(services, by_duck), rows(services, tmp_path))
    said(f"spark local[2]: {differ} differences to DuckDB")
    assert differ == 0


def test_a_cluster_of_two_finds_the_same(services: Services, by_duck: Path, tmp_path: Path) -> None:
    copied(by_duck, tmp_path / "run")
    with standalone(tmp_path / "cluster", {}) as cluster:
        look(services, tmp_path / "run", "spark", cluster.url, "1GB")

    differ = differences(rows(services, by_duck), rows(services, tmp_path / "run"))
    said(f"spark, two workers: {differ} differences to DuckDB")
    assert differ == 0


def copied(source: Path, target: Path) -> None:
    """What was listed and exported, for another engine to go on with."""
    skipped = shutil.ignore_patterns(*ASKED, "log")
    shutil.copytree(source, target, ignore=skipped, copy_function=os.link, dirs_exist_ok=True)
