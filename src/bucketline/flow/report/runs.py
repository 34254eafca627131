"""What ledgers tell: runs, their objects, what went wrong. Only reads, and holds no writer up."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from bucketline.errors import LedgerError, Refused, UsageError
from bucketline.flow.ledger import Known, Ledger
from bucketline.flow.ledger.place import SUFFIX, is_locked
from bucketline.flow.ledger.read import Reader
from bucketline.flow.ledger.rows import tally_of
from bucketline.flow.ledger.schema import FATE_NAMES
from bucketline.flow.report.remedies import remedy_of
from bucketline.model import Tally


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `listed` is what has its fate; what a crash left without one is `in_doubt`."""

    run: str
    command: str
    state: str  # running, complete, failed, waiting, interrupted, crashed; unreadable = the file.
    path: Path
    number: int = 0
    source: str = ""
    target: str = ""
    name: str = ""
    host: str = ""
    user: str = ""
    version: str = ""
    configuration: str = "{}"  # JSON, without secrets.
    started: float = 0.0
    ended: float | None = None
    message: str = ""
    found: int | None = None  # How many objects were known to take part; None = not told yet.
    tally: Tally = field(default_factory=Tally)

    @property
    def listed(self) -> int:
        return self.tally.listed - self.tally.under_way

    @property
    def in_doubt(self) -> int:
        """Begun and without a fate, and nobody is at it: the next run looks at them anew."""
        return 0 if self.state == "running" else self.tally.under_way

    def as_json(self) -> dict[str, Any]:
        """As `runs list --json` prints it; names only grow."""
        return {
            "run": self.run,
            "command": self.command,
            "state": self.state,
            "started": self.started,
            "ended": self.ended,
            "found": None if self.found is None else max(self.found, self.listed),
            "listed": self.listed,
            "skipped": self.tally.skipped,
            "done": self.tally.done,
            "failed": self.tally.failed,
            "waiting": self.tally.waiting,
            "bytes": self.tally.bytes_done,
            "in_doubt": self.in_doubt,
            "source": self.source,
            "target": self.target,
            "message": self.message,
        }

    def as_told(self) -> dict[str, Any]:
        """The same, with what it was called, where and by whom."""
        more = {"name": self.name, "host": self.host, "user": self.user, "version": self.version}
        return self.as_json() | more

    @property
    def settings(self) -> dict[str, Any]:
        """Its configuration, read."""
        found: dict[str, Any] = json.loads(self.configuration)
        return found


@dataclass(frozen=True, slots=True)
class Trouble:
    """Everything that failed, or waits, for one cause."""

    cause: str
    fate: str
    count: int
    key: str  # The first one, as an example.
    message: str
    remedy: str


def runs(state_folder: Path) -> list[RunRow]:
    """All runs of all jobs, the newest first. A file that cannot be read is a row that says why."""
    rows: list[RunRow] = []
    for path in _ledgers(state_folder):
        try:
            rows += _runs_of(path)
        except LedgerError as error:
            rows.append(RunRow("", "", "unreadable", path, message=str(error)))
    return sorted(rows, key=lambda row: (row.started, row.number), reverse=True)


def runs_of(path: Path) -> list[RunRow]:
    """The runs of one job, the oldest first; of one that has never run, none."""
    return _runs_of(path) if path.exists() else []


def find_run(state_folder: Path, wanted: str) -> RunRow:
    """The run of this name: `last`, a run's id, or the beginning of just one id."""
    every = runs(state_folder)
    if wanted == "last":
        if (newest := last_of(every)) is None:
            raise UsageError(f"{state_folder}: there are no runs yet")
        return newest
    rows = [row for row in every if row.run]
    found = [row for row in rows if row.run == wanted] or [
        row for row in rows if wanted and row.run.startswith(wanted)
    ]
    if not found:
        for row in unreadable(every):
            raise LedgerError(f"there is no run '{wanted}', but for one in here: {row.message}")
        raise UsageError(f"there is no run '{wanted}'; `bucketline runs list` shows them")
    if len(found) > 1:
        some = ", ".join(row.run for row in found[:3])
        raise UsageError(f"'{wanted}' may be any of {len(found)} runs ({some} …); give more of it")
    return found[0]


