"""What the service can tell: ledgers, read anew for each question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bucketline.clock import Clock
from bucketline.errors import LedgerError, Refused, UsageError
from bucketline.flow.proof.manifest import head_of, manifest
from bucketline.flow.proof.signing import open_signer
from bucketline.flow.report.delivered import of_job, of_run
from bucketline.flow.report.endpoints import as_records, endpoints_of
from bucketline.flow.report.log import OBJECTS, Moment, document
from bucketline.flow.report.log_file import name_of
from bucketline.flow.report.notes import notes_of
from bucketline.flow.report.objects import Which, all_objects, objects
from bucketline.flow.report.relays import relays
from bucketline.flow.report.runs import RunRow, find_run, runs, troubles


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
        except (UsageError, LedgerError):
            return None

    def objects(self, row: RunRow, which: Which, limit: int) -> list[dict[str, Any]]:
        """A page, in key order."""
        return [asdict(one) for one in objects(row, which, limit)]

    def all_objects(self, row: RunRow, which: Which) -> Iterator[dict[str, Any]]:
        return (asdict(one) for one in all_objects(row, which))

    def errors(self, row: RunRow) -> list[dict[str, Any]]:
        return [asdict(one) for one in troubles(row)]

    def endpoints(self, row: RunRow) -> list[dict[str, Any]]:
        return as_records(endpoints_of(row))

    def notes(self, row: RunRow) -> dict[str, int]:
        """What did not arrive as it was, and of how many objects."""
        return notes_of(row)

    def proof(self, row: RunRow, of: str) -> Iterator[bytes]:
        """Signed lines of what was delivered: by the `run`, or by its `job` until then."""
        if row.state == "running":
            raise Refused(f"{row.run}: is running; wait for its end, and save its proof then")
        signer = open_signer(self.state)
        delivered = of_run(row) if of == "run" else of_job(row)
        return manifest(head_of(row, of, self.clock.now()), delivered, signer)

    def latest(self, *commands: str) -> list[dict[str, Any]]:
        """The last run of each job of these commands, and when one of the job last succeeded."""
        jobs: dict[tuple[Path, str], dict[str, Any]] = {}
        for row in self.runs():  # The newest first.
            if row.run and row.command in commands:
                told = row.as_told() | {"configuration": row.settings}
                job = jobs.setdefault((row.path, row.command), told | {"succeeded": None})
                if row.state == "complete" and not job["succeeded"]:
                    job["succeeded"] = row.ended
        return list(jobs.values())

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
