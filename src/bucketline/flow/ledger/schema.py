"""The ledger's file: its tables, its version, and how SQLite opens it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import apsw

from bucketline.errors import LedgerDamaged, LedgerError
from bucketline.model import Action, Fate, Verb

MEMORY = ":memory:"
VERSION = 3
APPLICATION = 0x424B4C4E  # "BKLN", as `file` can tell it from other SQLite files.
_SQLITE_MIN = 3_051_003  # Before it, two connections could damage a WAL that starts over.
_WAIT_MILLISECONDS = 10_000  # For the short moments in which another connection opens or recovers.

# Codes instead of words: two million words are megabytes. The view `history` has the words.
FATES = {Fate.STARTED: 0, Fate.DONE: 1, Fate.SKIPPED: 2, Fate.FAILED: 3, Fate.WAITING: 4}
FATE_NAMES = tuple(fate.value for fate in FATES)
PASSED_OVER = 5  # A counter only: what the plan looked at and needs nothing.
VERBS = {
    Verb.COPY: 0,
    Verb.DELETE: 1,
    Verb.VERIFY: 2,
    Verb.UPDATE: 3,
    Verb.THAW: 4,
    Verb.MARK: 5,
}  # A code never changes its meaning.
VERB_NAMES = tuple(verb.value for verb in VERBS)
# By the class of the action: looked up for each object.
VERB_OF = {kind: VERBS[kind.verb] for kind in get_args(Action)}

# `lines` is its own index: a run's objects page by key, and its keys come in key order, so that
# lines are appended at the right edge nearly always. Only the few that went wrong are indexed by
# fate. `current` is derived: the last fate of each key, and apart from it the last proven copy.
_TABLES = """
CREATE TABLE runs(
    number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL UNIQUE, command TEXT NOT NULL,
    source TEXT NOT NULL, target TEXT NOT NULL, name TEXT NOT NULL, host TEXT NOT NULL,
    user TEXT NOT NULL, version TEXT NOT NULL, process INTEGER NOT NULL, started REAL NOT NULL,
    configuration TEXT NOT NULL) STRICT;
CREATE TABLE ends(
    run INTEGER PRIMARY KEY, ended REAL NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL
    ) STRICT;