def unreadable(rows: Iterable[RunRow]) -> list[RunRow]:
    """The files among them that cannot be read."""
    return [row for row in rows if not row.run]


def last_of(rows: Sequence[RunRow], without: Collection[str] = ()) -> RunRow | None:
    """The newest of them, but for these commands.

    Raises `LedgerError` where one that cannot be read was written later, and so may have another.
    """
    newest = next((row for row in rows if row.run and row.command not in without), None)
    for row in unreadable(rows):
        if newest is None or _written(row.path) > newest.started:
            raise LedgerError(f"the last run may be in here; name yours by its id. {row.message}")
    return newest


def _written(ledger: Path) -> float:
    """When, as far as files tell."""
    try:
        return ledger.stat().st_mtime
    except OSError:
        return inf


def run_of(ledger: Path, run: str) -> RunRow | None:
    """A run of this ledger as it stands now; None = it is forgotten."""
    return next((row for row in _runs_of(ledger) if row.run == run), None)


def troubles(row: RunRow) -> list[Trouble]:
    """What went wrong, by cause, the most frequent first."""
    with closing(Reader(row.path)) as reader:
        found = reader.rows(_TROUBLES, (row.number,))
    return [
        Trouble(cause, FATE_NAMES[fate], count, key, message, remedy_of(cause))
        for cause, fate, count, key, message in found
    ]


def known(path: Path, keys: Sequence[str]) -> dict[str, Known]:
    """As `Ledger.known`, of a job that may be running, or never have run."""
    if not path.exists():
        return {}
    with closing(Reader(path)) as reader:
        return reader.known(keys)


class Pruned(NamedTuple):
    """How many runs were forgotten, whose job runs now, and which ledgers make no sense."""

    forgotten: int
    busy: list[Path]
    unreadable: list[LedgerError]


def prune(state_folder: Path, keep: int) -> Pruned:
    """Forget all but the newest `keep` runs of each job; a damaged ledger keeps no other."""
    count, busy, unreadable = 0, [], []
    for path in _ledgers(state_folder):
        try:
            with Ledger.open(path) as ledger:
                count += ledger.prune(keep)
        except Refused:
            busy.append(path)
        except LedgerError as error:
            unreadable.append(error)
    return Pruned(count, busy, unreadable)


def _ledgers(state_folder: Path) -> list[Path]:
    try:
        return sorted(state_folder.glob(f"*{SUFFIX}"))
    except OSError as error:
        why = f"{state_folder}: cannot be looked at ({error.strerror})"
        raise LedgerError(f"{why}; choose another --state") from None


_RUNS = """SELECT runs.run, command, number, source, target, name, host, user, version,
        configuration, started, ended, state, message, objects FROM runs
    LEFT JOIN ends ON ends.run = number LEFT JOIN found ON found.run = number ORDER BY number"""
_TROUBLES = """SELECT coalesce(cause, ''), fate, count(*), min(key), coalesce(message, '')
    FROM lines INDEXED BY troubles WHERE run = ? AND fate > 1 AND fate > 2
    GROUP BY cause, fate ORDER BY count(*) DESC, cause"""


def _runs_of(path: Path) -> list[RunRow]:
    is_running = is_locked(path)  # Asked first: a run that ends meanwhile has its end, then.
    with closing(Reader(path)) as reader:
        heads = reader.rows(_RUNS)
        counters: dict[int, dict[int, tuple[int, int]]] = {}
        for run, fate, count, size in reader.rows("SELECT * FROM counters"):
            counters.setdefault(run, {})[fate] = (count, size)
    rows = []
    for run, command, number, *texts, started, ended, state, message, found in heads:
        open_state = "running" if is_running and number == heads[-1][2] else "crashed"
        tally = tally_of(counters.get(number, {}))
        rest = (*texts, started, ended, message or "", found, tally)
        rows.append(RunRow(run, command, state or open_state, path, number, *rest))
    return rows
