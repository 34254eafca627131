"""A standalone Spark cluster of two workers, on loopback alone."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import processes


@dataclass(frozen=True)
class Standalone:
    """Where it is, and who its processes are."""

    url: str
    master: int
    workers: tuple[int, ...]
    folder: Path

    def executors(self) -> list[int]:
        """Those of all workers that are at work now."""
        return [child for worker in self.workers for child in children(worker)]


def children(pid: int) -> list[int]:
    """Of all of its threads, which come and go."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


@contextmanager
def standalone(folder: Path, variables: dict[str, str]) -> Iterator[Standalone]:
    """`variables` is what the workers' hosts have in their environment."""
    home = Path(str(importlib.import_module("pyspark").__file__)).parent
    around = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    around |= {"SPARK_SCALA_VERSION": "2.13", **variables}

    pids: list[int] = []

    def start(name: str, kind: str, *words: str) -> int:
        port, place = processes.free_port(), folder / name
        place.mkdir(parents=True)
        said = ["--host", "127.0.0.1", "--port", str(port)]
        page = ["--webui-port", str(processes.free_port())]
        command = ["java", "-Xmx256m", "-cp", f"{home}/jars/*", f"org.apache.spark.deploy.{kind}"]
        pid = processes.spawn([*command, *said, *page, *words], place, variables=around)
        pids.append(pid)  # Before it listens: one that never does must end as well.
        processes.await_port(port, pid, place / "java.log", timeout_seconds=300)
        return port

    try:
        url = f"spark://127.0.0.1:{start('master', 'master.Master')}"
        words = ("worker.Worker", "-c", "1", "-m", "1g", url)
        for name in ("one", "two"):
            start(name, *words)
        yield Standalone(url, pids[0], tuple(pids[1:]), folder)
    finally:
        processes.kill(pids)
