"""Remembers the etags of files beside the ledger, so that a folder compares by content unread.

It is a cache: whatever it lost is hashed again, and a trouble with it never stops a run. A row is
a fact about one state of one file, told by device, inode, size and both of its times to the
nanosecond, and it is written whole: old rows, half of the rows or no rows are all true.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import apsw

from bucketline.clock import Clock
from bucketline.errors import BucketlineError
from bucketline.flow.ledger.place import prepare

FILE = "hashes.sqlite"
VERSION = 1
APPLICATION = 0x424B4C48  # "BKLH".
_DAY = 86_400
_FORGET_DAYS = 100  # A file that no listing saw for so long …
_SEEN_DAYS = 10  # … as far as that is noted: not at each listing.
_TOGETHER = 512  # Rows of one transaction.
_TOGETHER_MAX = 100_000  # Rows that wait, at most, for another process to let go of the file.
_LATEST_SECONDS = 3.0
_BUSY_MILLISECONDS = 200
_MASK = (1 << 63) - 1  # SQLite's integers have a sign; inodes may use all 64 bits.

_TABLES = """
CREATE TABLE hashes(
    dev INTEGER, ino INTEGER, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    changed INTEGER NOT NULL, etag TEXT NOT NULL, seen INTEGER NOT NULL,
    PRIMARY KEY(dev, ino)) STRICT, WITHOUT ROWID;
