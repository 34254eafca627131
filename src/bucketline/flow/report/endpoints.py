"""What each endpoint of a run's sides did, as the ledger tells it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Any

from bucketline.flow.ledger.read import Reader
from bucketline.flow.report.runs import RunRow
from bucketline.stores.beyond import EndpointCount

_COUNTS = """SELECT side, endpoint, requests, faults, bytes_read, bytes_written, times_opened,
    seconds_open FROM endpoints WHERE run=? ORDER BY side, rowid"""

Counts = list[tuple[str, EndpointCount]]  # A side each.


def endpoints_of(row: RunRow) -> Counts:
    """Of a live run, how they stood a few seconds ago."""
    with closing(Reader(row.path)) as reader:
        return [
            (side, EndpointCount(*count)) for side, *count in reader.rows(_COUNTS, (row.number,))
        ]


def as_records(counts: Iterable[tuple[str, EndpointCount]]) -> list[dict[str, Any]]:
    """For machines; names only grow."""
    return [
        {
            "side": side,
            **count._asdict(),
            "seconds_open": round(count.seconds_open, 1),
        }
        for side, count in counts
    ]
