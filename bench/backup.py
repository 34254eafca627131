"""What a backup costs that finds nothing to do, and one that finds that objects vanished.

Run as `python -m bench.backup [--objects N]`; prints lines for docs/backup.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.data import name_of, new_bucket, seeded, store_at
from bench.servers import radosgw
from bench.tools import Job, environment
from bucketline.flow.drive import blocking

_VANISHED = 100


class Cost(NamedTuple):
    """Of one run."""

    cpu_seconds: float
    summary: Mapping[str, Any]

    def told(self, objects: int) -> str:
        """For people."""
        requests = self.summary["requests"]
        each = sum(requests.values()) / objects
        return (
            f"{self.cpu_seconds:.2f} s of CPU, {self.summary['seconds']:.1f} s,"
            f" {each:.4f} requests an object ({json.dumps(requests)})"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.backup", description=__doc__, allow_abbrev=False)
    parser.add_argument("--objects", type=int, default=100_000)
    objects = parser.parse_args().objects
    with radosgw() as endpoint, tempfile.TemporaryDirectory() as scratch:
        source, target = seeded(endpoint, objects), new_bucket(endpoint)
        env = environment(Job((endpoint, source), (endpoint, target)), Path(scratch))
        command = [sys.executable, "-m", "bucketline", "backup", f"s3://{source}/"]
        command += [f"s3://{target}/", "--endpoint-url", endpoint, "--json", "--progress", "none"]
        print(f"first: {backed_up(command, env).told(objects)}", flush=True)
        print(f"nothing to do: {backed_up(command, env).told(objects)}", flush=True)
        store = store_at(endpoint, source)
        for number in range(_VANISHED):
            blocking(store.delete(name_of(number)))
        print(f"{_VANISHED} vanished: {backed_up(command, env).told(objects)}", flush=True)
    return 0


def backed_up(command: list[str], env: dict[str, str]) -> Cost:
    """One run, which must end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"bench: exit {done.returncode}\n{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
