"""How long the service takes to answer, on a ledger of few objects and of many.

Run as `python -m bench.service [--objects N] [--asks N]`; prints lines for docs/service.md.
With `--load N` instead: what so many questions at once cost of memory.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bucketline.flow.ledger import Ledger, RunHead
from bucketline.model import Copy, Entry, Fate, Outcome, Proof, Skip

_GROUP = 5_000
_ETAG = "0123456789abcdef0123456789abcdef"
_FEW = 10_000
_CLIENTS, _STEPS = 8, 5  # Of a load: at once; looks at the memory meanwhile.


def fill(path: Path, count: int) -> None:
    """One run of so many copies, of which one in a thousand failed."""
    with Ledger.open(path) as ledger:
        ledger.begin(RunHead("20260101-000000-bench0", "sync", "s3:/one/", "s3:/two/"))
        for first in range(0, count, _GROUP):
            some = [
                Copy(Entry(f"folder-{n // 1000:06}/object-{n:09}", 4_096, 0.0, _ETAG), f"{n:09}")
                for n in range(first, min(first + _GROUP, count))
            ]
            ends = [(one, _end(place)) for place, one in enumerate(some)]
            ledger.record(some, ends, Skip(0, 0))
        ledger.end("failed")


def _end(place: int) -> Outcome:
    if place % 1_000 == 999:
        return Outcome(Fate.FAILED, cause="Denied", message="denied")
    return Outcome(Fate.DONE, 4_096, Proof.ETAG, source_etag=_ETAG, target_etag=_ETAG)


@contextmanager
def serving(state: Path) -> Iterator[tuple[int, str, int]]:
    """Its port, a token, its process."""
    program = [sys.executable, "-m", "bucketline", "--state", str(state)]
    made = subprocess.run([*program, "token", "create"], capture_output=True, text=True, check=True)
    command = [*program, "serve", "--insecure-http", "--port", "0"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stderr is not None
        line = next(line for line in child.stderr if line.startswith("at http"))
        yield int(line.strip().rstrip("/").rpartition(":")[2]), made.stdout.strip(), child.pid
    finally:
        child.kill()
        child.wait()


def asked(port: int, token: str, paths: list[str]) -> list[float]:
    """Milliseconds of each, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took = []
    for path in paths:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": token})
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - began) * 1_000)
        if answer.status != 200:
            sys.exit(f"bench: {path}: {answer.status}")
    connection.close()
    return sorted(took)


def memory(pid: int) -> float:
    """MiB that it holds now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def load(state: Path, count: int) -> None:
    """So many questions of every kind over eight connections at once, and their memory."""
    with serving(state) as (port, token, pid):
        routes = ("runs", "runs/last", "runs/last/errors", "relays", "backups", "metrics")
        paths = [f"/v1/{route}" for route in routes] + ["/", "/logs?start=0&end=9999999999"]
        paths += [f"/v1/runs/last/objects?limit=100&after=folder-{n:06}/" for n in range(8)]
        began, rounds = time.monotonic(), count // (_CLIENTS * len(paths) * _STEPS)
        told = [memory(pid)]
        for _ in range(_STEPS):
            with ThreadPoolExecutor(_CLIENTS) as crew:
                list(crew.map(lambda _: asked(port, token, paths * rounds), range(_CLIENTS)))
            told.append(memory(pid))
        asks = rounds * len(paths) * _CLIENTS * _STEPS
        print(f"{asks:,} questions in {time.monotonic() - began:.0f} s")
        print("memory", " -> ".join(f"{one:.1f}" for one in told), "MiB")


def measure(state: Path, count: int, asks: int) -> None:
    dice = random.Random(1)
    with serving(state) as (port, token, pid):
        page = "/v1/runs/last/objects?limit=100&after={:09}"
        kinds = {
            "/v1/runs": ["/v1/runs"] * asks,
            "a page of objects": [page.format(dice.randrange(count)) for _ in range(asks)],
            "a page of failures": [
                f"{page.format(dice.randrange(count))}&fate=failed" for _ in range(asks)
            ],
        }
        before = memory(pid)
        for name, paths in kinds.items():
            took = asked(port, token, paths)
            half, late = took[len(took) // 2], took[len(took) * 99 // 100]
            print(f"| {count:,} | {name} | {half:.1f} | {late:.1f} |")
        print(f"memory {before:.0f} -> {memory(pid):.0f} MiB after {asks * len(kinds):,} questions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000_000)
    parser.add_argument("--asks", type=int, default=1_000)
    parser.add_argument("--load", type=int, default=0, help="only so many, at once")
    words = parser.parse_args()
    if words.load:
        with tempfile.TemporaryDirectory(prefix="bench-service-") as folder:
            fill(Path(folder) / "sync-bench-0000000000.ledger", _FEW)
            load(Path(folder), words.load)
        return
    for count in (_FEW, words.objects):
        with tempfile.TemporaryDirectory(prefix="bench-service-") as folder:
            began = time.monotonic()
            fill(Path(folder) / "sync-bench-0000000000.ledger", count)
            print(f"made {count:,} in {time.monotonic() - began:.0f} s")
            measure(Path(folder), count, words.asks)
    print(f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10} MiB")


if __name__ == "__main__":
    main()
