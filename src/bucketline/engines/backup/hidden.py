"""What the catalogue tells of and the listing lacks: hidden by a purge that was killed, or gone.

The bucket knows what a purge did, also where its notes are lost, or lie on another machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bucketline.engines.backup.catalogue import Catalogue
from bucketline.engines.backup.chains import chain
from bucketline.engines.backup.marks import moment
from bucketline.engines.backup.rows import GONE, Beside, Row
from bucketline.errors import Unsupported
from bucketline.flow.look.listing import Caller
from bucketline.flow.look.sorting import EntryFile
from bucketline.flow.move.pinned import held
from bucketline.stores.base import Flow, Store, Together

_AT_ONCE = 32


class Missing:
    """Rows for the next layer."""

    def __init__(self, catalogue: Catalogue, store: Store, drive: Caller) -> None:
        self._catalogue = catalogue
        self._store = store
        self._drive = drive
        self.gone = 0  # Of those that were told: somebody else removed them.

    def lacked(self, entries: EntryFile) -> Iterator[Row]:
        """What rows tell of, and no listing."""
        for block in self._blocks(entries):
            for row in self._drive.call(self._fates(block)):
                self.gone += row.state == GONE
                yield row

    def returned(self, entries: EntryFile) -> Iterator[Row]:
        """What rows call purged, and the listing has: it was brought back."""
        for block in self._blocks(entries):
            yield from (replace(row, purged="") for row in block)

    def _blocks(self, entries: EntryFile) -> Iterator[list[Row]]:
        rows = Beside(self._catalogue.rows() if entries.count else ())
        for block in entries.blocks():
            yield [row for entry in block if (row := rows.at(entry.key)) is not None]

    def _fates(self, block: list[Row]) -> Flow[list[Row]]:
        told: list[Row] = yield Together([self._fate(row) for row in block], _AT_ONCE)
        return told

    def _fate(self, row: Row) -> Flow[Row]:
        if (yield from held(self._store, row.key)) is not None:
            return row  # A listing that lacks what is there says nothing.
        gone = Row(row.key, state=GONE)
        if not row.deleted:
            return gone  # No purge takes what is not called deleted.
        try:
            past = yield from chain(self._store, row.key)
        except Unsupported:
            return gone
        real = [place for place, one in enumerate(past) if not one.is_delete_marker]
        if not real or real[-1] + 1 == len(past) or past[real[-1]].entry.etag != row.etag:
            return gone
        return replace(row, purged=moment(past[real[-1] + 1].entry.modified))


def still_so(notes: Iterator[Row], catalogue: Catalogue) -> Iterator[Row]:
    """Without what an earlier purge noted of objects that are others by now. In key order."""
    rows = Beside(catalogue.rows())
    for note in notes:
        row = rows.at(note.key)
        if row is not None and (row.etag, row.version) == (note.etag, note.version):
            yield note
