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

    def start(name: str, kind: str, *words: str) -> tuple[int, int]:
        port, place = processes.free_port(), folder / name
        place.mkdir(parents=True)
        said = ["--host", "127.0.0.1", "--port", str(port)]
        page = ["--webui-port", str(processes.free_port())]
        command = ["java", "-Xmx256m", "-cp", f"{home}/jars/*", f"org.apache.spark.deploy.{kind}"]
        pid = processes.spawn([*command, *said, *page, *words], place, variables=around)
        processes.await_port(port, pid, place / "java.log", timeout_seconds=300)
        return pid, port

    pids = []
    try:
        master, port = start("master", "master.Master")
        pids.append(master)
        url = f"spark://127.0.0.1:{port}"
        words = ("worker.Worker", "-c", "1", "-m", "1g", url)
        pids += [start(name, *words)[0] for name in ("one", "two")]
        yield Standalone(url, master, tuple(pids[1:]), folder)
    finally:
        processes.kill(pids)
