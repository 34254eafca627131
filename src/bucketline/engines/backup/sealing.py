"""What a backup did, written into its catalogue, and what the catalogue did not know, looked up."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from bucketline.engines.backup.catalogue import Catalogue
from bucketline.engines.backup.marks import deleted_at, unmarked
from bucketline.engines.backup.rows import Beside, Row, folded, row_of
from bucketline.errors import Broken, DiskError, NotFound
from bucketline.flow.compare.doubts import Lookup
from bucketline.flow.look.listing import Caller
from bucketline.flow.look.sorting import EntryFile
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store, Together

_AT_ONCE = 32
_SORTED = 100_000  # Rows that are sorted in memory.


class Notes:
    """Rows that are not in the catalogue yet, in a file beside the ledger: a crash keeps them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)  # What waits in memory would be lost.
            path.chmod(0o600)
        except OSError as error:
            raise DiskError(f"{path}: cannot be written ({error.strerror})") from None

    def add(self, rows: Iterable[Row]) -> None:
        """Behind those there are; all of them, or none where the disk is full."""
        lines = b"".join(row.line().encode() + b"\n" for row in rows)
        if not lines:
            return
        before = self.size
        try:
            written = 0
            while written < len(lines):
                written += self._file.write(lines[written:])
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(before)
            raise DiskError(f"{self._path}: cannot be written ({error.strerror})") from None

    @property
    def size(self) -> int:
        """Bytes."""
        return self._path.stat().st_size

    def clear(self) -> None:
        """They are in the catalogue."""
        self._file.truncate(0)

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Row]:
        """As they came; the last line of a process that was killed may be half a one."""
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                try:
                    yield row_of(line)
                except Broken:  # Behind half a line, the next process has gone on.
                    continue


def in_order(rows: Iterable[Row], scratch: str | None) -> Iterator[Row]:
    """One a key, in key order, the later over the earlier; sorted on disk if there are many."""
    try:
        yield from _in_order(iter(rows), scratch)
    except OSError as error:
        said = f"cannot keep rows of the catalogue in a temporary file: {error.strerror}"
        raise DiskError(f"{said}; free some disk space, and run again") from None


def _in_order(rows: Iterator[Row], scratch: str | None) -> Iterator[Row]:
    with ExitStack() as stack:
        runs: list[Iterator[Row]] = []
        while some := list(islice(rows, _SORTED)):
            some.sort(key=_key)
            file = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            file.writelines(row.line().encode() + b"\n" for row in some)
            file.seek(0)
            runs.append(map(row_of, file))
        yield from folded(heapq.merge(*runs, key=_key))


def _key(row: Row) -> str:
    return row.key


def looked_up(entries: EntryFile, target: Store, known: Lookup, drive: Caller) -> Iterator[Row]:
    """What the backup holds, and no row tells of: asked for, one by one."""
    some: list[Entry] = []
    for entry in entries:
        some.append(entry)
        if len(some) == _AT_ONCE * 4:
            yield from _asked(some, target, known, drive)
            some = []
    yield from _asked(some, target, known, drive)


def _asked(some: Sequence[Entry], target: Store, known: Lookup, drive: Caller) -> Iterator[Row]:
    if not some:
        return
    was = known([one.key for one in some])

    def all_of_them() -> Flow[list[Row | None]]:
        found: list[Row | None] = yield Together([_row(one, target) for one in some], _AT_ONCE)
        return found

    for row in drive.call(all_of_them()):
        if row is None:
            continue
        proven = was.get(row.key)
        if proven is not None and proven.target_etag == row.etag:
            yield replace(row, source_etag=proven.source_etag)
        else:
            yield row


def _row(entry: Entry, target: Store) -> Flow[Row | None]:
    try:
        found = yield from target.stat(entry.key)
        tags = dict(found.attributes.tags)
        if found.tag_count and not tags:
            tags = yield from target.tags(entry.key)
    except NotFound:
        return None
    at = found.entry
    told = replace(found.attributes, tags=unmarked(tags))
    return Row(
        at.key, at.size, at.etag, at.version, "", "", at.modified, told, deleted=deleted_at(tags)
    )


def changes(notes: Iterable[Row], looked: Iterable[Row], scratch: str | None) -> Iterator[Row]:
    """All of them, as the next layer: what was looked up is older than what was done."""
    return in_order(chain(looked, notes), scratch)


def not_outdated(rows: Iterable[Row], catalogue: Catalogue) -> Iterator[Row]:
    """Without what an earlier run noted, and left behind, of objects that a later one has written
    into the catalogue since: runs' names sort by time. In key order.
    """
    known = Beside(catalogue.rows())
    for row in rows:
        there = known.at(row.key)
        if there is None or not row.run or there.run <= row.run:
            yield row
