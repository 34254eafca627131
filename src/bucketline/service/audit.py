"""The audit: a line for everybody who was refused, and for everything that is not only a look."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from bucketline.clock import Clock
from bucketline.errors import DiskError

# Whom nobody knows may write so many lines in so long, of so much each: no more than a disk bears.
_STRANGERS, _SECONDS = 30, 60.0
_PATH_MAX = 200


class Audit:
    """One file, opened for each line, so that it may be moved away at any time."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._refused: deque[float] = deque(maxlen=_STRANGERS)
        self._left_out = 0
        self._lock = Lock()

    def order(self, told: Mapping[str, Any]) -> None:
        """Raises `DiskError`: what cannot be written down is not carried out."""
        with self._lock:
            self._write(told)

    def ended(self, told: Mapping[str, Any]) -> None:
        """What became of an order: it is done, so that a full disk changes nothing any more."""
        with self._lock:
            self._try(told)

    def refused(self, told: Mapping[str, Any]) -> None:
        """The next line says how many were left out since the last one."""
        now = self._clock.monotonic()
        with self._lock:
            if len(self._refused) == _STRANGERS and now - self._refused[0] < _SECONDS:
                self._left_out += 1
                return
            self._refused.append(now)
            more = {"left_out": self._left_out} if self._left_out else {}
            if self._try({**told, **more}):
                self._left_out = 0

    def _try(self, told: Mapping[str, Any]) -> bool:
        try:
            self._write(told)
        except DiskError:
            return False
        return True

    def _write(self, told: Mapping[str, Any]) -> None:
        said = {"time": round(self._clock.now(), 3), **told, "path": told["path"][:_PATH_MAX]}
        line = (json.dumps(said) + "\n").encode()
        try:
            file = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
            try:
                _append(file, line)
            finally:
                os.close(file)
        except OSError as error:
            raise DiskError(f"{self._path}: cannot be written ({error.strerror})") from None


def _append(file: int, line: bytes) -> None:
    """A line that a full disk cut off earlier must not swallow this one."""
    size = os.fstat(file).st_size
    is_cut = size > 0 and os.pread(file, 1, size - 1) != b"\n"
    whole = b"\n" * is_cut + line
    if os.write(file, whole) != len(whole):
        raise OSError(0, "the disk is full")
