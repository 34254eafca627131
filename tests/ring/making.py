"""What a ring holds and what its metadata says of it, made by chance that a seed decides."""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bucketline.engines.ring.keys import Main, Protection, replicated_main, striped_main

ARC, OLD_ARC, COS = Protection(8, 4), Protection(4, 2), 3
NOW = 1_700_000_000
OLD, NEW = NOW - 90 * 86_400, NOW - 3_600
LONG_AGO = datetime.fromtimestamp(OLD, UTC).isoformat()
BUCKETS = ("one", "zwei-ü", "gone")
NODES = 6


@dataclass(slots=True)
class Stored:
    """What the ring holds under one main chunk."""

    main: str
    input_key: str
    flag: int = 0
    mtime: int = OLD
    lost: frozenset[int] = frozenset()
    children: list[str] = field(default_factory=list)
    parent: str = ""

    @property
    def rows(self) -> list[str]:
        chunks = Main(self.main).chunks
        kept = [chunk for number, chunk in enumerate(chunks) if number not in self.lost]
        return [f"{chunk},{self.main},g1disk1,{self.flag}" for chunk in kept]

    @property
    def chunks(self) -> list[str]:
        return [row.partition(",")[0] for row in self.rows]


def nodes_of(chunk: str) -> tuple[int, ...]:
    """Who lists it; a tenth of the chunks are listed by two."""
    place = int(chunk[:6], 16) % (NODES * 10)
    return (place % NODES, (place + 1) % NODES) if place < NODES else (place % NODES,)


class Bucket(dict[str, Any]):
    """Metadata by key; in order of keys, which are sorted once after they changed."""

    _ordered: list[str] | None = None

    def __setitem__(self, key: str, value: Any) -> None:
        self._ordered = None
        super().__setitem__(key, value)

    def pop(self, key: str, *default: Any) -> Any:
        self._ordered = None
        return super().pop(key, *default)

    def after(self, marker: str) -> Iterator[tuple[str, Any]]:
        if self._ordered is None:
            self._ordered = sorted(self)
        start = bisect_right(self._ordered, marker) if marker else 0
        for number in range(start, len(self._ordered)):
            yield self._ordered[number], self[self._ordered[number]]


class Maker:
    """Makes objects, and the data that they refer to."""

    parts: tuple[int, ...] = (2, 9, 150)  # Of uploads, each as often as another.

    def __init__(self, chance: random.Random) -> None:
        self.random = chance
        self.stored: dict[str, Stored] = {}  # By main chunk.
        self.buckets: dict[str, Bucket] = {name: Bucket() for name in BUCKETS[:2]}

    def input_key(self, bucket: str, *, zeros: int = 0, service: str = "59") -> str:
        about = hashlib.md5(bucket.encode()).hexdigest()[:14].upper()
        start = "0" * zeros + self.random.randbytes(8).hex().upper()[zeros:]
        return f"{start}{about}{service}{self.random.randbytes(3).hex().upper()}20"

    def keep(self, input_key: str, *, large: bool = False, **more: Any) -> Stored:
        protection = OLD_ARC if self.random.random() < 0.05 else ARC
        main = striped_main(input_key, protection) if large else replicated_main(input_key, COS)
        found = self.stored[main] = Stored(main, input_key, **more)
        return found

    def name(self, bucket: str, key: str, input_keys: list[str], **more: Any) -> None:
        location = [{"key": one, "size": 10, "dataStoreType": "scality"} for one in input_keys]
        value = {"content-length": 10 * len(location), "location": location}
        self.buckets[bucket][key] = {**value, "last-modified": LONG_AGO, **more}

    def split(self, bucket: str) -> Stored:
        parent = self.input_key(bucket, zeros=self.random.choice([0, 0, 1, 2, 4, 6, 8]))
        kids = [
            self.input_key(bucket, zeros=self.random.choice([0, 0, 2, 4]), service="4C")
            for _ in range(self.random.randint(2, 9))
        ]
        for kid in kids:
            self.keep(kid, large=True, flag=16, parent=parent)
        large = self.random.random() < 0.5
        return self.keep(parent, large=large, flag=self.random.choice([32, 48]), children=kids)

    def object(self, bucket: str, key: str, share: float) -> None:
        """A sound one, of a kind that `share` of the way through all kinds decides."""
        if share < 0.04:
            self.name(bucket, key, [self.split(bucket).input_key])
        elif share < 0.08:
            parts = [self.input_key(bucket) for _ in range(self.random.choice(self.parts))]
            for part in parts:
                self.keep(part, large=True)
            self.name(bucket, key, parts)
        elif share < 0.10:
            keys = [self.input_key(bucket) for _ in range(3)]
            for number, one in enumerate(keys):
                self.keep(one)
                self.name(bucket, f"{key}\0v{number}", [one], versionId=f"v{number}")
            self.name(bucket, key, [keys[0]], versionId="v0")
        elif share < 0.11:
            self.buckets[bucket][key] = {"content-length": 0, "location": None}
        else:
            one = self.input_key(bucket, zeros=self.random.choice([0, 0, 0, 1, 2, 3, 6]))
            self.keep(one, large=share > 0.8, mtime=NEW if share > 0.97 else OLD)
            self.name(bucket, key, [one])
