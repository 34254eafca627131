"""The data of the workloads: made here, put on a server, looked for afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench.servers import ACCESS_KEY, SECRET_KEY
from bench.tools import S5CMD, Job, copy, environment
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.base import Flow, Receipt, Together
from bucketline.stores.s3 import S3Store

numbers = count(1)
MIB, GIB = 1 << 20, 1 << 30


class Rooms(NamedTuple):
    """Where a workload keeps things: ledgers on a disk, files wherever they are asked for."""

    state: Path
    files: Path


def name_of(number: int) -> str:
    return f"d{number // 1000:03d}/object-{number:06d}.bin"


def body_of(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest() * 128


def make_folder(folder: Path, objects: int) -> Path:
    for number in range(objects):
        path = folder / name_of(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body_of(number))
    return folder


def store_at(endpoint: str, name: str) -> S3Store:
    keys = Keys(ACCESS_KEY, Secret(SECRET_KEY))
    remote = Remote(endpoints=(endpoint,), region="us-east-1", keys=keys)
    return S3Store(remote, name, clock=SystemClock())


def new_bucket(endpoint: str) -> str:
    name = f"bench-{next(numbers)}"
    blocking(store_at(endpoint, name).create_bucket())
    return name


def seeded(endpoint: str, objects: int) -> str:
    name = new_bucket(endpoint)
    store = store_at(endpoint, name)
    for start in range(0, objects, 1000):
        blocking(
            store.write(name_of(start), body_of(start))
        )  # Two at once in a new folder fail there.
        writes = [
            store.write(name_of(i), body_of(i)) for i in range(start, min(objects, start + 1000))
        ]
        blocking(together(writes))
    return name


def seeded_sizes(endpoint: str, sizes: Sequence[int]) -> str:
    """Objects of these sizes."""
    name, dice = new_bucket(endpoint), Random("sizes")
    store = store_at(endpoint, name)
    for number, size in enumerate(sizes):
        blocking(store.write(f"{number:04}.bin", dice.randbytes(size)))
    return name


def together(flows: list[Flow[Receipt]]) -> Flow[None]:
    yield Together(flows, width=32)


def big_file(path: Path, size: int) -> None:
    """Bytes of no pattern, the same every time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dice = Random(path.name)
    with path.open("wb") as file:
        for _ in range(0, size, MIB):
            file.write(dice.randbytes(MIB))


def seeded_big(rooms: Rooms, endpoint: str, objects: int, size: int) -> str:
    """As another tool would have put them there: in parts, by s5cmd."""
    name, folder = new_bucket(endpoint), rooms.files / "seed"
    for number in range(objects):
        big_file(folder / f"big-{number}.bin", size)
    job = Job(folder, (endpoint, f"{name}/"))
    rooms.state.mkdir(parents=True, exist_ok=True)
    command = copy(S5CMD, job)
    assert command
    env = {**os.environ, **environment(job, rooms.state)}
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder)
    return name


def empty(endpoint: str, name: str) -> None:
    store = store_at(endpoint, name)
    keys = [entry.key for entry in blocking(store.page()).entries]
    blocking(store.delete_many(keys))


def expect_bodies(endpoint: str, name: str, chosen: range) -> None:
    store = store_at(endpoint, name)
    for number in chosen:
        assert blocking(store.read(name_of(number))).body == body_of(number), name_of(number)


def expect(endpoint: str, name: str, objects: int) -> None:
    store, token, found = store_at(endpoint, name), "", 0
    while True:
        page = blocking(store.page(token=token))
        found, token = found + len(page.entries), page.token
        if not token:
            break
    assert found == objects, f"{found} objects, not {objects}"
