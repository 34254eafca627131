"""What of a run's objects did not arrive as it was, counted."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from bucketline.flow.ledger.read import Reader
from bucketline.flow.report.runs import RunRow

_NOTES = """SELECT message, count(*) FROM lines
    WHERE run = ? AND fate = 1 AND message > '' GROUP BY message"""


def notes_of(row: RunRow) -> dict[str, int]:
    """What is said of objects that are done, and of how many; the most frequent first."""
    with closing(Reader(row.path)) as reader:
        found = reader.rows(_NOTES, (row.number,))
    counts: Counter[str] = Counter()
    for message, count in found:
        for note in message.split("; "):
            counts[note] += count
    return dict(counts.most_common())
