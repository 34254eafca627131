"""Changes to a folder that are made durable together, so that a flush of the disk serves many."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Protocol

from bucketline.errors import StoreError
from bucketline.stores.local.folders import Folder
from bucketline.stores.local.system import can_flush_all, flush_all

_MANY = 6  # From here on, one flush of the whole file system costs less than one for each file.
_SLOW_SECONDS = 0.5  # A flush that takes so long writes somebody else's data too.
_ROUNDS_WITHOUT = 100

Failure = OSError | StoreError


class Change(Protocol):
    """A name that appears, or vanishes."""

    error: StoreError | None
    folder: Folder | None  # Where it happens, once that is known.

    def prepare(self) -> int:
        """Make ready, beside what is there; the file to bring to the disk first, or -1."""

    def publish(self) -> Iterable[Folder]:
        """Change the name, at once; the folders that changed by it."""

    def confirm(self) -> None:
        """All of it is on the disk: see that it is what it should be."""

    def fail(self, failure: Failure) -> StoreError:
        """Leave nothing behind; keep the error by cause, and tell it."""


class Group:
    """Changes that wait to be made. Whoever comes first makes them all, the others wait for that.

    First all bytes reach the disk, then the names change, then the folders reach the disk: a power
    cut leaves under each name the old bytes or the new ones, and what was told to be there is.
    """

    def __init__(self) -> None:
        self._flush = Flush()
        self._waiting: deque[Change] = deque()
        self._lock = Lock()

    def join(self, change: Change) -> None:
        """Let `change` be made with the next ones; a `settle` must follow."""
        self._waiting.append(change)

    def settle(self, change: Change) -> None:
        """Return when `change` is made and durable; raises by cause."""
        with self._lock:
            changes = []
            while self._waiting:
                changes.append(self._waiting.popleft())
            if changes:
                self._make(changes)
        if change.error is not None:
            raise change.error

    def _make(self, changes: list[Change]) -> None:
        files: dict[int, list[int]] = {}
        of_file: dict[int, Change] = {}
        for change in changes:
            try:
                file = change.prepare()
            except (OSError, StoreError) as failure:
                change.fail(failure)
                continue
            if file >= 0 and change.folder is not None:
                files.setdefault(change.folder.device, []).append(file)
                of_file[file] = change
        for file, error in self._flush(files, os.fdatasync).items():
            of_file[file].fail(error)
        self._publish([change for change in changes if change.error is None])

    def _publish(self, changes: list[Change]) -> None:
        folders: dict[Folder, list[Change]] = {}
        for change in changes:
            try:
                for folder in change.publish():
                    folders.setdefault(folder, []).append(change)
            except (OSError, StoreError) as failure:
                change.fail(failure)
        files: dict[int, list[int]] = {}
        for folder in folders:
            files.setdefault(folder.device, []).append(folder.fd)
        failed = self._flush(files, os.fsync)
        for folder, theirs in folders.items():
            if folder.fd in failed:
                for change in theirs:
                    change.fail(failed[folder.fd])
        for change in changes:
            if change.error is None:
                try:
                    change.confirm()
                except (OSError, StoreError) as failure:
                    change.fail(failure)


class Flush:
    """Makes files durable: few by a flush of each, many by one of their whole file system."""

    def __init__(self) -> None:
        self._can_flush_all = can_flush_all()
        self._rounds_without = 0

    def __call__(
        self, files: dict[int, list[int]], flush_one: Callable[[int], None]
    ) -> dict[int, OSError]:
        """`files` are by device; the answer holds those that could not be flushed."""
        failed: dict[int, OSError] = {}
        self._rounds_without -= 1
        for together in files.values():
            if len(together) >= _MANY and self._flush_all(together[0]):
                continue
            for file in together:
                try:
                    flush_one(file)
                except OSError as error:
                    failed[file] = error
        return failed

    def _flush_all(self, file: int) -> bool:
        """Whether that was done; what fails in it, each file tells better."""
        if not self._can_flush_all or self._rounds_without > 0:
            return False
        begun = time.monotonic()
        try:
            flush_all(file)
        except OSError:
            return False
        if time.monotonic() - begun > _SLOW_SECONDS:
            self._rounds_without = _ROUNDS_WITHOUT
        return True
