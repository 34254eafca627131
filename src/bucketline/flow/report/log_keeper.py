"""Keeps a run's log while the run goes on, in a thread: at its start, every minute, at its end.

Whatever happens to the log, the run does not notice: a person is told once, the next minute tries
again, and what the end could not write the job's next run writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from bucketline.clock import Clock
from bucketline.errors import BucketlineError
from bucketline.flow.drive import blocking
from bucketline.flow.report.log import OBJECTS, OBJECTS_RUNNING, Moment, document
from bucketline.flow.report.log_file import Shelf, written
from bucketline.flow.report.runs import RunRow, run_of

EVERY_SECONDS = 60.0
_END_SECONDS = 180.0  # So long the last log may take.
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Kept:
    """What is to be kept, and with whom the keeper speaks."""

    place: str  # For people.
    ledger: Path
    run: str
    clock: Clock
    shelf: Callable[[], Shelf]  # Opens it; may fail like any other use.
    found: Callable[[], int]  # How many objects the source is known to hold.
    notice: Callable[[str], None]
    masked: Callable[[str], str]  # A text without secrets.
    owed: Sequence[str] = ()  # Earlier runs whose log there was never finished.


@dataclass
class LogKeeper:
    """The thread."""

    kept: Kept
    every_seconds: float = EVERY_SECONDS
    skips_idle: bool = False  # One of many looks: no log of one that finds nothing to do.
    settled: list[str] = field(default_factory=list)  # Runs whose log says how they ended.
    _over: Event = field(default_factory=Event)
    _trouble: str = ""  # Why the last log could not be written.
    _thread: Thread | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._serve, name="bucketline-log", daemon=True)
        self._thread.start()

    def finish(self, is_hurried: Callable[[], bool]) -> None:
        """The run has ended: wait for its last log, but not for ever, nor if one is in a hurry."""
        self._over.set()
        thread, clock = self._thread, self.kept.clock
        until = clock.monotonic() + _END_SECONDS
        while thread is not None and thread.is_alive():
            if is_hurried() or clock.monotonic() > until:
                self._trouble = self._trouble or "its place was not waited for"
                self._tell_end()
                return
            thread.join(_POLL_SECONDS)

    def _serve(self) -> None:
        run = self.kept.run
        self.write(run, OBJECTS_RUNNING)
        for earlier in self.kept.owed:
            self.write(earlier)
        while not self._over.wait(self.every_seconds):
            self.write(run, OBJECTS_RUNNING)
        self.write(run)
        if run not in self.settled:
            self._tell_end()

    def write(self, run: str, objects: int = OBJECTS) -> None:
        """Write one log as its run stands now; raises nothing."""
        try:
            self._write(run, objects)
        except BucketlineError as error:
            self._tell(str(error))
        except Exception as error:  # No fault of a log is a fault of the run.
            self._tell(f"{type(error).__name__}: {error}")
        else:
            self._trouble = ""

    def _write(self, run: str, objects: int) -> None:
        kept = self.kept
        row = run_of(kept.ledger, run)
        if row is None:
            return
        if not (self.skips_idle and run == kept.run and _is_idle(row)):
            self._put(row, objects)
        if row.state != "running" and run not in self.settled:
            self.settled.append(run)

    def _put(self, row: RunRow, objects: int) -> None:
        kept = self.kept
        pieces = document(row, Moment(kept.clock.now(), kept.found()), objects)
        with written(map(kept.masked, pieces)) as file:
            blocking(kept.shelf().put(row.run, int(row.started), file))

    def _tell(self, why: str) -> None:
        if not self._trouble and not self._over.is_set():
            place = self.kept.place
            self.kept.notice(f"{place}: no log for now: {why}; the run goes on, and tries again")
        self._trouble = why

    def _tell_end(self) -> None:
        place, run = self.kept.place, self.kept.run
        why = self._trouble or "the run was cut off"
        self.kept.notice(
            f"{place}: the log of run {run} is not whole: {why}; the job's next run writes it, or"
            f" `bucketline runs log {run} -o {place}`"
        )


def _is_idle(row: RunRow) -> bool:
    return row.tally.listed == row.tally.skipped and row.state in ("running", "complete")
