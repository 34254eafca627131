"""A disk that remembers every write, and can show what a power cut at any moment leaves of it.

What was synced is there. Of what was not, each write may be there whole, in part (sectors land one
by one) or not at all, in any order, and so may a new name, a removed name or a new length.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


@dataclass(frozen=True)
class Op:
    """One thing that was asked of the disk."""

    kind: str  # create, write, truncate, sync, delete
    file: str
    offset: int = 0
    body: bytes = b""


@dataclass
class Journal:
    """Everything that was asked, in order."""

    ops: list[Op] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ops)

    def image(self, prefix: int, seed: int) -> dict[str, bytes]:
        """The files after a power cut right before operation `prefix`; one of many, by `seed`."""
        chance = random.Random(f"{prefix}:{seed}")
        files: dict[str, bytearray] = {}
        loose: dict[str, list[Op]] = {}
        for op in self.ops[:prefix]:
            if op.kind == "sync":
                settled = loose.pop(op.file, [])
                # With a new journal's first sync SQLite syncs the folder: names settle as well.
                if any(one.kind == "create" for one in settled):
                    settled += _names(loose)
                for one in settled:
                    _apply(files, one)
            elif op.kind == "delete" and op.offset:  # Its folder was synced with it.
                loose.pop(op.file, None)
                files.pop(op.file, None)
            else:
                loose.setdefault(op.file, []).append(op)
        for ops in loose.values():
            for one in _surviving(ops, chance):
                _apply(files, one)
        return {name: bytes(body) for name, body in files.items()}


class CrashVFS(apsw.VFS):
    """The system's files, with a journal of what is done to them. Nothing is really synced."""

    def __init__(self, name: str, journal: Journal) -> None:
        self.journal = journal
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> CrashFile:  # noqa: N802 - SQLite's name.
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return CrashFile(self.journal, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.journal.ops.append(Op("delete", Path(filename).name, int(syncdir)))


class CrashFile(apsw.VFSFile):
    """One open file of it."""

    def __init__(self, journal: Journal, path: str | None, name: Any, flags: list[int]) -> None:
        is_new = path is not None and not Path(path).exists()
        super().__init__("", name, flags)
        self._ops = journal.ops
        self._name = Path(path).name if path else ""
        if is_new:
            self._ops.append(Op("create", self._name))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._ops.append(Op("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._ops.append(Op("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._ops.append(Op("sync", self._name))


def _apply(files: dict[str, bytearray], op: Op) -> None:
    if op.kind == "delete":
        files.pop(op.file, None)
        return
    body = files.setdefault(op.file, bytearray())
    if op.kind == "truncate":
        del body[op.offset :]
        body.extend(bytes(op.offset - len(body)))
    elif op.kind == "write":
        body.extend(bytes(max(0, op.offset - len(body))))
        body[op.offset : op.offset + len(op.body)] = op.body


def _names(loose: dict[str, list[Op]]) -> list[Op]:
    """Takes out of what is loose all that ends in a removed name."""
    settled: list[Op] = []
    for file, ops in loose.items():
        ends = [number for number, op in enumerate(ops, 1) if op.kind == "delete"]
        settled += ops[: max(ends, default=0)]
        loose[file] = ops[max(ends, default=0) :]
    return settled


def _surviving(ops: list[Op], chance: random.Random) -> Iterator[Op]:
    """What of some unsynced operations on one file reached the disk, in the order it did."""
    style = chance.choice(("none", "all", "some", "some", "torn", "torn"))
    if style == "none":
        return
    if style != "all":
        ops = [op for op in ops if chance.random() < 0.6]
        if not any(op.kind == "delete" for op in ops):  # A name does not come back by itself.
            chance.shuffle(ops)
    for op in ops:
        if style == "torn" and op.kind == "write":
            yield from _sectors(op, chance)
        else:
            yield op


def _sectors(op: Op, chance: random.Random) -> Iterator[Op]:
    for start in range(0, len(op.body), SECTOR):
        if chance.random() < 0.7:
            yield Op("write", op.file, op.offset + start, op.body[start : start + SECTOR])
