"""Entries on disk: a file that grows and is read back, and a sort that fits in little memory."""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from operator import itemgetter
from typing import IO

from bucketline.errors import DiskError
from bucketline.model import Entry

BLOCK = 1_000  # Entries that are written, read and handed on together.
_RUNS_MAX = 64  # Files that are open at once; beyond it, they are merged into one.

key_of = itemgetter(0)


class EntryFile:
    """Entries in a temporary file without a name: nothing is left behind, whatever happens.

    Each line is a JSON list of up to `BLOCK` entries. Written first, then read, as often as
    one likes.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._waiting: list[Entry] = []
        self.count = 0

    def append(self, entry: Entry) -> None:
        """Add one at the end."""
        self.count += 1
        self._waiting.append(entry)
        if len(self._waiting) == BLOCK:
            self._flush()

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add many at the end."""
        for entry in entries:
            self.append(entry)

    def blocks(self) -> Iterator[list[Entry]]:
        """All of them, in the order of writing."""
        place = 0
        while self._file is not None:
            try:
                self._file.seek(place)
                line = self._file.readline()
                place = self._file.tell()
            except OSError as error:
                raise _disk_error(error) from error
            if not line:
                break
            yield list(map(Entry._make, json.loads(line)))
        if self._waiting:
            yield list(self._waiting)

    def __iter__(self) -> Iterator[Entry]:
        return chain.from_iterable(self.blocks())

    def close(self) -> None:
        """Forget all of them and free the disk."""
        self._waiting = []
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - close() does
            self._file.seek(0, 2)
            self._file.write(json.dumps(self._waiting).encode() + b"\n")
        except OSError as error:
            raise _disk_error(error) from error
        self._waiting = []


class Sorter:
    """Entries go in in any order and come out in key order; memory holds one run of them."""

    def __init__(self, folder: str | None = None, *, run_entries: int = 100_000) -> None:
        self._folder = folder
        self._run_entries = run_entries
        self._waiting: list[Entry] = []
        self._runs: list[EntryFile] = []
        self.count = 0

    def extend(self, entries: list[Entry]) -> None:
        """Take these in."""
        self.count += len(entries)
        self._waiting += entries
        if len(self._waiting) >= self._run_entries:
            self._spill()

    def blocks(self) -> Iterator[list[Entry]]:
        """All of them in key order, as lists; the same key twice comes twice, side by side."""
        merged = self._merged()
        while block := list(islice(merged, BLOCK)):
            yield block

    def close(self) -> None:
        """Free memory and disk."""
        for run in self._runs:
            run.close()
        self._runs, self._waiting = [], []

    def _merged(self) -> Iterator[Entry]:
        self._waiting.sort(key=key_of)
        return heapq.merge(*self._runs, self._waiting, key=key_of)

    def _spill(self) -> None:
        """Write what waits as one sorted run; many runs become one, since open files are few."""
        self._waiting.sort(key=key_of)
        run = EntryFile(self._folder)
        if len(self._runs) + 1 < _RUNS_MAX:
            run.extend(self._waiting)
            self._runs.append(run)
        else:
            run.extend(self._merged())
            for old in self._runs:
                old.close()
            self._runs = [run]
        self._waiting = []


def _disk_error(error: OSError) -> DiskError:
    reason = error.strerror or str(error)
    return DiskError(f"cannot keep a listing in a temporary file: {reason}; free some disk space")
