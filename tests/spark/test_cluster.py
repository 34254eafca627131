"""A sync by a real cluster of two workers: all of it arrives, also when an executor is killed."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.flow.cluster import STEPS_MAX
from desk import VARIABLES, Desk, start
from faults.proxy import Exchange, FaultProxy, obey
from servers import SECRET_KEY
from spark.standalone import Standalone, standalone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
soak = pytest.mark.skipif(
    "BUCKETLINE_SOAK" not in os.environ, reason="a cluster of its own takes more than a minute"
)
COUNT = int(os.environ.get("BUCKETLINE_SPARK_OBJECTS", "20000"))
CONF = """spark.eventLog.enabled true
spark.eventLog.compress false
spark.eventLog.dir file://{0}
spark.executor.memory 512m
spark.driver.memory 512m
spark.ui.enabled false
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    keys = {"AWS_ACCESS_KEY_ID": "demo-access", "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    with standalone(tmp_path_factory.mktemp("cluster"), keys) as found:
        yield found


@pytest.fixture
def around(desk: Desk, variables: dict[str, str], tmp_path: Path) -> dict[str, str]:
    conf, events = tmp_path / "conf", tmp_path / "events"
    conf.mkdir()
    events.mkdir()
    (conf / "spark-defaults.conf").write_text(CONF.format(events))
    local = {"SPARK_CONF_DIR": str(conf), "SPARK_LOCAL_IP": "127.0.0.1"}
    return {**VARIABLES, **variables, **local, "PATH": os.environ["PATH"]}


def command_lines() -> str:
    """Of the program, and of all that is Spark's; a test's server may have its keys there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(errors="replace")
        except OSError:
            continue
        if "spark" in line.lower() and "rclone" not in line:
            found.append(line)
    return "\n".join(found)


@soak
def test_all_arrives_when_an_executor_is_killed_and_no_secret_is_seen(
    desk: Desk,
    cluster: Standalone,
    around: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(COUNT):
        desk.object(f"from/{number:05}", b"%d" % number)
    words = ("--engine", "spark", "--master", cluster.url, "--progress", "none", "--json")
    said, seen = tmp_path / "said", ""

    def kill_one(exchange: Exchange) -> None:
        """While they are at work, and not when a partition has just come back."""
        nonlocal seen
        seen = command_lines()
        os.kill(cluster.executors()[0], signal.SIGKILL)
        obey(exchange)

    with FaultProxy(desk.url) as proxy, said.open("w") as log:
        proxy.add(kill_one, method="PUT", path="/to/", nth=COUNT // 4)
        told = {**around, "AWS_ENDPOINT_URL": proxy.url}
        both = (f"{desk.s3}from/", f"{desk.s3}to/")
        with start(told, "sync", *both, *words, stderr=log) as child:
            assert child.stdout
            lines: list[dict[str, object]] = [json.loads(line) for line in child.stdout]
        written = Counter(one.key for one in proxy.seen("PUT", "/to/"))
    errors = said.read_text()

    assert child.returncode == 0, errors
    *objects, summary = lines
    assert (summary["done"], summary["failed"]) == (COUNT, 0)
    # An executor has one core here, and so one partition that it may have begun.
    twice = written.total() - len(written)
    assert (len(written), twice <= STEPS_MAX) == (COUNT, True)
    with capsys.disabled():
        print(f"\n{COUNT:,} objects, one of two executors killed: {twice} written twice")
    assert sorted(str(one["key"]) for one in objects) == [f"to/{n:05}" for n in range(COUNT)]
    for number in range(0, COUNT, 7):
        assert desk.body(f"to/{number:05}") == b"%d" % number
    assert "CoarseGrainedExecutorBackend" in seen
    files = [path for path in tmp_path.rglob("events/**/*") if path.is_file()]
    events = [path.read_text(errors="replace") for path in files]
    assert "SparkListenerEnvironmentUpdate" in "".join(events)
    for text in (seen, *events, errors):
        assert SECRET_KEY not in text


@soak
def test_folders_of_one_machine_are_refused(
    surroundings: None, cluster: Standalone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    words = ("--engine", "spark", "--master", cluster.url)
    assert main(["sync", str(tmp_path / "a"), str(tmp_path / "b"), *words]) == 2
    assert "a folder is on one machine" in capsys.readouterr()[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--master", "local[2]"), 2, "--master goes with"),
        (("--engine", "spark", "--processes", "2"), 2, "--processes is for this machine"),
        (("--engine", "spark", "--master", "here"), 2, "no Spark master"),
        (("--engine", "spark", "--master", "spark://127.0.0.1:1"), 5, "no Spark master answers"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    words: tuple[str, ...],
    code: int,
    said: str,
    surroundings: None,
    desk: Desk,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = ("--endpoint-url", desk.url)
    assert main(["sync", f"{desk.s3}from/", f"{desk.s3}to/", *words, *there]) == code
    assert said in capsys.readouterr()[1]