CREATE TABLE forgotten(day INTEGER NOT NULL) STRICT;
INSERT INTO forgotten VALUES(0);
"""
_PUT = "INSERT OR REPLACE INTO hashes VALUES(?,?,?,?,?,?,?)"
_SEEN = "UPDATE hashes SET seen=? WHERE dev=? AND ino=?"
_GET = """SELECT ino, size, modified, changed, etag, seen FROM hashes
    WHERE dev=? AND ino IN (SELECT value FROM json_each(?))"""


class _State(NamedTuple):
    """What is known of one file."""

    size: int
    modified: int
    changed: int
    etag: str


_Known = Mapping[tuple[int, int], _State]
_LAST_TRIES, _LAST_PAUSE_SECONDS = 20, 0.05
_Deed = Callable[[apsw.Connection], None]


class Hashes:
    """The hash memory of all folders; any number of processes and threads use it at once."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._db: apsw.Connection | None = None
        self._is_off = False  # It cannot be used, or no longer.
        self._lock = threading.Lock()
        self._pending: dict[tuple[int, int], _State] = {}
        self._seen: list[tuple[int, int]] = []
        self._due = clock.monotonic() + _LATEST_SECONDS

    @classmethod
    def of(cls, state_folder: Path, clock: Clock) -> Self:
        """The one in this folder; the file is made when there is something to remember."""
        return cls(state_folder / FILE, clock)

    def lookup(self, files: Sequence[os.stat_result]) -> list[str]:
        """The etag of each, or ""."""
        inodes: dict[int, list[int]] = {}
        for one in files:
            inodes.setdefault(one.st_dev & _MASK, []).append(one.st_ino & _MASK)
        known: dict[tuple[int, int], _State] = {}
        with self._lock:
            for device, some in inodes.items():
                known |= self._rows(device, some)
        known |= self._pending
        return [_etag(one, known) for one in files] if known else [""] * len(files)

    def remember(self, file: os.stat_result, etag: str) -> None:
        """Keep it; it is on the disk within seconds, or when `close` returns."""
        self._pending[file.st_dev & _MASK, file.st_ino & _MASK] = _State(
            file.st_size, file.st_mtime_ns & _MASK, file.st_ctime_ns & _MASK, etag
        )
        is_due = len(self._pending) >= _TOGETHER or self._clock.monotonic() >= self._due
        if is_due and self._lock.acquire(blocking=False):
            try:
                self._flush()
            finally:
                self._lock.release()

    def close(self) -> None:
        """Write down what waits, forget what nobody saw for long."""
        with self._lock:
            self._flush()
            for _ in range(_LAST_TRIES):  # Others may be making the file at this very moment.
                if not self._pending or self._is_off:
                    break
                self._clock.sleep(_LAST_PAUSE_SECONDS)
                self._flush()
            if self._db is not None:
                self._tried(self._forget)
                self._close()
            self._is_off = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, device: int, inodes: list[int]) -> dict[tuple[int, int], _State]:
        found: dict[tuple[int, int], _State] = {}
        oldest = self._today() - _SEEN_DAYS

        def read(db: apsw.Connection) -> None:
            for inode, *state, seen in db.execute(_GET, (device, json.dumps(inodes))):
                found[device, inode] = _State._make(state)
                if seen < oldest:
                    self._seen.append((device, inode))

        if self._is_open(make=False):
            self._tried(read)
        return found

    def _flush(self) -> None:
        self._due = self._clock.monotonic() + _LATEST_SECONDS
        pending, seen, today = dict(self._pending), self._seen, self._today()
        if not (pending or seen):
            return

        def write(db: apsw.Connection) -> None:
            with db:
                db.executemany(_SEEN, [(today, *file) for file in seen])
                db.executemany(_PUT, [(*file, *state, today) for file, state in pending.items()])

        if self._is_open(make=True) and not self._tried(write) and len(pending) < _TOGETHER_MAX:
            return  # Busy: they wait for the next time.
        self._seen = []
        for file, state in pending.items():
            if self._pending.get(file) is state:
                del self._pending[file]

    def _forget(self, db: apsw.Connection) -> None:
        today = self._today()
        if db.execute("SELECT day > ? FROM forgotten", (today - _SEEN_DAYS,)).get:
            return
        with db:
            db.execute("DELETE FROM hashes WHERE seen < ?", (today - _FORGET_DAYS,))
            db.execute("UPDATE forgotten SET day=?", (today,))

    def _tried(self, deed: _Deed) -> bool:
        """Whether it was done; trouble ends the use of the file, damage moves it aside."""
        assert self._db is not None
        try:
            deed(self._db)
        except (apsw.BusyError, apsw.LockedError):
            return False
        except (apsw.CorruptError, apsw.NotADBError):
            self._set_aside()
            return False
        except apsw.Error:
            self._close()
            self._is_off = True
            return False
        return True

    def _is_open(self, *, make: bool) -> bool:
        """Whether there is a file to work with, now."""
        if self._db is None and not self._is_off and (make or self._path.exists()):
            try:
                prepare(self._path)
                self._db = apsw.Connection(str(self._path))
            except (apsw.Error, BucketlineError, OSError):
                self._is_off = True
                return False
            if not self._tried(self._set_up):
                self._close()
        return self._db is not None

    def _set_up(self, db: apsw.Connection) -> None:
        db.set_busy_timeout(_BUSY_MILLISECONDS)
        db.execute("PRAGMA mmap_size=0; PRAGMA cache_size=-8000; PRAGMA journal_mode=WAL")
        # After a power cut the last rows may be gone, never torn.
        db.execute("PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=16777216")
        if not db.execute("SELECT count(*) FROM sqlite_schema").get:
            db.execute("BEGIN IMMEDIATE")
            if not db.execute("SELECT count(*) FROM sqlite_schema").get:
                ours = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION}"
                db.execute(f"{_TABLES} {ours}")
            db.execute("COMMIT")
        found = (db.pragma("application_id"), db.pragma("user_version"))
        if found != (APPLICATION, VERSION):  # Another program's, or a newer format: hands off.
            self._close()
            self._is_off = True

    def _set_aside(self) -> None:
        """Begin anew beside the damaged one, which stays for whoever wonders."""
        self._close()
        for suffix in ("-shm", "-wal", ""):
            with suppress(FileNotFoundError):
                try:
                    Path(f"{self._path}{suffix}").replace(f"{self._path}.damaged{suffix}")
                except PermissionError:
                    self._is_off = True

    def _close(self) -> None:
        if self._db is not None:
            with suppress(apsw.Error):
                self._db.close()
            self._db = None

    def _today(self) -> int:
        return int(self._clock.now()) // _DAY


def _etag(file: os.stat_result, known: _Known) -> str:
    state = known.get((file.st_dev & _MASK, file.st_ino & _MASK))
    if state is None:
        return ""
    modified, changed = file.st_mtime_ns & _MASK, file.st_ctime_ns & _MASK
    is_it = (file.st_size, modified, changed) == state[:3]
    return state.etag if is_it else ""
