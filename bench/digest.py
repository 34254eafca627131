"""What the ring fsck's digest asks for, and how quickly it is done.

python -m bench.digest 20000

The ring's double is a process of its own; its objects are the mix that the tests have. The old
check asked for each key, 31 a second for each worker.
"""

from __future__ import annotations

import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.append("tests")  # They know how to play a ring.

from bucketline.engines.ring.findings import PHASES
from ring.services import serve
from ring.sites import opened_at
from ring.world import World

_SEED = 11
_PER_OBJECT_MAX = 0.05


def main() -> int:
    count = int(sys.argv[1])
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    ring = context.Process(target=play, args=(count, theirs))
    ring.start()
    try:
        return measured(ours)
    finally:
        ours.send(None)
        ring.join()


def play(count: int, pipe: Connection) -> None:
    """The services, until told to end; whoever asks is told how many requests there were."""
    world = World(_SEED, count)
    objects = sum(len(entries) for entries in world.buckets.values())
    with serve(world) as services:
        pipe.send((services.url, objects))
        while pipe.recv():
            pipe.send(services.asked.total())


def measured(pipe: Connection) -> int:
    url, objects = pipe.recv()
    with tempfile.TemporaryDirectory() as folder, opened_at(url, Path(folder)) as found:
        for phase in ("listkeys", "export"):
            PHASES[phase](found)
        before, begun = asked(pipe), time.monotonic()
        PHASES["digest"](found)
        seconds, requests = time.monotonic() - begun, asked(pipe) - before
        keys = found.dataset("digest").manifest().rows
    share, speed = requests / objects, keys / seconds
    print(f"digest: {keys:,} keys of {objects:,} objects in {seconds:.2f} s")
    print(f"{speed:,.0f} keys a second (the old check: 31 for each worker)")
    print(f"{requests:,} requests, {share:.3f} an object (bar {_PER_OBJECT_MAX})")
    return 0 if share <= _PER_OBJECT_MAX else 1


def asked(pipe: Connection) -> int:
    pipe.send("asked?")
    total: int = pipe.recv()
    return total


if __name__ == "__main__":
    sys.exit(main())
