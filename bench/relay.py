"""What a relay costs: beside one of its hops alone, and while it has nothing to do.

Run as `python -m bench.relay [--runs N] [throughput] [idle]`; prints lines for docs/relay.md.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.data import empty, expect, new_bucket, seeded_sizes
from bench.servers import cheap_listing, rclone_serve
from bench.tools import Job, environment

_RATE = 40_000_000  # Bytes a second of each link.
_MIB = 1 << 20
_SIZES = [4 << 10, 300 << 10, 3 * _MIB, 20 * _MIB] * 40  # About 930 MiB, small and large.
_IDLE_KEYS, _IDLE_SECONDS, _EVERY = 100_000, 60, 10


@contextmanager
def slow(endpoint: str) -> Iterator[str]:
    """The same server behind a link of 40 MB/s."""
    port = endpoint.rpartition(":")[2]
    command = [sys.executable, "-m", "bench.slow_link", port, str(_RATE)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.kill()
        child.wait()


def timed(command: list[str], env: dict[str, str]) -> float:
    began = time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return time.monotonic() - began


def throughput(runs: int, scratch: Path) -> None:
    """The relay against a sync to a folder over the first of its two links."""
    program = [sys.executable, "-m", "bucketline"]
    ratios, alone, both = [], [], []
    with (
        rclone_serve() as one,
        rclone_serve() as two,
        slow(one) as near,
        slow(two) as far,
    ):
        source = seeded_sizes(one, _SIZES)
        for turn in range(runs):
            state, target = scratch / f"state-{turn}", new_bucket(two)
            state.mkdir()
            env = environment(Job((near, source), (far, target)), state)
            folder, volume = scratch / f"folder-{turn}", scratch / f"volume-{turn}"
            volume.mkdir()
            words = ["--progress", "none", "--source-endpoint-url", near]
            places = [f"s3://{source}/", f"s3://{target}/"]
            alone.append(timed([*program, "sync", *words, places[0], str(folder)], env))
            words += ["--target-endpoint-url", far, "--volume", str(volume), "--once"]
            both.append(timed([*program, "relay", "run", *words, *places], env))
            ratios.append(both[-1] / alone[-1])
            expect(two, target, len(_SIZES))
            empty(two, target)
            shutil.rmtree(folder)
    print(
        f"throughput: one hop alone {median(alone):.2f} s, the relay {median(both):.2f} s:"
        f" {median(ratios):.2f} (bar 1.15); {sum(_SIZES) / _MIB:.0f} MiB, {runs} runs"
    )


def idle(scratch: Path) -> None:
    """CPU of a relay that watches so many unchanged objects, scaled to a look each minute."""
    with cheap_listing(_IDLE_KEYS) as endpoint:
        state, volume = scratch / "state-idle", scratch / "volume-idle"
        state.mkdir()
        volume.mkdir()
        env = environment(Job((endpoint, "aaa/list/"), (endpoint, "bbb/list/")), state)
        command = [
            *(sys.executable, "-m", "bucketline", "relay", "run"),
            *("s3://aaa/list/", "s3://bbb/list/"),
            *("--endpoint-url", endpoint, "--progress", "none", "--volume", str(volume)),
            *("--every", str(_EVERY)),
        ]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        time.sleep(_IDLE_SECONDS)
        child.send_signal(signal.SIGINT)
        child.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    looks = _IDLE_SECONDS // _EVERY
    print(
        f"idle: {cpu:.2f} s of CPU for {looks} looks at {_IDLE_KEYS:,} objects:"
        f" {100 * cpu / looks / 60:.1f} % of a core at a look each 60 s (bar 5 %)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.relay", description=__doc__)
    parser.add_argument("parts", nargs="*", default=["throughput", "idle"])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="bucketline-bench-relay-"))
    try:
        if "throughput" in options.parts:
            throughput(options.runs, scratch)
        if "idle" in options.parts:
            idle(scratch)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
