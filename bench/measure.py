"""What a command costs, run as a user would: wall, CPU of it and its children, peak memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Cost:
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int  # Sum of PSS over the process and its children, sampled.
    exit_code: int


def run(
    command: Sequence[str], env: dict[str, str], log: Path, *, every_seconds: float = 0.1
) -> Cost:
    """Run to the end; what it prints goes to `log`."""
    with log.open("ab") as output:
        started = time.monotonic()
        child = subprocess.Popen(command, env={**os.environ, **env}, stdout=output, stderr=output)
        sampler = _Sampler(child.pid, every_seconds)
        sampler.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        sampler.ended.set()
        sampler.join()
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(wall, cpu, sampler.peak_bytes, child.returncode)


def medians(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(cost.wall_seconds for cost in costs),
        median(cost.cpu_seconds for cost in costs),
        int(median(cost.peak_bytes for cost in costs)),
        max(cost.exit_code for cost in costs),
    )


class _Sampler(threading.Thread):
    """Looks at a process tree's memory again and again."""

    def __init__(self, pid: int, every_seconds: float) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.every_seconds = every_seconds
        self.peak_bytes = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(self.every_seconds):
            self.peak_bytes = max(self.peak_bytes, sum(_pss(pid) for pid in _tree(self.pid)))


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in _tree(int(child)))]


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(
        (int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0
    )