CREATE TABLE lines(
    run INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, verb INTEGER NOT NULL,
    fate INTEGER NOT NULL, time REAL NOT NULL, size INTEGER, reason TEXT, proof INTEGER,
    source_etag TEXT, target_etag TEXT, target_version TEXT, hashes TEXT, cause TEXT,
    message TEXT, endpoint TEXT, PRIMARY KEY(run, key, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX troubles ON lines(run, fate, key) WHERE fate > 1;
CREATE INDEX notes ON lines(run, message) WHERE fate = 1 AND message > '';
CREATE TABLE current(
    key TEXT PRIMARY KEY, run INTEGER NOT NULL, verb INTEGER NOT NULL, fate INTEGER NOT NULL,
    size INTEGER, source_etag TEXT, target_etag TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE counters(
    run INTEGER, fate INTEGER, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY(run, fate)) STRICT, WITHOUT ROWID;
CREATE TABLE uploads(
    key TEXT, upload TEXT, size INTEGER NOT NULL, part_size INTEGER NOT NULL,
    source_etag TEXT NOT NULL, fingerprint TEXT NOT NULL, started REAL NOT NULL,
    PRIMARY KEY(key, upload)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE parts(
    key TEXT, upload TEXT, number INTEGER, etag TEXT NOT NULL, md5 TEXT NOT NULL,
    sums TEXT NOT NULL, PRIMARY KEY(key, upload, number)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE endpoints(
    run INTEGER, side TEXT, endpoint TEXT, requests INTEGER NOT NULL, faults INTEGER NOT NULL,
    bytes_read INTEGER NOT NULL, bytes_written INTEGER NOT NULL, times_opened INTEGER NOT NULL,
    seconds_open REAL NOT NULL, PRIMARY KEY(run, side, endpoint)) STRICT;
CREATE TABLE found(run INTEGER PRIMARY KEY, objects INTEGER NOT NULL) STRICT;
CREATE TABLE logs(run INTEGER PRIMARY KEY, place TEXT NOT NULL) STRICT;
CREATE TABLE pruned(number INTEGER PRIMARY KEY, run TEXT NOT NULL) STRICT;
CREATE VIEW history AS
    SELECT runs.run, key, seq, CASE verb WHEN 0 THEN 'copy' WHEN 1 THEN 'delete'
            WHEN 2 THEN 'verify' WHEN 3 THEN 'update' WHEN 4 THEN 'thaw' ELSE 'mark' END AS verb,
        CASE fate WHEN 0 THEN 'started' WHEN 1 THEN 'done' WHEN 2 THEN 'skipped'
            WHEN 3 THEN 'failed' ELSE 'waiting' END AS fate,
        datetime(time, 'unixepoch') AS time, size, reason, source_etag, target_etag,
        target_version, hashes, cause, message
    FROM lines JOIN runs ON runs.number = lines.run;
"""


def open_writer(path: Path | str, *, vfs: str = "") -> apsw.Connection:
    """The one connection that writes; makes the tables in a new file."""
    _refuse_old_library()
    try:
        db = apsw.Connection(str(path), vfs=vfs or None)
        _set_up(db, path)
    except apsw.Error as error:
        raise trouble(path, error) from error
    return db


def open_reader(path: Path | str, *, vfs: str = "") -> apsw.Connection | None:
    """A connection that only reads and never holds up the writer; None = nothing is in it yet."""
    _refuse_old_library()
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs or None)
        db.set_busy_timeout(_WAIT_MILLISECONDS)
        is_new = _is_new(db, path)
    except apsw.Error as error:
        raise trouble(path, error) from error
    return None if is_new else db


def trouble(path: Path | str, error: apsw.Error) -> LedgerError:
    """What went wrong with the ledger, and what a person can do about it."""
    for kinds, said in _TROUBLES:
        if isinstance(error, kinds):
            is_damage = isinstance(error, apsw.CorruptError | apsw.NotADBError)
            return (LedgerDamaged if is_damage else LedgerError)(f"{path}: {said}")
    return LedgerError(f"{path}: the ledger does not work: {error}")


_TROUBLES: tuple[tuple[tuple[type[apsw.Error], ...], str], ...] = (
    (
        (apsw.FullError,),
        "its disk is full; make room and run again (nothing that was recorded is lost)",
    ),
    (
        (apsw.ReadOnlyError, apsw.PermissionsError),
        "it cannot be written: read-only file or disk; make it writable or choose another --state",
    ),
    (
        (apsw.CantOpenError,),
        "it cannot be opened; look at the folder's permissions or choose another --state",
    ),
    (
        (apsw.CorruptError, apsw.NotADBError),
        "it is damaged; move it away and run again (it is history: the stores are compared anew)",
    ),
    (
        (apsw.BusyError, apsw.LockedError),
        "another program keeps it locked; end that program and run again",
    ),
    (
        (apsw.IOError,),
        "its disk fails; look at the system log, or choose another --state",
    ),
)


def _set_up(db: apsw.Connection, path: Path | str) -> None:
    db.set_busy_timeout(_WAIT_MILLISECONDS)
    is_new = _is_new(db, path)
    db.execute("PRAGMA mmap_size=0; PRAGMA cache_size=-8000; PRAGMA journal_size_limit=67108864")
    if path != MEMORY:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
    if is_new:
        db.execute(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id={APPLICATION};"
            f"PRAGMA user_version={VERSION}; COMMIT"
        )


def _is_new(db: apsw.Connection, path: Path | str) -> bool:
    application, version = db.pragma("application_id"), db.pragma("user_version")
    if application == 0 and not db.execute("SELECT count(*) FROM sqlite_schema").get:
        return True
    if application != APPLICATION:
        raise LedgerError(f"{path}: this is no ledger of bucketline; move it away")
    if not isinstance(version, int) or version > VERSION:
        raise LedgerError(
            f"{path}: written by a newer bucketline (format {version}, this one knows {VERSION});"
            " update this one or choose another --state"
        )
    if version < VERSION:
        raise LedgerError(
            f"{path}: written by an older bucketline (format {version}, this one writes {VERSION});"
            " move it away and run again (it is history: the stores are compared anew)"
        )
    return False


def _refuse_old_library() -> None:
    if apsw.SQLITE_VERSION_NUMBER < _SQLITE_MIN:
        raise LedgerError(
            f"SQLite {apsw.sqlite_lib_version()} can damage a ledger; install apsw >= 3.54"
        )
