"""The one process that owns a job's ledger: others hand it keys and are told their fates."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from io import RawIOBase
from multiprocessing.connection import Connection, Listener
from threading import Lock, Thread
from typing import Any

from bucketline.cli.wiring import identity, pace_of, places
from bucketline.clock import SystemClock
from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.cw import Woes
from bucketline.compat.s3backuprestore.work import ERRORS, TAG, Work
from bucketline.errors import BucketlineError
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Ledger, RunHead, job_path, new_run_id
from bucketline.flow.run.loop import run
from bucketline.flow.run.terms import Terms
from bucketline.model import Action, Fate, Outcome, Skip
from bucketline.settings import environment

NAME = "s3backuprestore"
READY = b"ready\n"


@dataclass(frozen=True)
class Order:
    """What an owner is told on its standard input, where nobody else reads it."""

    kind: str
    config: Config
    address: str
    secret: bytes
    name: str = NAME  # Of the job: of several at once, each has a ledger of its own.


@dataclass
class Desk:
    """Who asked for which key. One that is under way already is not begun again."""

    asked: dict[str, list[Connection[Any, Any]]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def ask(self, key: str, client: Connection[Any, Any]) -> bool:
        """Whether it is new."""
        with self.lock:
            waiting = self.asked.setdefault(key, [])
            waiting.append(client)
            return len(waiting) == 1

    def tell(self, key: str, fate: str, message: str) -> None:
        with self.lock:
            waiting = self.asked.pop(key, [])
        for client in waiting:
            with suppress(OSError):  # It ended without waiting for that.
                client.send((key, fate, message))


@dataclass
class Telling:
    """The ledger, and then those who asked."""

    ledger: Ledger
    desk: Desk
    work: Work
    woes: Woes

    def record(
        self,
        intents: Sequence[Action],
        ends: Sequence[tuple[Action, Outcome]],
        skipped: Skip,
    ) -> None:
        self.ledger.record(intents, ends, skipped)
        for action, outcome in ends:
            self.desk.tell(action.key, outcome.fate.value, outcome.message)
            self.woes.failed += outcome.fate is Fate.FAILED
        self.woes.see(self.work.slow_downs)

    def end(self, state: str, message: str = "") -> None:
        self.ledger.end(state, message)
        self.woes.end(self.work.slow_downs)


def command_of(kind: str) -> str:
    """As its ledger is called."""
    return "tag" if kind == TAG else "sync"


def own(order: Order, stdin: RawIOBase) -> None:
    """From the first key to the last one: when our maker has ended, or says that it is enough."""
    config, clock = order.config, SystemClock()
    here, there = config.location(config.src_bucket), config.location(config.dst_bucket)
    command = command_of(order.kind)
    words = (identity(here), identity(there), order.name)
    path = job_path(environment().state_folder, command, *words)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    desk = Desk()
    with closing(open_drive()) as drive, Ledger.open(path) as ledger:
        work = Work(
            order.kind, config, drive, clock, lambda key: desk.tell(key, "skipped", "it is gone")
        )
        told = {"kind": order.kind, "places": places(here, there)}
        ledger.begin(RunHead(new_run_id(clock.now()), command, *words, configuration=told))
        listener = Listener(order.address, "AF_UNIX", authkey=order.secret)
        Thread(target=_let_in, args=(listener, desk, work), daemon=True).start()
        Thread(target=_await_end, args=(work, stdin), daemon=True).start()
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        try:
            telling = Telling(ledger, desk, work, Woes(config, ERRORS[order.kind]))
            run(work, telling, drive, Terms(clock, pace=pace_of(None)))
        except BucketlineError as error:
            for key in list(desk.asked):
                desk.tell(key, "stopped", str(error))
            raise


def _let_in(listener: Listener, desk: Desk, work: Work) -> None:
    while True:
        try:
            client = listener.accept()
        except (OSError, EOFError, pickle.UnpicklingError):
            continue
        Thread(target=_hear, args=(client, desk, work), daemon=True).start()


def _hear(client: Connection[Any, Any], desk: Desk, work: Work) -> None:
    with suppress(EOFError, OSError):
        while True:
            key = client.recv()
            if desk.ask(key, client):
                work.inbox.put(key)


def _await_end(work: Work, stdin: RawIOBase) -> None:
    """A byte, or the end, which does not come while what our maker has forked holds the pipe."""
    stdin.read(1)
    work.inbox.put(None)


def _exactly(size: int, stdin: RawIOBase) -> bytes:
    told = b""
    while len(told) < size and (some := stdin.read(size - len(told))):
        told += some
    return told


def main() -> None:
    """What our maker calls: the order comes on standard input. Nothing of that is read ahead, and
    no thread that waits there holds a lock when we end.
    """
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        size = int.from_bytes(_exactly(4, stdin), "big")
        order: Order = pickle.loads(_exactly(size, stdin))  # noqa: S301 - Our maker's own words.
        try:
            own(order, stdin)
        except BucketlineError as error:
            sys.stdout.buffer.write(f"{error}\n".encode())
            sys.exit(error.exit_code)
