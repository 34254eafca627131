"""What proof costs: hashes alone, on one thread and two, and copies with one proof and another.

`python -m bench.hashes [--mib N] [--runs N]`. The server keeps what it is told, and is taken for
one that checks, only here: those at hand that do compute CRCs in Python, a gigabyte in minutes.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from statistics import median

from bench.servers import ACCESS_KEY, SECRET_KEY, rclone_serve
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking, open_drive
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.model import Copy, Outcome
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.digests import CRC32, CRC32C, CRC64NVME, MD5, SHA256, Algorithm
from bucketline.stores.s3 import S3Store

_MIB = 1 << 20
_OBJECT = 128 * _MIB  # In one piece: of parts, this server tells no checksum.


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.hashes", description=__doc__)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("| hash | GiB/s, one thread | two threads | CPU s per GiB |\n|---|---|---|---|")
    body = os.urandom(64 * _MIB)
    for one in (CRC64NVME, CRC32C, CRC32, SHA256, MD5):
        hashing = partial(_hash, one, body)
        alone, cpu = _timed([hashing])
        both, _ = _timed([hashing, hashing])
        print(f"| {one.name} | {0.25 / alone:.2f} | {0.5 / both:.2f} | {4 * cpu:.2f} |")
    print(f"\nCopies of {options.mib} MiB, median of {options.runs}.\n")
    print("| source tells | target checks | hashes | proof | CPU s per GiB | wall s |")
    print("|---|---|---|---|---|---|", flush=True)
    with _server() as remote:
        _copies(remote, options.mib, options.runs)


def _hash(algorithm: Algorithm, body: bytes) -> None:
    for _ in range(4):
        algorithm.digest(body)


def _timed(calls: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Wall and CPU seconds of all of them at once, each on a thread."""
    threads = [threading.Thread(target=call) for call in calls]
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, time.process_time() - cpu


def _copies(remote: Remote, mib: int, runs: int) -> None:
    source, target = (
        S3Store(remote, f"bench-{name}", clock=SystemClock()) for name in ("from", "to")
    )
    for store in (source, target):
        blocking(store.create_bucket())
    body = os.urandom(_OBJECT)
    told = CRC64NVME.checksum(CRC64NVME.digest(body))
    source.learn(replace(source.able, checksums=frozenset({CRC64NVME.name})))
    blocking(source.write("etag", body))
    blocking(source.write("crc64nvme", body, checksum=told))
    plain = target.able
    taken = replace(plain, checksums=frozenset({CRC64NVME.name}))
    count = max(1, mib * _MIB // _OBJECT)
    for key, able in (("etag", plain), ("etag", taken), ("crc64nvme", taken)):
        target.learn(able)
        done, *_ = _copied(source, target, key, count)  # Unmeasured: it loads what it needs.
        costs = [_copied(source, target, key, count)[1:] for _ in range(runs)]
        wall, cpu = (median(column) for column in zip(*costs, strict=True))
        told_by = "an MD5 as etag" if key == "etag" else "crc64nvme"
        checks = " ".join(able.checksums) or "nothing"
        per_gib = cpu * (1 << 30) / (count * _OBJECT)
        cells = (told_by, checks, " ".join(done.hashes), done.proof.label, f"{per_gib:.2f}")
        print(f"| {' | '.join(cells)} | {wall:.2f} |", flush=True)


def _copied(source: S3Store, target: S3Store, key: str, count: int) -> tuple[Outcome, float, float]:
    """The last of so many copies, one after the other; wall and CPU seconds of all."""
    entry = blocking(source.stat(key)).entry
    drive, policy = open_drive(), MovePolicy(part_size=_OBJECT)
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        drive.start(copy(Copy(entry, key), source, target, policy), None)
        while not (ends := drive.step(1.0)):
            pass
        if ends[0].error is not None:
            raise ends[0].error
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    drive.close()
    return ends[0].value, wall, cpu


@contextmanager
def _server() -> Iterator[Remote]:
    with rclone_serve() as url:
        keys = Keys(ACCESS_KEY, Secret(SECRET_KEY))
        yield Remote(endpoints=(url,), region="us-east-1", keys=keys)


if __name__ == "__main__":
    main()
