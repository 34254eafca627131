"""Jobs of the configuration, started as processes of their own: they outlive the service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any
from urllib.parse import quote
from weakref import WeakValueDictionary

from anyio.to_thread import run_sync

from bucketline.config import Job
from bucketline.durable import replace_file
from bucketline.errors import DiskError, Refused, UsageError
from bucketline.service.configured import Configured
from bucketline.service.reader import Reader

_STATE_FIELD, _STARTED_FIELD = 0, 19  # Of /proc/PID/stat, behind the name in parentheses.


class Jobs:
    """The file is read for each question. What runs is told by processes, never from memory."""

    def __init__(self, configured: Configured, reader: Reader, home: Path) -> None:
        self._configured = configured
        self._reader = reader
        self._home = home / "jobs"
        self._ours: list[subprocess.Popen[bytes]] = []
        self._lock = Lock()  # Two orders at once would both see that nothing runs.
        # Gone with who listens, also with one who hung up before the first line.
        self._planning: WeakValueDictionary[str, subprocess.Popen[bytes]] = WeakValueDictionary()

    def all(self) -> list[dict[str, Any]]:
        """Each with its last run."""
        last: dict[str, dict[str, Any]] = {}
        for row in self._reader.runs():  # The newest first.
            last.setdefault(row.name, row.as_told())
        return [
            self._told(name, job, last.get(name)) for name, job in self._configured.jobs().items()
        ]

    def start(self, name: str) -> dict[str, Any]:
        """Raises `UsageError` for what is no job, `Refused` for one that runs."""
        with self._lock:
            return self._start(name)

    def _start(self, name: str) -> dict[str, Any]:
        job = self._job(name)
        last = next((row for row in self._reader.runs() if row.name == name), None)
        if self._pid(name) or (last is not None and last.state == "running"):
            raise Refused(f"{name}: runs already")
        words = self._words(name, job)
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = os.open(self._file(name, "log"), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with os.fdopen(log, "wb") as out:
                process = subprocess.Popen(  # noqa: S603  Words, and no shell.
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,  # What ends the service ends no job.
                )
        except OSError as error:
            raise DiskError(f"{self._home}: the job cannot be started ({error})") from None
        self._note(name, process)
        return {"job": name, "pid": process.pid}

    def _note(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """By this another service finds it; what cannot be found again must not run."""
        told = {"pid": process.pid, "started": _started(process.pid)}
        try:
            replace_file(self._file(name, "json"), json.dumps(told))
        except DiskError:
            process.kill()
            process.wait()
            raise
        self._ours.append(process)

    def stop(self, name: str) -> dict[str, Any]:
        """As TERM does: what is under way is finished, and recorded."""
        self._job(name)
        pid = self._pid(name)
        if not pid:
            raise Refused(f"{name}: was not started here, or does not run; end it where it was")
        os.kill(pid, signal.SIGTERM)
        return {"job": name, "pid": pid}

    def plan(self, name: str) -> AsyncIterator[bytes]:
        """What it would do, line by line, by a process that ends when nobody listens any more.

        Raises `Refused` while somebody else has it planned: each plan lists both places.
        """
        job = self._job(name)
        if job.relay:
            raise Refused(f"{name}: a relay is not planned; it goes on as long as it runs")
        words = self._words(name, job, "--dry-run", "--json")
        if name in self._planning:
            raise Refused(f"{name}: is being planned already; wait for that plan")
        complaints = TemporaryFile()  # noqa: SIM115  As long as who listens.
        process = subprocess.Popen(  # noqa: S603  Words, and no shell.
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
        )
        self._planning[name] = process
        return _said_by(process, complaints)

    def _told(self, name: str, job: Job, last: dict[str, Any] | None) -> dict[str, Any]:
        is_running = bool(self._pid(name)) or (last or {}).get("state") == "running"
        told: dict[str, Any] = {"job": name, "kind": "relay" if job.relay else "sync"}
        told |= {"source": job.source, "target": job.target, "running": is_running}
        return told | {"last": last, "output": self._tail(name)}

    def _words(self, name: str, job: Job, *more: str) -> list[str]:
        verb = ("relay", "run") if job.relay else ("sync",)
        own = ("--config", str(self._configured.path), "--state", str(self._reader.state))
        said = ("--progress", "plain", *verb, "--name", name, *more)
        return [sys.executable, "-m", "bucketline", *own, *said]

    def _job(self, name: str) -> Job:
        job = self._configured.jobs().get(name)
        if job is None:
            raise UsageError(f"no job {name!r} in {self._configured.path}")
        return job

    def _pid(self, name: str) -> int:
        """Of the process that was started here and still runs; 0 = there is none."""
        self._ours = [process for process in self._ours if process.poll() is None]
        try:
            told = json.loads(self._file(name, "json").read_text())
            pid, started = int(told["pid"]), int(told["started"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return 0
        return pid if started and _started(pid) == started else 0

    def _tail(self, name: str) -> list[str]:
        """The last lines that it said."""
        try:
            with self._file(name, "log").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 4_096))
                return log.read().decode(errors="replace").splitlines()[-10:]
        except OSError:
            return []

    def _file(self, name: str, kind: str) -> Path:
        return self._home / f"{quote(name, safe='')}.{kind}"


async def _said_by(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> AsyncIterator[bytes]:
    """Its lines; the last one says why, when it did not end well.

    Who hangs up while a place answers nothing is not waited for: the thread that reads is left
    behind, and the end of the process ends it.
    """
    try:
        assert process.stdout is not None
        while line := await run_sync(process.stdout.readline, abandon_on_cancel=True):
            yield line
        if await run_sync(process.wait, abandon_on_cancel=True):
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            message = said[-1] if said else f"it ended with {process.returncode}"
            yield json.dumps({"event": "error", "message": message}).encode() + b"\n"
    finally:
        process.kill()  # It changes nothing, so nothing is cut off.
        process.wait()
        complaints.close()


def _started(pid: int) -> int:
    """When, in ticks since the machine began: with the number, it names a process; 0 = none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = told.rpartition(")")[2].split()
    return 0 if fields[_STATE_FIELD] in ("Z", "X") else int(fields[_STARTED_FIELD])
