"""A run of the ring fsck: its folder, its datasets, and the services it asks."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar

from bucketline.clock import Clock
from bucketline.config.values import Ring
from bucketline.durable import whole_file
from bucketline.engines.ring.client import Client, Patience
from bucketline.engines.ring.going import Going
from bucketline.errors import DiskError, Refused
from bucketline.flow.drive import blocking
from bucketline.flow.query.base import Engine
from bucketline.flow.query.datasets import Dataset
from bucketline.flow.query.rows import Column
from bucketline.settings import Secret
from bucketline.stores.base import Flow, Route, together

T = TypeVar("T")
_DAY = 86_400
_WIDTH = 16
_BUFFER = 1 << 20
_REF = ("kind", "bucket", "key", "version", "upload", "input_key")
_FINDING = ("class", "main", "input_key", "bucket", "key", "version")
TABLES: dict[str, tuple[Column, ...]] = {
    # Every chunk that a node lists.
    "listkeys": (
        *(Column("chunk"), Column("main"), Column("flag", "int64")),
        *(Column("is_new", "bool_"), Column("node")),
    ),
    # Every reference of the metadata; one without an input key tells of an `issue`.
    "export": (
        *map(Column, _REF),
        *(Column("part", "int64"), Column("size", "int64"), Column("modified", "int64")),
        Column("issue"),
    ),
    # Every object as S3 would list it, with its versions: what other inventories tell of as well.
    "objects": (
        *map(Column, ("bucket", "key", "version", "etag", "tier", "encryption")),
        *(Column("size", "int64"), Column("modified", "int64")),
        *(Column("is_latest", "bool_"), Column("is_delete_marker", "bool_")),
    ),
    # The references by where the ring keeps them, and the pieces of split objects besides.
    "digest": (
        *map(Column, _REF),
        *(Column("part", "int64"), Column("modified", "int64")),
        *(Column("parent"), Column("dig"), Column("issue")),
    ),
    "filter": (),  # One row a main chunk.
    "capacity": (),  # Objects and bytes by kind, bucket, protection and age.
    "orphans": (*map(Column, _FINDING), Column("part", "int64"), Column("detail")),
    "missing": (*map(Column, _FINDING), Column("part", "int64"), Column("detail")),
}


@dataclass
class Site:
    """What each phase is given."""

    ring: Ring
    folder: Path  # Of this run.
    engine: Engine
    clock: Clock
    password: Secret = field(default_factory=lambda: Secret(""))
    patience: Patience = field(default_factory=Patience)
    going: Going = field(default_factory=Going)

    def dataset(self, name: str) -> Dataset:
        return Dataset(self.folder / name, TABLES[name], partial(self.going.wrote, name))

    def files(self, *names: str) -> dict[str, list[Path]]:
        """The pieces of whole datasets, under names that SQL can say."""
        return {name: self.dataset(name).files() for name in names}

    def client(self, url: str) -> Client:
        route = Route(ca_file=self.ring.ca_bundle, verify_tls=self.ring.verify_tls)
        return Client(url, route, self.patience)

    @property
    def begun(self) -> float:
        """When this run began, whoever goes on with it."""
        path = self.folder / "run.json"
        try:
            return float(json.loads(path.read_text())["begun"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            said = f"{path}: does not tell when the run began ({error}); move its folder away"
            raise DiskError(said) from None

    @property
    def cutoff(self) -> int:
        """What was written after this moment is too new to be judged."""
        return int(self.begun) - self.ring.grace_days * _DAY


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Two programs that make one run would write the same pieces."""
    with (folder / "run.json").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"{folder}: another program makes this run; wait for its end") from None
        yield


@contextmanager
def nameless(folder: Path) -> Iterator[IO[bytes]]:
    """A file for a list that may be larger than memory: beside what is made of it, where there is
    room, and without a name, so that nothing stays.
    """
    try:
        with TemporaryFile(dir=folder, buffering=_BUFFER) as file:
            yield file
    except OSError as error:
        raise DiskError(f"{folder}: a list cannot be kept there ({error.strerror})") from None


def all_of(flows: list[Flow[T]]) -> list[T]:
    """The results of many flows, some at once."""
    return blocking(together(flows, _WIDTH))


def runs(ring: Ring) -> list[Path]:
    """The folders of a ring's runs, the oldest first."""
    home = ring.path / ring.name
    return sorted(path.parent for path in home.glob("run-*/run.json"))


def begin(ring: Ring, clock: Clock) -> Path:
    """The folder of a new run."""
    now = clock.now()
    folder = ring.path / ring.name / f"run-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S.%fZ}"
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise DiskError(f"{folder}: cannot be made ({error.strerror}); look at `path:`") from None
    text: dict[str, Any] = {"version": 1, "ring": ring.name, "begun": now}
    with whole_file(folder / "run.json") as file:
        file.write(json.dumps(text).encode() + b"\n")
    return folder


def last(ring: Ring) -> Path:
    """The newest run; raises `Refused` when there is none."""
    found = runs(ring)
    if not found:
        raise Refused(f"{ring.name}: no run yet; begin with `bucketline ring listkeys {ring.name}`")
    return found[-1]
