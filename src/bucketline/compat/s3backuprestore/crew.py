"""What all the processes have in common: they eat a queue, so many keys at once, to its end."""

from __future__ import annotations

import atexit
import os
import pickle
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, count
from multiprocessing import Process
from multiprocessing.connection import Client, Connection
from pathlib import Path
from queue import Empty
from typing import Any, NamedTuple, Protocol

from bucketline.clock import SystemClock
from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.cw import Woes
from bucketline.compat.s3backuprestore.owner import NAME, READY, Order, command_of, main
from bucketline.errors import Refused, Remedy, StoreError
from bucketline.flow.drive import open_drive
from bucketline.stores.base import Flow

_STEP_SECONDS = 0.2
_PAUSE_SECONDS, _PAUSE_MAX_SECONDS = 1.0, 300.0  # Before what waits for an archive is looked at.
_END_SECONDS = 60.0
_ENOUGH = b"."


class Result(NamedTuple):
    """What became of a key."""

    key: str
    fate: str  # done, skipped, failed, waiting; stopped = nothing more can be done.
    message: str = ""
    passes: bool = False  # On to the next queue.


class Doer(Protocol):
    """Does it: here, or by the ledger's owner."""

    def start(self, key: str) -> None: ...
    def step(self) -> Iterable[Result]: ...


class Here:
    """Looks, and changes nothing: needs no ledger. The flow's answer is whether the key passes."""

    def __init__(self, flow_of: Callable[[str], Flow[bool]]) -> None:
        self._flow_of = flow_of
        self._drive = open_drive()

    def start(self, key: str) -> None:
        self._drive.start(self._flow_of(key), key)

    def step(self) -> Iterator[Result]:
        for ended in self._drive.step(_STEP_SECONDS):
            if ended.error is None:
                yield Result(ended.tag, "done", passes=ended.value)
            elif isinstance(ended.error, StoreError):
                stops = ended.error.remedy is Remedy.STOP
                yield Result(ended.tag, "stopped" if stops else "failed", str(ended.error))
            else:
                raise ended.error


class There:
    """The owner does it."""

    def __init__(self, address: str, secret: bytes) -> None:
        self._owner: Connection[Any, Any] = Client(address, "AF_UNIX", authkey=secret)

    def start(self, key: str) -> None:
        with suppress(OSError):  # That it has ended is seen when it is asked what it has done.
            self._owner.send(key)

    def step(self) -> Iterator[Result]:
        try:
            while self._owner.poll(_STEP_SECONDS):
                yield Result(*self._owner.recv())
                if not self._owner.poll(0):
                    return
        except (EOFError, OSError):
            yield Result("", "stopped", "whoever keeps the ledger has ended")


