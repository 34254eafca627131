"""The durable memory: what a job was about to do, and what became of it."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import apsw

from bucketline.clock import Clock, SystemClock
from bucketline.flow.ledger.applied import Applied, applied
from bucketline.flow.ledger.audit import MARK_DOUBTS, complaints, rebuild_current
from bucketline.flow.ledger.endpoints import Endpoints
from bucketline.flow.ledger.logs import Logs
from bucketline.flow.ledger.place import Lock, prepare
from bucketline.flow.ledger.read import Reader
from bucketline.flow.ledger.rows import (
    COUNT,
    CURRENT,
    FATE,
    INTENT,
    Known,
    Row,
    RunHead,
    counts_of,
    current_rows,
    fate_rows,
    intent_rows,
    tally_of,
)
from bucketline.flow.ledger.schema import (
    FATES,
    MEMORY,
    PASSED_OVER,
    open_writer,
    trouble,
)
from bucketline.flow.ledger.uploads import Statement, Uploads
from bucketline.model import Action, Fate, Outcome, Skip, Tally

_PRUNED_AT_ONCE = 20_000  # Lines: a transaction of them all could be larger than the disk.
_STARTED = FATES[Fate.STARTED]
# The runs that lines are of, by leaps instead of by reading them all.
_ORPHANS = """WITH RECURSIVE leap(run) AS (
    SELECT min(run) FROM lines
    UNION ALL SELECT (SELECT min(run) FROM lines WHERE run > leap.run) FROM leap
        WHERE leap.run IS NOT NULL)
    SELECT run FROM leap WHERE run NOT IN (SELECT number FROM runs)"""
# What still proves a copy stays: a proof of delivery, or a verification, may be asked for it.
_DROP = """DELETE FROM lines WHERE run=?1 AND key>?2 AND key<=?3
    AND NOT (fate=1 AND verb<>1 AND EXISTS (SELECT 1 FROM current
        WHERE current.key=lines.key AND current.run=lines.run AND current.fate=1))"""
_STRETCH = """SELECT max(key) FROM (
    SELECT key FROM lines WHERE run=? AND key>? ORDER BY key LIMIT ?)"""
_NAME = "INSERT OR IGNORE INTO pruned SELECT number, run FROM runs WHERE number=?"

_FORGET = (
    "DELETE FROM counters WHERE run=?",
    "DELETE FROM ends WHERE run=?",
    "DELETE FROM logs WHERE run=?",
    "DELETE FROM endpoints WHERE run=?",
    "DELETE FROM found WHERE run=?",
    "DELETE FROM runs WHERE number=?",
)


def new_run_id(now: float) -> str:
    """A run's name: sorts by time, and is short enough to be typed."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class Ledger:
    """One file a job. One process writes it, from one thread; `known` may be asked from any."""

    def __init__(self, db: apsw.Connection, path: Path | str, clock: Clock) -> None:
        self._db = db
        self._path = path
        self._clock = clock
        self._lock: Lock | None = None
        self._vfs = ""
        self._reader = Reader(path, db=db) if path == MEMORY else None
        self._reading = threading.Lock()
        self._run = 0
        self._seq = 0
        self._under_way: set[str] = set()  # Keys whose last line in this run is an intent.
        self.uploads = Uploads(self._commit, self._select)
        self.logs = Logs(self._commit, self._select)
        self.endpoints = Endpoints(self._commit)

    @classmethod
    def open(cls, path: Path | str, *, clock: Clock | None = None, vfs: str = "") -> Self:
        """The ledger at `path`, made if missing; ":memory:" is one that nobody else sees.

        Raises `Refused` while another run of this job is under way, else `LedgerError`.
        """
        clock = clock or SystemClock()
        if path == MEMORY:
            return cls(open_writer(MEMORY), MEMORY, clock)
        path = Path(path).absolute()
        prepare(path)
        lock = Lock.take(path)
        try:
            ledger = cls(open_writer(path, vfs=vfs), path, clock)
        except BaseException:
            lock.release()
            raise
        ledger._lock, ledger._vfs = lock, vfs
        return ledger

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._path)

    def close(self) -> None:
        """Let go of the file. Without `end` before, the run counts as crashed."""
        with self._reading:
            if self._reader is not None and self._path != MEMORY:
                self._reader.close()
            self._reader = None
        try:
            self._db.close()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, head: RunHead) -> None:
        """A run's first line; what the last one left without a fate is in doubt from now on."""
        settings = json.dumps(dict(head.configuration), default=str, ensure_ascii=False)
        row = (
            *(head.run, head.command, head.source, head.target, head.name, head.host, head.user),
            *(head.version, os.getpid(), self._clock.now(), settings),
        )
        marks = ",".join("?" * len(row))
        self._commit([(MARK_DOUBTS, [()]), (f"INSERT INTO runs VALUES(NULL,{marks})", [row])])
        self._run = self._db.last_insert_rowid()
        self._seq = 0
        self._under_way = set()

    def record(
        self, intents: Sequence[Action], ends: Sequence[tuple[Action, Outcome]], skipped: Skip
    ) -> None:
        """Intents of what starts now, then fates of what ended: all or none, durable on return."""
        begun = [action.key for action in intents]
        ended = [action.key for action, _ in ends]
        under_way = self._under_way.union(begun).difference(ended)
        counts = counts_of(ends)
        if change := len(under_way) - len(self._under_way):
            counts.append((_STARTED, change, 0))
        if skipped.count or skipped.size:
            counts.append((PASSED_OVER, skipped.count, skipped.size))
        if not (begun or ended or counts):
            return
        run, now, seq = self._run, self._clock.now(), self._seq
        assert run, "begin() comes first"
        self._commit(
            [
                (INTENT, intent_rows(intents, run, now, seq)),
                (FATE, fate_rows(ends, run, now, seq + len(begun))),
                (CURRENT, current_rows(ends, run)),
                (COUNT, [(run, *count) for count in counts]),
                *self.uploads.done(ends),
            ]
        )
        self._seq = seq + len(begun) + len(ended)
        self._under_way = under_way

    def end(self, state: str, message: str = "") -> None:
        """A run's last line: complete, failed, waiting or interrupted."""
        row = (self._run, self._clock.now(), state, message)
        self._commit([("INSERT INTO ends VALUES(?,?,?,?)", [row])])

    def known(self, keys: Sequence[str]) -> dict[str, Known]:
        """The last proven copies of these keys, from any run, and IN_DOUBT for those of which
        nothing was proven since; keys without a history, or gone, are missing.
        """
        with self._reading:
            self._reader = self._reader or Reader(self._path, vfs=self._vfs)
            return self._reader.known(keys)

    def proven_at(self, keys: Sequence[str]) -> dict[str, float]:
        """When that was, seconds since 1970; what is not known any more is missing."""
        with self._reading:
            self._reader = self._reader or Reader(self._path, vfs=self._vfs)
            return self._reader.proven_at(keys)

    def applied(self, plan: str, keys: Sequence[str]) -> Mapping[str, Applied]:
        """How far earlier runs of this saved plan came with these keys."""
        with self._reading:
            self._reader = self._reader or Reader(self._path, vfs=self._vfs)
            return applied(self._reader, plan, keys)

    def tally(self) -> Tally:
        """How the run stands, by the counters that are committed with its lines."""
        rows = self._select("SELECT fate, count, bytes FROM counters WHERE run=?", (self._run,))
        return tally_of({fate: (count, size) for fate, count, size in rows})

    def in_doubt(self, run: str = "") -> list[str]:
        """The keys of a run (the last one) with an intent and no fate: a crash came between."""
        found = self._select(
            "SELECT number FROM runs WHERE run=?1"
            " OR (?1='' AND number=(SELECT max(number) FROM runs))",
            (run,),
        )
        reader = Reader(self._path, db=self._db)
        return [key for (number,) in found for key in reader.in_doubt(number)]

    def prune(self, keep: int) -> int:
        """Forget all but the newest `keep` runs, but no proven copy and no doubt. How many went."""
        gone = self._select(
            "SELECT number FROM runs WHERE number<>? ORDER BY number DESC LIMIT -1 OFFSET ?",
            (self._run if keep < 1 else 0, max(keep, 0)),
        )
        self._commit(
            [
                (MARK_DOUBTS, [()] if keep < 1 and not self._run else []),
                (_NAME, gone),
                *((sql, gone) for sql in _FORGET),
            ]
        )
        for (run,) in self._select(_ORPHANS):
            self._drop_lines(run)
        return len(gone)

    def _drop_lines(self, run: int) -> None:
        after = ""
        while last := self._select(_STRETCH, (run, after, _PRUNED_AT_ONCE))[0][0]:
            self._commit([(_DROP, [(run, after, last)])])
            after = last

    def forget(self, run: str) -> None:
        """A run that did nothing leaves no trace; one that has lines stays."""
        rows = self._select(
            "SELECT number FROM runs WHERE run=?"
            " AND NOT EXISTS (SELECT 1 FROM lines WHERE lines.run=number)",
            (run,),
        )
        self._commit([(sql, rows) for sql in _FORGET])

    def rebuild(self) -> None:
        """Make what is derived from the lines again."""
        try:
            with self._db:
                rebuild_current(self._db)
        except apsw.Error as error:
            raise trouble(self._path, error) from error

    def complaints(self) -> list[str]:
        """What is wrong inside; nothing, unless a disk lied."""
        try:
            return list(complaints(self._db))
        except apsw.Error as error:
            return [f"damaged: {error}"]

    def _commit(self, statements: Sequence[Statement]) -> None:
        """All of it in one transaction, durable on return."""
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            for sql, rows in statements:
                if rows:
                    db.executemany(sql, rows)
            db.execute("COMMIT")
        except apsw.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise trouble(self._path, error) from error

    def _select(self, sql: str, values: Row = ()) -> list[Row]:
        try:
            return self._db.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise trouble(self._path, error) from error
