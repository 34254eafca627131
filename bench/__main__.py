"""Measures ours against s5cmd and rclone: `python -m bench [--runs N] [WORKLOAD …]`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.data import Rooms
from bench.measure import Cost, medians, run
from bench.report import Result, page, table
from bench.tools import OURS
from bench.workloads import WORKLOADS, Start, Workload

_PAGE = Path("docs/benchmarks.md")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="WORKLOAD")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of objects")
    parser.add_argument("--folders", type=Path, default=_memory(), help="where files are, for all")
    parser.add_argument("--output", type=Path, help=f"the page; {_PAGE} when all is measured")
    options = parser.parse_args()
    chosen = [work for work in WORKLOADS if not options.names or work.name in options.names]
    results = []
    for work in chosen:
        objects = max(1, int(work.objects * options.scale))
        results.append(measure(work, objects, options.runs, options.folders))
        print(table(results[-1:]), flush=True)
    is_whole = not options.names and options.scale == 1
    if output := options.output or (_PAGE if is_whole else None):
        output.write_text(page(results))
    return 0 if results and all(result.holds for result in results) else 1


def measure(work: Workload, objects: int, runs: int, folders: Path | None) -> Result:
    """Every tool once unmeasured, then `runs` times in turn."""
    costs: dict[str, list[Cost]] = {name: [] for name in (OURS, *work.peers)}
    with (
        _scratch(None) as scratch,
        _scratch(folders) as files,
        work.open(Rooms(scratch, files), objects) as start,
    ):
        for turn in range(runs + 1):
            for name, measured in costs.items():
                cost = _once(start, name, scratch)
                if turn:
                    measured.append(cost)
    return Result(work, objects, runs, {name: medians(each) for name, each in costs.items()})


def _memory() -> Path | None:
    """Files of tmpfs: a disk's own speed, and its flushes, are not what is compared."""
    return Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bucketline-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _once(start: Start, name: str, scratch: Path) -> Cost:
    attempt = start(name)
    assert attempt is not None, f"{name} cannot do this"
    log = scratch / "log"
    log.unlink(missing_ok=True)
    cost = run(attempt.command, attempt.env, log)
    if cost.exit_code:
        sys.exit(
            f"bench: {' '.join(attempt.command)}: exit {cost.exit_code}\n{log.read_text()[-2000:]}"
        )
    attempt.check()
    return cost


if __name__ == "__main__":
    sys.exit(main())
