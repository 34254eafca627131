"""What was done of a plan, line by line: an intent is on the disk before its deed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from bucketline.durable import sync_folder
from bucketline.errors import DiskError, Refused

INTENT, DONE, SKIPPED, FAILED, CANARY = "intent", "done", "skipped", "failed", "canary"
UNDELETE, UNDELETED = "undelete", "undeleted"
Line = Mapping[str, Any]


class Deeds:
    """One file, one writer."""

    def __init__(self, file: FileIO, lines: list[Line]) -> None:
        self._file = file
        self.lines: list[Line] = []
        self.fates: dict[str, str] = {}  # Main chunk -> its last event.
        # Main chunk -> its first intent: later ones may follow a half of the deed.
        self.intents: dict[str, Line] = {}
        self.kept: dict[str, Line] = {}  # Main chunk -> where its copy is.
        self._learn(lines)

    def write(self, lines: Iterable[Line]) -> None:
        """Back only when they are on the disk."""
        new = list(lines)
        data = memoryview(b"".join(json.dumps(line).encode() + b"\n" for line in new))
        try:
            while data:
                data = data[self._file.write(data) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise DiskError(f"{self._file.name}: cannot be written ({error.strerror})") from None
        self._learn(new)

    def _learn(self, lines: list[Line]) -> None:
        self.lines += lines
        for line in lines:
            if "main" in line:
                self.fates[line["main"]] = line["event"]
            if line["event"] == INTENT:
                self.intents.setdefault(line["main"], line)
                if "kept" in line:
                    self.kept[line["main"]] = line["kept"]


@contextmanager
def opened(path: Path) -> Iterator[Deeds]:
    """A second program is refused; a line that a crash cut short is dropped: its deed was not."""
    with _file(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"{path}: another program carries this plan out") from None
        file.seek(0)
        whole, _, torn = file.read().rpartition(b"\n")
        if torn:
            file.truncate(len(whole) + 1 if whole else 0)
        try:
            lines = [json.loads(line) for line in whole.splitlines()]
        except ValueError:
            raise DiskError(f"{path}: is damaged; nothing more is done of this plan") from None
        sync_folder(path.parent)
        yield Deeds(file, lines)


def _file(path: Path) -> FileIO:
    """Without a buffer: what a full disk did not take would be tried again when it is closed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("ab+", buffering=0)
    except OSError as error:
        raise DiskError(f"{path}: cannot be opened ({error.strerror})") from None
