"""What an object costs the Python of Spark's executors, beside a sync by one process.

Run as `python -m bench.spark [FEW MANY]`; prints lines for docs/benchmarks.md. Two workers of a
standalone cluster on this machine; what counts is the slope from FEW to MANY objects, which holds
no start.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from bench.data import expect, new_bucket, seeded
from bench.measure import run
from bench.servers import ACCESS_KEY, SECRET_KEY, rclone_serve
from bench.tools import OURS, Job, environment, sync

sys.path.append("tests")  # They know how to start a cluster.

from spark.standalone import Standalone, children, standalone

_BAR = 1.5
_TICK = os.sysconf("SC_CLK_TCK")


class Pythons:
    """The CPU of all Python processes of a cluster's executors, until now."""

    def __init__(self, cluster: Standalone) -> None:
        self._cluster = cluster
        self._seen: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        return sum(self._seen.values())

    def _watch(self) -> None:
        """Executors are gone a moment after the work is done: the last look is what is known."""
        while not self._ended.wait(0.1):
            for executor in self._cluster.executors():
                self._look(executor)

    def _look(self, pid: int) -> None:
        for child in children(pid):
            with suppress(OSError):
                if b"pyspark" in Path(f"/proc/{child}/cmdline").read_bytes():
                    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                    self._seen[child] = (int(fields[11]) + int(fields[12])) / _TICK
                self._look(child)


def main() -> int:
    few, many = map(int, sys.argv[1:] or ("20000", "60000"))
    costs: dict[tuple[str, int], float] = {}
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    with tempfile.TemporaryDirectory() as place, rclone_serve() as one, rclone_serve() as two:
        scratch = Path(place)
        with standalone(scratch / "cluster", keys) as cluster:
            for count in (few, many):
                job = Job((one, seeded(one, count)), (two, ""))
                costs["embedded", count] = synced(job, count, scratch)
                costs["spark", count] = synced(job, count, scratch, cluster)
    slopes = {}
    for name in ("embedded", "spark"):
        slopes[name] = (costs[name, many] - costs[name, few]) / (many - few)
        told = ", ".join(f"{costs[name, n]:.2f} s for {n:,}" for n in (few, many))
        print(f"{name}: CPU {told}; {slopes[name] * 1e6:.0f} us an object between them")
    ratio = slopes["spark"] / slopes["embedded"]
    print(f"the executors' Python took {ratio:.2f} of one process (bar {_BAR})")
    return 0 if ratio <= _BAR else 1


def synced(job: Job, count: int, scratch: Path, cluster: Standalone | None = None) -> float:
    """The CPU of one sync into a new bucket: of its process, or of the executors' Python."""
    assert not isinstance(job.source, Path)
    assert not isinstance(job.target, Path)
    (here, source), there = job.source, job.target[0]
    target = new_bucket(there)
    state = scratch / target
    state.mkdir()
    whole = Job((here, f"{source}/"), (there, f"{target}/"))
    env, command, log = environment(whole, state), sync(OURS, whole), state / "log"
    assert command
    if cluster is None:
        cost = run(command, env, log)
        cpu = cost.cpu_seconds
    else:
        conf = state / "spark-defaults.conf"
        conf.write_text("spark.executor.memory 512m\nspark.ui.enabled false\n")
        env |= {"SPARK_CONF_DIR": str(state), "SPARK_LOCAL_IP": "127.0.0.1"}
        with Pythons(cluster) as pythons:
            cost = run([*command, "--engine", "spark", "--master", cluster.url], env, log)
        cpu = pythons.seconds
    if cost.exit_code:
        sys.exit(f"bench: exit {cost.exit_code}\n{log.read_text()[-2000:]}")
    expect(there, target, count)
    kind = "spark" if cluster else "embedded"
    print(f"{kind} {count:,}: {cpu:.2f} s of CPU, {cost.wall_seconds:.0f} s", flush=True)
    return cpu


if __name__ == "__main__":
    sys.exit(main())
