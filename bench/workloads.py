"""What is measured: each workload makes its data, then yields commands that do the same thing."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bench.servers import ACCESS_KEY, SECRET_KEY, cheap_listing, rclone_serve
from bench.tools import RCLONE, S5CMD, Job, copy, environment, listing, sync
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.base import Flow, Receipt, Together
from bucketline.stores.s3 import S3Store

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One command to time, and a check that it really did the work."""

    command: list[str]
    env: dict[str, str]
    check: Callable[[], None]


class Rooms(NamedTuple):
    """Where a workload keeps things: ledgers on a disk, files wherever they are asked for."""

    state: Path
    files: Path


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
    folder = _folder(rooms.files / "source", objects)
    with rclone_serve() as endpoint:

        def start(name: str) -> Attempt | None:
            place = _new_bucket(endpoint)
            job = Job(folder, (endpoint, f"{place}/"))
            return _attempt(
                copy(name, job), job, rooms.state, lambda: _expect(endpoint, place, objects)
            )

        yield start


@contextmanager
def download(rooms: Rooms, objects: int) -> Iterator[Start]:
    with rclone_serve() as endpoint:
        place = _seeded(endpoint, objects)

        def start(name: str) -> Attempt | None:
            folder = rooms.files / f"target-{next(_numbers)}"
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
        place = _seeded(one, objects)

        def start(name: str) -> Attempt | None:
            fresh = _new_bucket(two)
            job = Job((one, f"{place}/"), (two, f"{fresh}/"))
            return _attempt(copy(name, job), job, rooms.state, lambda: _expect(two, fresh, objects))

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
    Workload("memory-100k", "memory: 0.1 M keys compared", 100_000, (), 0, 0, no_change),
    Workload("memory-1m", "memory: 1 M keys compared", 1_000_000, (), 0, 0, no_change),
)


def _attempt(
    command: list[str] | None, job: Job, scratch: Path, check: Callable[[], None]
) -> Attempt | None:
    if command is None:
        return None
    state = scratch / f"state-{next(_numbers)}"
    state.mkdir(parents=True)
    return Attempt(command, environment(job, state), check)


def _nothing() -> None:
    """The exit code says it all."""


def _name(number: int) -> str:
    return f"d{number // 1000:03d}/object-{number:06d}.bin"


def _body(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest() * 128


def _folder(folder: Path, objects: int) -> Path:
    for number in range(objects):
        path = folder / _name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_body(number))
    return folder


def _store(endpoint: str, name: str) -> S3Store:
    keys = Keys(ACCESS_KEY, Secret(SECRET_KEY))
    remote = Remote(endpoints=(endpoint,), region="us-east-1", keys=keys)
    return S3Store(remote, name, clock=SystemClock())


def _new_bucket(endpoint: str) -> str:
    name = f"bench-{next(_numbers)}"
    blocking(_store(endpoint, name).create_bucket())
    return name


def _seeded(endpoint: str, objects: int) -> str:
    name = _new_bucket(endpoint)
    store = _store(endpoint, name)
    for start in range(0, objects, 1000):
        blocking(store.write(_name(start), _body(start)))  # Two at once in a new folder fail there.
        writes = [store.write(_name(i), _body(i)) for i in range(start, min(objects, start + 1000))]
        blocking(_together(writes))
    return name


def _together(flows: list[Flow[Receipt]]) -> Flow[None]:
    yield Together(flows, width=32)


def _expect(endpoint: str, name: str, objects: int) -> None:
    store, token, found = _store(endpoint, name), "", 0
    while True:
        page = blocking(store.page(token=token))
        found, token = found + len(page.entries), page.token
        if not token:
            break
    assert found == objects, f"{found} objects, not {objects}"
