"""Small objects one by one, and in archives: requests and time for the same files.

Run as `python -m bench.batches [--objects N]`; prints a line for docs/edge.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.data import make_folder, new_bucket
from bench.servers import rclone_serve
from bench.tools import Job, environment


def sync(folder: Path, endpoint: str, scratch: Path, *words: str) -> tuple[float, int]:
    """Seconds, and requests that were made."""
    bucket = new_bucket(endpoint)
    state = scratch / bucket
    state.mkdir()
    command = [sys.executable, "-m", "bucketline", "sync", str(folder), f"s3://{bucket}/"]
    env = environment(Job(("", str(folder)), (endpoint, bucket)), state)
    said = ["--endpoint-url", endpoint, "--json", "--progress", "none", *words]
    began = time.monotonic()
    done = subprocess.run([*command, *said], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {' '.join(words)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return time.monotonic() - began, sum(told["requests"].values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.batches", description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    count: int = parser.parse_args().objects
    with tempfile.TemporaryDirectory(prefix="bucketline-bench-") as there, rclone_serve() as server:
        scratch = Path(there)
        folder = make_folder(scratch / "files", count)
        (alone, each), (packed, few) = (
            sync(folder, server, scratch, *words) for words in ([], ["--batch-tar"])
        )
    print(
        f"{count:,} objects of 4 KiB: one by one {each:,} requests in {alone:.1f} s, in archives"
        f" {few:,} in {packed:.1f} s: {each / few:.0f} times fewer,"
        f" {alone / packed:.2f} times as fast"
    )


if __name__ == "__main__":
    main()
