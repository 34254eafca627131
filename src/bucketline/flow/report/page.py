"""A run as one page for people, and as one JSON object: what was done, what was not, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from itertools import islice
from typing import Any

from bucketline.flow.report.endpoints import Counts, as_records, endpoints_of
from bucketline.flow.report.html import document, section, shown, table
from bucketline.flow.report.notes import notes_of
from bucketline.flow.report.objects import ObjectRow, Which, all_objects
from bucketline.flow.report.runs import RunRow, Trouble, troubles
from bucketline.model import Fate
from bucketline.sizes import show_moment, show_seconds, show_size

VERSION = 1
OBJECTS_MAX = 1_000  # That went wrong and are shown one by one; the ledger has all.


@dataclass(frozen=True)
class Told:
    """All that is told of a run."""

    row: RunRow
    troubles: Sequence[Trouble]
    objects: Sequence[ObjectRow]  # The first of those that went wrong.
    notes: dict[str, int]
    endpoints: Counts

    @classmethod
    def of(cls, row: RunRow) -> Told:
        wrong = all_objects(row, Which(Fate.FAILED), Which(Fate.WAITING))
        objects = list(islice(wrong, OBJECTS_MAX))
        return cls(row, troubles(row), objects, notes_of(row), endpoints_of(row))

    def as_record(self) -> dict[str, Any]:
        """Names only grow."""
        return {
            "report": VERSION,
            **self.row.as_json(),
            "name": self.row.name,
            "host": self.row.host,
            "version": self.row.version,
            "troubles": [asdict(one) for one in self.troubles],
            "objects": [asdict(one) for one in self.objects],
            "notes": self.notes,
            "endpoints": as_records(self.endpoints),
        }

    def as_page(self) -> str:
        """HTML without a script, and without anything from elsewhere."""
        return document(f"{self.row.command} {self.row.run}", self._parts())

    def _parts(self) -> Iterator[str]:
        row = self.row
        yield f'<p class="state {escape(row.state)}">{escape(row.state)}'
        yield f": {shown(row.message)}</p>" if row.message else "</p>"
        yield table(("", ""), self._facts())
        yield section("What went wrong", _CAUSES, map(_cause, self.troubles))
        if len(self.objects) == OBJECTS_MAX:
            yield f"<p>The first {OBJECTS_MAX:,}; <code>bucketline runs errors</code> has all.</p>"
        yield section("Objects", ("key", "fate", "why"), map(_object, self.objects))
        notes = ((note, count) for note, count in self.notes.items())
        yield section("Done, but not in full", ("what", "objects"), notes)
        yield section("Endpoints", _ENDPOINTS, (_endpoint(*count) for count in self.endpoints))

    def _facts(self) -> Iterator[tuple[object, ...]]:
        row, tally = self.row, self.row.tally
        yield "from", row.source
        yield "to", row.target
        if row.name:
            yield "name", row.name
        took = f", took {show_seconds(row.ended - row.started)}" if row.ended else ""
        yield "started", show_moment(row.started) + took
        yield "by", f"{row.user} on {row.host}, bucketline {row.version}"
        for name in ("listed", "skipped", "done", "failed", "waiting"):
            yield name, row.listed if name == "listed" else getattr(tally, name)
        if row.in_doubt:
            yield "without a fate", row.in_doubt
        yield "bytes", show_size(tally.bytes_done)


_CAUSES = ("cause", "fate", "objects", "for example", "what to do")
_ENDPOINTS = ("side", "endpoint", "requests", "faults", "read", "written", "down")


def _cause(one: Trouble) -> tuple[object, ...]:
    return one.cause, one.fate, one.count, f"{one.key}: {one.message}", one.remedy


def _object(one: ObjectRow) -> tuple[object, ...]:
    return one.key, one.fate, f"{one.cause}: {one.message}"


def _endpoint(side: str, count: Any) -> tuple[object, ...]:
    read, written = show_size(count.bytes_read), show_size(count.bytes_written)
    down = show_seconds(count.seconds_open)
    return side, count.endpoint, count.requests, count.faults, read, written, down
