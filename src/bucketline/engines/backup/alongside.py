"""The listing of a backup on its way to the comparison, held against the catalogue as it passes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from bucketline.engines.backup.catalogue import RESERVED
from bucketline.engines.backup.rows import Row
from bucketline.engines.backup.scrambled import was_renamed
from bucketline.flow.compare.sides import Listed
from bucketline.flow.look.filters import Keep
from bucketline.flow.look.sorting import EntryFile
from bucketline.model import Entry


class Alongside:
    """What the comparison of two listings cannot see: what is marked already, what is unrecorded.

    The catalogue's own files take no part in anything.
    """

    def __init__(
        self,
        listing: Listed,
        prefix: str,
        rows: Iterator[Row],
        keep: Keep | None,
        scratch: str | None,
    ) -> None:
        self._listing = listing
        self._reserved = prefix + RESERVED
        self._rows = rows
        self._row = next(rows, None)
        self._keep = keep
        self.marked: deque[tuple[Entry, str]] = (
            deque()
        )  # Said to be gone at the source, since when.
        self.returned: list[Entry] = []  # Of these, what was not found to be gone.
        self.unrecorded = EntryFile(scratch)  # What no row tells of as it is.
        self.lost = EntryFile(scratch)  # What a row tells of, and the backup does not hold.
        self.unhidden = EntryFile(scratch)  # What a row calls purged, and the backup shows.
        self.odd = EntryFile(scratch)  # What is called as scramblers call it.

    @property
    def is_disordered(self) -> bool:
        return self._listing.is_disordered

    @property
    def notes(self) -> list[str]:
        return self._listing.notes

    def pages(self) -> Iterator[list[Entry]]:
        """The same pages, without what is reserved."""
        for told in self._listing.pages():
            page = [one for one in told if not one.key.startswith(self._reserved)]
            kept = {one.key for one in (self._keep(page) if self._keep else page)}
            for entry in page:
                self._compare(entry, is_kept=entry.key in kept)
            yield page
        while self._row is not None:
            self._pass(self._row)

    def since(self, key: str) -> str:
        """Since when the catalogue says that it is gone; "" = it does not. In key order."""
        while self.marked and self.marked[0][0].key < key:
            self.returned.append(self.marked.popleft()[0])
        if self.marked and self.marked[0][0].key == key:
            return self.marked.popleft()[1]
        return ""

    def close(self) -> None:
        self.unrecorded.close()
        self.lost.close()
        self.unhidden.close()
        self.odd.close()

    def _compare(self, entry: Entry, *, is_kept: bool) -> None:
        if is_kept and was_renamed(entry.key):
            self.odd.append(Entry(entry.key, 0))
        while self._row is not None and self._row.key < entry.key:
            self._pass(self._row)
        row = self._row
        if row is None or row.key != entry.key:
            self.unrecorded.append(entry)
            return
        self._row = next(self._rows, None)
        if (row.etag, row.size) != (entry.etag, entry.size):
            self.unrecorded.append(entry)
            return
        if row.purged:
            self.unhidden.append(entry)
        if row.deleted and is_kept:
            self.marked.append((entry, row.deleted))

    def _pass(self, row: Row) -> None:
        if not row.purged:  # Else it is hidden, and can be brought back.
            self.lost.append(row.entry)
        self._row = next(self._rows, None)
