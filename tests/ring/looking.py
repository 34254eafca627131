"""A whole run of the ring fsck as a process of its own, so that what it takes can be measured.

Run as `python tests/ring/looking.py URL FOLDER ENGINE MASTER MEMORY`; prints a line a phase. It is
`bucketline ring run` at a moment that the double's world knows of.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bucketline.cli.asking import engine_of
from bucketline.engines.ring.findings import PHASES
from bucketline.flow.query.base import Bounds
from ring.sites import site_at


def main() -> None:
    url, place, name, master, memory = sys.argv[1:]
    folder = Path(place)
    engine = engine_of(name, master or None, Bounds(memory, 2, folder / "spill"))
    found = site_at(url, folder, engine)
    for phase, perform in PHASES.items():
        begun = time.monotonic()
        perform(found)
        rows = found.dataset(phase).manifest().rows
        print(f"{phase}: {time.monotonic() - begun:.1f} s, {rows:,} rows", flush=True)
    engine.close()


if __name__ == "__main__":
    main()
