"""A run's log in the shape of the old tools, page by page out of the ledger.

Names with src_ and dst_ are theirs: programs read them. Ours come first, and only grow. What is
not known, or not known yet, is null; nothing is guessed. Keys never become Python objects: SQLite
writes their JSON, so that a log costs the loop next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bucketline.flow.ledger.read import Reader
from bucketline.flow.report.endpoints import endpoints_of
from bucketline.flow.report.log_endpoints import endpoint_words
from bucketline.flow.report.log_pages import FailedPages, MovedPages, Unsynced, unsynced
from bucketline.flow.report.log_places import naming, side_words
from bucketline.flow.report.runs import RunRow

FORMAT = 1
OBJECTS = 100_000  # As many objects a log names, since whoever reads it loads all of it at once;
OBJECTS_RUNNING = 10_000  # and of a run under way, which is written every minute, so many.
_GIB = 1 << 30
_STATUS = {"running": "Running", "complete": "Completed"}  # Whatever else it is: not all is there.


@dataclass(frozen=True, slots=True)
class Moment:
    """What only the process of a run under way knows."""

    now: float
    found: int = 0  # How many objects the source is known to hold by now.


def document(
    row: RunRow, moment: Moment, objects: int | None = OBJECTS, *, names_moved: bool = True
) -> Iterator[str]:
    """The log's JSON, a piece at a time; it names so many objects at most (None = all)."""
    with closing(Reader(row.path)) as reader:
        names = naming(row, reader)
        moved, failed = MovedPages(reader, row, names), FailedPages(reader, row, names)
        counts, endpoints = _counts(row, reader, moment), endpoint_words(endpoints_of(row))
        yield _open({**_ours(row, moment), **_theirs(row), **counts, **endpoints})
        if names_moved:
            yield ',\n"objects_moved": ['
            yield from moved.pages(objects)
            yield "\n]"
        yield ',\n"failed_objects": {'
        yield from failed.pages(objects)
        yield "\n}" + _close(_omitted(row, moved, failed)) + "\n}\n"


def _open(said: dict[str, Any]) -> str:
    return "{\n" + _lines(said)


def _close(said: dict[str, Any]) -> str:
    return ",\n" + _lines(said)


def _lines(said: dict[str, Any]) -> str:
    return ",\n".join(
        f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in said.items()
    )


def _ours(row: RunRow, moment: Moment) -> dict[str, Any]:
    """The run comes first: by it a log is known as ours without reading all of it."""
    return {
        "run": row.run,
        "format": FORMAT,
        "state": row.state,
        "message": row.message or None,
        "command": row.command,
        "job": row.name or None,
        "source": row.source,
        "target": row.target,
        "host": row.host,
        "user": row.user,
        "version": row.version,
        "written_epoch": round(moment.now, 3),
        "listed": row.listed,
        "skipped": row.tally.skipped,
        "done": row.tally.done,
        "failed": row.tally.failed,
        "waiting": row.tally.waiting,
        "in_doubt": row.in_doubt,
    }


def _theirs(row: RunRow) -> dict[str, Any]:
    said = json.loads(row.configuration)
    places = said.get("places", {})
    workers = said.get("workers")
    return {
        **side_words("src", places.get("source")),
        **side_words("dst", places.get("target")),
        "max_workers": workers,
        "start_time_epoch": int(row.started),
        "end_time_epoch": int(row.ended) if row.ended else None,
        "total_duration_seconds": round(row.ended - row.started, 3) if row.ended else None,
        "status": _STATUS.get(row.state, "Failed"),
    }


def _counts(row: RunRow, reader: Reader, moment: Moment) -> dict[str, Any]:
    left = unsynced(reader, row)
    synced, bytes_done = (
        row.tally.skipped + row.tally.done - left.deletes_done,
        row.tally.bytes_done,
    )
    total = bytes_done + left.size
    is_whole = _is_whole(row)  # Else nobody knows what else was to be done.
    seconds = (row.ended or moment.now) - row.started if row.ended or row.state == "running" else 0
    gone = {"deleted_objects": left.deletes_done} if left.deletes_done else {}
    return {
        **gone,
        "initial_synced_objects": row.tally.skipped if is_whole else None,
        "initial_unsynced_objects": synced - row.tally.skipped + left.count if is_whole else None,
        "final_synced_objects": synced,
        "final_unsynced_objects": left.count if is_whole else None,
        "completion_percentage": _percentage(row, moment, synced, left),
        "total_bytes_to_move": total if is_whole else None,
        "total_equivalent_gigabytes_to_move": _gigabytes(total) if is_whole else None,
        "bytes_transferred": bytes_done,
        "equivalent_gigabytes_transferred": _gigabytes(bytes_done),
        "remaining_bytes": left.size if is_whole else None,
        "equivalent_remaining_bytes": _gigabytes(left.size) if is_whole else None,
        "speed_gbps": round(bytes_done / _GIB * 8 / seconds, 3) if seconds > 0 else None,
    }


def _is_whole(row: RunRow) -> bool:
    """Whether all of the plan was carried out: what stopped a run early left a message."""
    return row.state in ("complete", "waiting") or (row.state == "failed" and not row.message)


def _percentage(row: RunRow, moment: Moment, synced: int, left: Unsynced) -> float | None:
    """Of the objects at the source; of a run under way, of those found by now."""
    if _is_whole(row):
        whole = synced + left.count
        return round(100 * synced / whole, 3) if whole else 100.0
    if row.state != "running" or not moment.found:
        return None
    return round(100 * min(1.0, synced / moment.found), 3)


def _omitted(row: RunRow, moved: MovedPages, failed: FailedPages) -> dict[str, Any]:
    """What a log that does not name all of them leaves out, and where that is."""
    left_out = moved.more or failed.more
    command = f"bucketline runs log {row.run} --objects all"
    return {
        "objects_moved_are_all": not moved.more,
        "failed_objects_are_all": not failed.more,
        **({"all_objects": command} if left_out else {}),
    }


def _gigabytes(size: int) -> float:
    return round(size / _GIB, 3)
