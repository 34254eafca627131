"""Sound objects by the million: each follows from its number, so that no memory holds them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ring.making import BUCKETS, NEW, NODES, OLD, Maker, Stored, nodes_of

_BLOCK = 1 << 20


class _Usual(Maker):
    """Uploads of many parts are rare."""

    parts = (*(2,) * 20, *(3,) * 10, *(9,) * 9, 150)


class Crowd:
    """So many of them, whose names come after all others; their chunks lie in `folder`."""

    def __init__(self, seed: int, count: int, folder: Path) -> None:
        self.seed = seed
        self.count = count
        self.chunks = 0
        self._folder = folder
        self._split: dict[str, int] = {}  # Of a split object's key: the number.
        self._write()

    def after(self, bucket: str, marker: str) -> Iterator[tuple[str, Any]]:
        """The metadata of a bucket, in order."""
        if bucket not in BUCKETS[:2]:
            return
        first = BUCKETS.index(bucket)
        if marker >= "q/":
            first += (int(marker[2:10]) - first) // 2 * 2
        for number in range(first, self.count, 2):
            made = self._made(number)
            yield from made.buckets[bucket].after(marker)

    def value(self, bucket: str, key: str) -> Any:
        return self._made(int(key[2:10])).buckets[bucket][key]

    def split(self, input_key: str) -> Stored | None:
        """The index of a split object."""
        if input_key not in self._split:
            return None
        stored = self._made(self._split[input_key]).stored.values()
        return next(one for one in stored if one.input_key == input_key)

    def listed(self, node: int, start: int, end: int) -> Iterator[bytes]:
        """What a node has, a block at a time."""
        for moment in (OLD, NEW):
            if start <= moment <= end:
                with self._file(node, moment).open("rb") as file:
                    while block := file.read(_BLOCK):
                        yield block

    def _made(self, number: int) -> Maker:
        made = _Usual(random.Random(self.seed << 40 | number))
        made.object(BUCKETS[number % 2], f"q/{number:08}-é", made.random.random())
        return made

    def _write(self) -> None:
        with ExitStack() as open_files:
            files = {
                (node, moment): open_files.enter_context(self._file(node, moment).open("w"))
                for node in range(NODES)
                for moment in (OLD, NEW)
            }
            for number in range(self.count):
                for one in self._made(number).stored.values():
                    if one.children:
                        self._split[one.input_key] = number
                    for row in one.rows:
                        self.chunks += 1
                        for node in nodes_of(row):
                            files[node, one.mtime].write(f"{row}\n")

    def _file(self, node: int, moment: int) -> Path:
        return self._folder / f"{node}-{moment}"
