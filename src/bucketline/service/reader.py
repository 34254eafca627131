"""What the service can tell: ledgers, read anew for each question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bucketline.clock import Clock
from bucketline.errors import UsageError
from bucketline.flow.report.endpoints import as_records, endpoints_of
from bucketline.flow.report.log import OBJECTS, Moment, document
from bucketline.flow.report.log_file import name_of
from bucketline.flow.report.relays import relays
from bucketline.flow.report.runs import RunRow, all_objects, find_run, objects, runs, troubles
from bucketline.model import Fate


class Reader:
    """Of one state folder."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self.state = state
        self.clock = clock

    def runs(self) -> list[RunRow]:
        """The newest first; files that cannot be read are told by their message."""
        return runs(self.state)

    def run(self, wanted: str) -> RunRow | None:
        """None = there is no such run, or not just one."""
        try:
            return find_run(self.state, wanted)
        except UsageError:
            return None

    def objects(
        self, row: RunRow, fate: Fate | None, *, after: str, limit: int
    ) -> list[dict[str, Any]]:
        """A page, in key order."""
        return [asdict(one) for one in objects(row, fate, after=after, limit=limit)]

    def all_objects(self, row: RunRow, fate: Fate | None) -> Iterator[dict[str, Any]]:
        return (asdict(one) for one in all_objects(row, [fate]))

    def errors(self, row: RunRow) -> list[dict[str, Any]]:
        return [asdict(one) for one in troubles(row)]

    def endpoints(self, row: RunRow) -> list[dict[str, Any]]:
        return as_records(endpoints_of(row))

    def relays(self) -> tuple[list[dict[str, Any]], list[str]]:
        """And why some cannot be told of."""
        rows, unreadable = relays(self.state)
        now = self.clock.now()
        return [row.as_json(now) for row in rows], [str(error) for error in unreadable]

    def epochs(self) -> dict[int, RunRow]:
        """As the old tools name logs: the second in which a run began, or the next that is free."""
        found: dict[int, RunRow] = {}
        for row in reversed([row for row in self.runs() if row.run]):
            epoch = int(row.started)
            while epoch in found:
                epoch += 1
            found[epoch] = row
        return found

    def log(self, row: RunRow, *, names_moved: bool) -> Iterator[str]:
        """The JSON of a run's log, piece by piece."""
        moment = Moment(self.clock.now())
        return document(row, moment, OBJECTS, names_moved=names_moved)


def log_name(epoch: int) -> str:
    return name_of(epoch)


def as_json(row: RunRow) -> dict[str, Any]:
    """A run, with where and by whom."""
    more = {"name": row.name, "host": row.host, "user": row.user, "version": row.version}
    return row.as_json() | more
