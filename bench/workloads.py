"""What is measured: each workload makes its data, then yields commands that do the same thing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.data import (
    GIB,
    Rooms,
    big_file,
    empty,
    expect,
    expect_bodies,
    make_folder,
    name_of,
    new_bucket,
    numbers,
    seeded,
    seeded_big,
    store_at,
    together,
)
from bench.servers import cheap_listing, radosgw, rclone_serve
from bench.tools import RCLONE, S5CMD, Job, copy, environment, listing, sync
from bucketline.flow.drive import blocking


@dataclass(frozen=True, slots=True)
class Attempt:
    """One command to time, and a check that it really did the work."""

    command: list[str]
    env: dict[str, str]
    check: Callable[[], None]


Start = Callable[[str], Attempt | None]  # A fresh attempt by the tool of that name.


@dataclass(frozen=True, slots=True)
class Workload:
    name: str
    title: str
    objects: int
    peers: tuple[str, ...]
    cpu_max: float  # Bars: ours divided by the best peer's.
    wall_max: float
    open: Callable[[Rooms, int], AbstractContextManager[Start]]


@contextmanager
def upload(rooms: Rooms, objects: int) -> Iterator[Start]:
    folder = make_folder(rooms.files / "source", objects)
    with rclone_serve() as endpoint:

        def start(name: str) -> Attempt | None:
            place = new_bucket(endpoint)
            job = Job(folder, (endpoint, f"{place}/"))
            return _attempt(
                copy(name, job), job, rooms.state, lambda: expect(endpoint, place, objects)
            )

        yield start


@contextmanager
def download(rooms: Rooms, objects: int) -> Iterator[Start]:
    with rclone_serve() as endpoint:
        place = seeded(endpoint, objects)

        def start(name: str) -> Attempt | None:
            folder = rooms.files / f"target-{next(numbers)}"
            job = Job((endpoint, f"{place}/"), folder)

            def check() -> None:
                found = sum(len(files) for _, _, files in os.walk(folder))
                assert found == objects, f"{found} files, not {objects}"
                shutil.rmtree(folder)

            return _attempt(copy(name, job), job, rooms.state, check)

        yield start


@contextmanager
def between(rooms: Rooms, objects: int) -> Iterator[Start]:
    with rclone_serve() as one, rclone_serve() as two:
        place = seeded(one, objects)

        def start(name: str) -> Attempt | None:
            fresh = new_bucket(two)
            job = Job((one, f"{place}/"), (two, f"{fresh}/"))
            return _attempt(copy(name, job), job, rooms.state, lambda: expect(two, fresh, objects))

        yield start


@contextmanager
def list_all(rooms: Rooms, objects: int, *, delay_seconds: float = 0.0) -> Iterator[Start]:
    with cheap_listing(objects, delay_seconds=delay_seconds) as endpoint:
        job = Job((endpoint, "aaa/list/"), (endpoint, "aaa/list/"))

        def start(name: str) -> Attempt | None:
            return _attempt(listing(name, endpoint, "aaa/list/"), job, rooms.state, _nothing)

        yield start


@contextmanager
def no_change(rooms: Rooms, objects: int) -> Iterator[Start]:
    with cheap_listing(objects) as endpoint:
        job = Job((endpoint, "aaa/list/"), (endpoint, "bbb/list/"))

        def start(name: str) -> Attempt | None:
            return _attempt(sync(name, job), job, rooms.state, _nothing)

        yield start


@contextmanager
def changed(rooms: Rooms, objects: int) -> Iterator[Start]:
    """A tenth of the target is made old again before each attempt."""
    with rclone_serve() as one, rclone_serve() as two:
        place, copy_place = seeded(one, objects), seeded(two, objects)
        store = store_at(two, copy_place)

        def start(name: str) -> Attempt | None:
            for first in range(0, objects, 10_000):
                some = range(first, min(objects, first + 10_000), 10)
                blocking(together([store.write(name_of(i), b"old" * 1365 + b"!") for i in some]))
            job = Job((one, f"{place}/"), (two, f"{copy_place}/"))
            check = partial(expect_bodies, two, copy_place, range(0, objects, objects // 50))
            return _attempt(sync(name, job), job, rooms.state, check)

        yield start


@contextmanager
def big_upload(rooms: Rooms, objects: int, *, size: int) -> Iterator[Start]:
    folder = rooms.files / "source"
    for number in range(objects):
        big_file(folder / f"big-{number}.bin", size)
    with radosgw() as endpoint:

        def start(name: str) -> Attempt | None:
            place = new_bucket(endpoint)
            job = Job(folder, (endpoint, f"{place}/"))

            def check() -> None:
                expect(endpoint, place, objects)
                empty(endpoint, place)

            return _attempt(copy(name, job), job, rooms.state, check)

        yield start


@contextmanager
def big_download(rooms: Rooms, objects: int, *, size: int, proof: str = "") -> Iterator[Start]:
    with radosgw() as endpoint:
        place = seeded_big(rooms, endpoint, objects, size)

        def start(name: str) -> Attempt | None:
            folder = rooms.files / f"target-{next(numbers)}"
            job = Job((endpoint, f"{place}/"), folder, proof)

            def check() -> None:
                sizes = [path.stat().st_size for path in folder.glob("big-*.bin")]
                assert sizes == [size] * objects, sizes
                shutil.rmtree(folder)

            return _attempt(copy(name, job), job, rooms.state, check)

        yield start


@contextmanager
def big_between(rooms: Rooms, objects: int, *, size: int) -> Iterator[Start]:
    with radosgw() as one, radosgw() as two:
        place = seeded_big(rooms, one, objects, size)

        def start(name: str) -> Attempt | None:
            fresh = new_bucket(two)
            job = Job((one, f"{place}/"), (two, f"{fresh}/"))

            def check() -> None:
                expect(two, fresh, objects)
                empty(two, fresh)

            return _attempt(copy(name, job), job, rooms.state, check)

        yield start


WORKLOADS = (
    Workload("upload", "upload 4 KiB objects", 20_000, (S5CMD, RCLONE), 0.45, 0.80, upload),
    Workload("download", "download 4 KiB objects", 20_000, (S5CMD, RCLONE), 0.45, 0.80, download),
    Workload(
        "copy", "copy 4 KiB objects between endpoints", 20_000, (RCLONE,), 0.35, 0.65, between
    ),
    Workload("list", "list keys", 200_000, (S5CMD, RCLONE), 0.30, 1.00, list_all),
    Workload(
        "list-50ms",
        "list keys, each answer 50 ms away",
        200_000,
        (S5CMD,),
        0.30,
        0.20,
        partial(list_all, delay_seconds=0.05),
    ),
    Workload(
        "no-change", "sync with nothing to do", 100_000, (S5CMD, RCLONE), 0.30, 0.60, no_change
    ),
    Workload(
        "changed",
        "sync of objects of which a tenth changed",
        50_000,
        (RCLONE,),
        0.35,
        0.90,
        changed,
    ),
    Workload(
        "big-upload",
        "upload of 2 GiB",
        1,
        (S5CMD, RCLONE),
        0.80,
        1.00,
        partial(big_upload, size=2 * GIB),
    ),
    Workload(
        "big-download",
        "download of 2 GiB, proven by size as by the peers",
        1,
        (S5CMD, RCLONE),
        0.90,
        1.00,
        partial(big_download, size=2 * GIB, proof="size"),
    ),
    Workload(
        "big-download-proven",
        "download of 2 GiB, proven as ever",
        1,
        (),
        0,
        0,
        partial(big_download, size=2 * GIB),
    ),
    Workload(
        "big-copy",
        "copy of 4 x 512 MiB between endpoints",
        4,
        (RCLONE,),
        0.90,
        1.00,
        partial(big_between, size=GIB // 2),
    ),
    Workload("memory-100k", "memory: 0.1 M keys compared", 100_000, (), 0, 0, no_change),
    Workload("memory-1m", "memory: 1 M keys compared", 1_000_000, (), 0, 0, no_change),
    Workload("memory-10m", "memory: 10 M keys compared", 10_000_000, (), 0, 0, no_change),
)


def _attempt(
    command: list[str] | None, job: Job, scratch: Path, check: Callable[[], None]
) -> Attempt | None:
    if command is None:
        return None
    state = scratch / f"state-{next(numbers)}"
    state.mkdir(parents=True)
    return Attempt(command, environment(job, state), check)


def _nothing() -> None:
    """The exit code says it all."""