class Owner:
    """The process that owns a ledger, seen from the program that started it."""

    def __init__(self, kind: str, config: Config, name: str) -> None:
        self.job, self.name = job_of(kind, config), name
        self._folder = tempfile.mkdtemp(prefix="bucketline-")
        self.address = str(Path(self._folder, "owner"))
        self.secret = secrets.token_bytes(32)
        words = [sys.executable, "-c", f"from {main.__module__} import main; main()"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(  # noqa: S603 - Our own module.
            words, stdin=pipe, stdout=pipe, start_new_session=True
        )
        order = pickle.dumps(Order(kind, config, self.address, self.secret, name))
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(len(order).to_bytes(4, "big") + order)
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if said != READY:
            self.end()
            raise Refused(said.decode(errors="replace").strip() or "no ledger could be opened")

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Let it write down the end of its run."""
        assert self._process.stdin is not None
        with suppress(OSError):  # It has ended by itself.
            self._process.stdin.write(_ENOUGH)
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.terminate()
        shutil.rmtree(self._folder, ignore_errors=True)


def job_of(kind: str, config: Config) -> tuple[str, str, str]:
    """What has a ledger of its own."""
    return command_of(kind), config.src_bucket, config.dst_bucket


_owners: dict[tuple[int, str, str], Owner] = {}  # By our process, what is done, and how.


def owner_of(kind: str, config: Config) -> Owner:
    """The one of this job, for all processes that this program starts. A config that wants it done
    otherwise has one of its own, and its ledger another name.
    """
    here = os.getpid()
    how = (here, kind, pickle.dumps(config.of_copies()).hex())
    owner = _owners.get(how)
    if owner is None or not owner.is_there:
        job = job_of(kind, config)
        ours = [one for (pid, _, _), one in _owners.items() if pid == here and one.is_there]
        taken = {one.name for one in ours if one.job == job}
        names = chain([NAME], (f"{NAME}-{number}" for number in count(2)))
        owner = Owner(kind, config, next(name for name in names if name not in taken))
        _owners[how] = owner
    return owner


@atexit.register
def _end_owners() -> None:
    for (process, _, _), owner in _owners.items():
        if process == os.getpid():
            owner.end()


class Eater(Process):
    """A process. It ends when its queue is empty and all is done; exit code 1: something failed."""

    def __init__(self, config: Config, inbox: Any, thread_count: int) -> None:
        super().__init__()
        self.config = config
        self.thread_count = thread_count
        self._inbox = inbox

    errors_name = ""  # Of the number that tells how often it failed; "" = another tells it.

    def doer(self) -> Doer:
        """Who does it. Asked in the new process."""
        raise NotImplementedError

    def run(self) -> None:
        """In the new process."""
        self._doer = self.doer()
        self._woes = Woes(self.config, self.errors_name) if self.errors_name else None
        self._later: deque[tuple[float, str]] = deque()  # When to look again, and at what.
        self._clock, self._pause = SystemClock(), _PAUSE_SECONDS
        self._fates: Counter[str] = Counter()
        self._first = ""
        under_way = 0
        while True:
            while under_way < self.thread_count and (key := self._next()) is not None:
                self._doer.start(key)
                under_way += 1
            if not under_way and not self._later:
                break
            if not under_way:
                self._clock.sleep(_STEP_SECONDS)
                continue
            for result in self._doer.step():
                under_way -= 1
                self._take_in(result)
        if self._woes is not None:
            self._woes.end()
        failed = self._fates["failed"] + self._fates["waiting"]
        if failed:
            all_of_them = sum(self._fates.values())
            raise SystemExit(
                f"{type(self).__name__}: {failed:,} of {all_of_them:,} objects were not done;"
                f" the first: {self._first}"
            )

    def _next(self) -> str | None:
        if self._later and self._later[0][0] <= self._clock.monotonic():
            return self._later.popleft()[1]
        try:
            return str(self._inbox.get_nowait())
        except Empty:
            return None

    def _take_in(self, result: Result) -> None:
        if result.fate == "stopped":
            raise SystemExit(f"{type(self).__name__}: {result.message}")
        if result.fate == "waiting" and self.waits:
            self._later.append((self._clock.monotonic() + self._pause, result.key))
            self._pause = min(_PAUSE_MAX_SECONDS, self._pause * 1.1)
            return
        self._fates[result.fate] += 1
        if result.fate in ("failed", "waiting"):
            self._first = self._first or result.message
            if self._woes is not None:
                self._woes.failed += 1
                self._woes.see()
        if result.passes:
            self.passed(result.key)

    waits = False  # For what an archive holds, until it can be read.

    def passed(self, key: str) -> None:
        """A key goes on to the next queue."""


class Handing(Eater):
    """One that hands its keys to the owner of the ledger."""

    kind = ""

    def start(self) -> None:
        """Raises `Refused` when another program is at the same job."""
        owner = owner_of(self.kind, self.config)
        self._way = (owner.address, owner.secret)
        super().start()

    def doer(self) -> Doer:
        return There(*self._way)


def one_of(**said: Any) -> Any:
    """The value of the one name that was said: older programs call it otherwise."""
    given = [value for value in said.values() if value is not None]
    if len(given) != 1:
        raise TypeError(f"say {' or '.join(said)}")
    return given[0]
