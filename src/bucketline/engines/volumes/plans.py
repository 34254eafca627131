"""Where plans and their journals are: files of the state folder, one pair a plan."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bucketline.durable import replace_file, sync_folder
from bucketline.engines.volumes.plan import Plan, read_plan
from bucketline.errors import DiskError, Refused, UsageError, printable

_HASH = re.compile(r"[0-9a-f]{16}").fullmatch
INTENT, DONE = "intent", "done"


class Plans:
    """Those of one state folder."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "volumes"

    def save(self, plan: Plan) -> Path:
        """Keep it until it is wanted. Raises `DiskError`."""
        path = self._folder / f"{plan.hash}.json"
        replace_file(path, plan.text)
        return path

    def load(self, name: str) -> Plan:
        """The plan with this hash. Raises `UsageError`, `Refused`."""
        if not _HASH(name):
            said = "is no hash of a plan; `bucketline volumes plan` prints it"
            raise UsageError(f"--plan {printable(name)}: {said}")
        path = self._folder / f"{name}.json"
        try:
            return read_plan(path.read_text(), name)
        except FileNotFoundError:
            said = f"there is no such plan in {self._folder}; run `bucketline volumes plan` first"
            raise UsageError(f"--plan {name}: {said}") from None
        except OSError as error:
            raise DiskError(f"{path}: cannot be read ({error.strerror})") from None

    @contextmanager
    def journal(self, plan: Plan) -> Iterator[Journal]:
        """Its journal, for this process alone. Raises `Refused`."""
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                said = "another `bucketline volumes prepare`, or a tool that it started, is at work"
                raise Refused(f"{said}; wait for its end") from None
            # A tool that outlives us must not meet another one on the same disk.
            fcntl.fcntl(lock, fcntl.F_SETFD, 0)
            yield Journal(self._folder / f"{plan.hash}.journal")


class Journal:
    """What was begun and what was done of a plan: a line before each deed, and one after it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: set[tuple[str, str, str]] = set()
        with suppress(FileNotFoundError):
            for line in path.read_bytes().splitlines():
                with suppress(ValueError, KeyError, TypeError):  # The last line, of a power cut.
                    told = json.loads(line)
                    self._lines.add((told["volume"], told["step"], told["state"]))
        self._before = frozenset(self._lines)

    def had(self, volume: str, step: str, state: str) -> bool:
        """Whether an earlier process wrote it."""
        return (volume, step, state) in self._before

    def has(self, volume: str, step: str, state: str) -> bool:
        return (volume, step, state) in self._lines

    def write(self, volume: str, step: str, state: str) -> None:
        """Durable on return. Raises `DiskError`."""
        line = json.dumps({"v": 1, "volume": volume, "step": step, "state": state})
        try:
            with self._path.open("ab") as file:
                file.write(f"\n{line}".encode())  # Also behind a line that was cut off.
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._path.parent)
        except OSError as error:
            raise DiskError(f"{self._path}: cannot be written ({error.strerror})") from None
        self._lines.add((volume, step, state))
