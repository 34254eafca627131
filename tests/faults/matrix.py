"""The fault matrix: each fault at each operation of a sync, at four moments."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.base import Flow, Together
from bucketline.stores.s3 import S3Store
from faults import kinds
from faults.proxy import Fault
from faults.syncing import MIB, Bodies, Pair, client_of, manifest

PART = 5 * MIB
BIG = 17 * MIB  # Above what crosses in one piece; four parts of it.
TARGET = "matrix"
EXTRA = {"zzz/extra-1": b"nobody needs", "zzz/extra-2": b"these"}
_PAGES = 4  # Of each listing, at least.


class Operation(NamedTuple):
    """A kind of request, as a proxy recognises it."""

    side: str
    method: str
    path: str
    room: str  # Which source has enough of them.
    calls: int  # How many a sync without faults makes, at least.
    sends: bool = False  # Its request has a body that is an object's.


OPERATIONS = {
    "list source": Operation("source", "GET", "list-type=", "pages", _PAGES),
    "list target": Operation("target", "GET", "list-type=", "pages", _PAGES),
    "get whole": Operation("source", "GET", "/small/", "small", 16),
    "get range": Operation("source", "GET", "/parts/", "parts", 16),
    "put": Operation("target", "PUT", "/small/", "small", 16, sends=True),
    "begin upload": Operation("target", "POST", r"/parts/.*\?uploads=", "parts", 4),
    "put part": Operation("target", "PUT", "/parts/.*partNumber=", "parts", 16, sends=True),
    "finish upload": Operation("target", "POST", r"/parts/.*\?uploadId=", "parts", 4),
}
BESIDES = {
    "head": Operation("source", "HEAD", "/parts/", "parts", 4),
    "delete": Operation("target", "POST", r"\?delete", "small", 1),
}
FAULTS = ("reset", "cut", "answer lost", "storm", "flipped bit", "stall")
OFFSETS = ("first", "second", "middle", "last")
_STORM = 4  # As long as the attempts at one call bear.


class Case(NamedTuple):
    """A cell of the matrix."""

    fault: str
    name: str
    offset: str

    @property
    def operation(self) -> Operation:
        return {**OPERATIONS, **BESIDES}[self.name]

    @property
    def nth(self) -> int:
        count = self.operation.calls
        middle = max(3, count // 2 + 1)
        return {"first": 1, "second": 2, "middle": middle, "last": count}[self.offset]

    @property
    def id(self) -> str:
        return f"{self.fault}-{self.name}-{self.offset}".replace(" ", "-")

    def strike(self) -> tuple[Fault, int]:
        """What happens, and to how many requests from the nth on.

        Where a fault has two faces, each gets half of the offsets.
        """
        is_odd = OFFSETS.index(self.offset) % 2 == 1
        operation = self.operation
        asks = operation.method in ("GET", "POST")  # It is the answer that has a body.
        match self.fault:
            case "reset":
                return kinds.reset_before_headers, 1
            case "cut":
                return _cut(operation, is_odd=is_odd), 1
            case "answer lost":
                return kinds.lose_answer, 1
            case "storm":
                return kinds.slow_down(), _STORM
            case "flipped bit":
                flips_request = operation.sends or (self.name == "finish upload" and is_odd)
                return (kinds.flip_request if flips_request else kinds.flip_answer), 1
            case _:
                if asks and is_odd:
                    return kinds.stall_in_body, 1
                return (kinds.hang_after if is_odd else kinds.hang), 1


def _cut(operation: Operation, *, is_odd: bool) -> Fault:
    if operation.sends:
        return kinds.cut_request
    return kinds.end_early if is_odd else kinds.reset_in_body


def cases() -> list[Case]:
    """All of the bars: 6 x 8 x 4."""
    return list(itertools.starmap(Case, itertools.product(FAULTS, OPERATIONS, OFFSETS)))


def more_cases() -> list[Case]:
    """Where these occur at all."""
    heads = itertools.product(FAULTS, ["head"], OFFSETS)
    deletes = itertools.product(FAULTS, ["delete"], ["first"])
    return list(itertools.starmap(Case, [*heads, *deletes]))


def latin(chosen: list[Case]) -> list[Case]:
    """A quarter of them in which each fault meets each operation, at changing offsets."""
    rows, columns = list(FAULTS), list(OPERATIONS)
    return [
        case
        for case in chosen
        if OFFSETS.index(case.offset) == (rows.index(case.fault) + columns.index(case.name)) % 4
    ]


@dataclass
class Room:
    """What one source bucket holds: what is to be moved, and what the target has already."""

    bucket: str
    moved: dict[str, bytes]
    there: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def manifest(self) -> Mapping[str, tuple[int, str]]:
        return manifest(self.moved)


def rooms() -> dict[str, Room]:
    dice = random.Random(192)
    small = {f"small/{n:02} é+ ?": dice.randbytes(200 + 300 * n) for n in range(16)}
    parts = {f"parts/{n}": dice.randbytes(BIG + n) for n in range(4)}
    two = dict(itertools.islice(parts.items(), 2))
    there = {f"there/{n:05}": b"%d" % n for n in range(1_000 * _PAGES - 500)}
    return {
        "pages": Room("pages", {**small, **two}, there),
        "small": Room("small", {**small, **two}),
        "parts": Room("parts", {**small, **parts}),
    }


def furnish(servers: Pair, furniture: Mapping[str, Room]) -> None:
    """What moves is written by another hand than ours; what only fills pages by the quickest."""
    for room in furniture.values():
        servers.fill(room.moved, room.bucket)
        servers.make_target(f"{TARGET}-{room.bucket}")
        source = S3Store(servers.source.remote(), room.bucket, clock=SystemClock())
        target = S3Store(servers.target.remote(), f"{TARGET}-{room.bucket}", clock=SystemClock())
        for store in (source, target):
            blocking(_written(store, room.there))


def empty(servers: Pair, room: Room) -> None:
    """The target as before any case: what is there already, and two that nobody needs."""
    client, bucket = client_of(servers.target), f"{TARGET}-{room.bucket}"
    client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in room.moved]})
    for key, body in EXTRA.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)


def _written(store: S3Store, bodies: Bodies) -> Flow[None]:
    flows: Iterator[Flow[object]] = (store.write(key, body) for key, body in bodies.items())
    yield Together(list(flows), width=32)
