"""Other processes that perform steps of a run: started here, and told over a socket of their own.

What crosses it are values of ours, pickled: nobody else holds the other end.
"""

from __future__ import annotations

import io
import pickle
import socket
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bucketline.engines.transfer import TransferPolicy
from bucketline.flow.drive import Ended
from bucketline.flow.report.endpoints import Counts
from bucketline.flow.run.terms import Stop
from bucketline.model import Action, Outcome
from bucketline.settings import Location
from bucketline.timetable import Timetable

_HEAD_BYTES = 4
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Errand:
    """What a hand must know before its first step."""

    source: Location
    target: Location
    policy: TransferPolicy
    rates: Timetable | None
    state_folder: Path
    is_told: bool  # The source's entries come from an inventory.


class Given(NamedTuple):
    """Steps to perform."""

    share: int  # Among so many processes the limit of bytes is shared.
    drains: bool  # Nobody should wait for an endpoint that is away.
    steps: list[tuple[int, Action]]


class Told(NamedTuple):
    """Steps that ended, and what all of them cost so far."""

    ends: list[tuple[int, Outcome | None, Exception | None]]
    requests: Counter[str]
    endpoints: Counts


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, MappingProxyType):
            return MappingProxyType, (dict(value),)
        return NotImplemented


def packed(value: object) -> bytes:
    """As it crosses, with its length before it."""
    buffer = io.BytesIO(bytes(_HEAD_BYTES))
    buffer.seek(_HEAD_BYTES)
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    body = buffer.getbuffer()
    body[:_HEAD_BYTES] = (len(body) - _HEAD_BYTES).to_bytes(_HEAD_BYTES)
    return bytes(body)


def unpacked(stream: io.BufferedReader) -> Any:
    """The next value; raises EOFError when the other end is gone."""
    head = stream.read(_HEAD_BYTES)
    body = stream.read(int.from_bytes(head)) if len(head) == _HEAD_BYTES else b""
    if not body:
        raise EOFError
    return pickle.loads(body)  # noqa: S301 - nobody else holds the other end


class Hand:
    """One other process. It ends when its socket does, so it outlives nobody."""

    def __init__(
        self,
        errand: Errand,
        wake: Callable[[], None],
        tell: Callable[[Hand, Told], None],
        stop: Stop,
    ) -> None:
        here, there = socket.socketpair()
        self._wake = wake
        self._tell = tell
        self._stop = stop
        self._drains = False
        self._socket = here
        self._given: dict[int, Action] = {}
        self._number = 0
        self._outbox: list[tuple[int, Action]] = []
        self._told: deque[Told] = deque()
        self.is_gone = False
        words = [sys.executable, "-m", "bucketline.cli.hand", str(there.fileno())]
        # A session of its own: an interrupt of the terminal is meant for us alone.
        self._child = subprocess.Popen(  # noqa: S603 - our own program
            words, stdin=subprocess.DEVNULL, pass_fds=[there.fileno()], start_new_session=True
        )
        there.close()
        self._send(packed(errand))
        self._listener = threading.Thread(target=self._listen, name="bucketline-hand", daemon=True)
        self._listener.start()

    @property
    def busy(self) -> int:
        return len(self._given)

    def give(self, action: Action) -> None:
        self._number += 1
        self._given[self._number] = action
        self._outbox.append((self._number, action))

    def flush(self, share: int) -> None:
        drains = self._stop.drain
        if self._outbox or drains != self._drains:
            steps, self._outbox = self._outbox, []
            self._drains = drains
            self._send(packed(Given(share, drains, steps)))

    def taken(self) -> list[Ended]:
        ended: list[Ended] = []
        while self._told:
            told = self._told.popleft()
            self._tell(self, told)
            for number, outcome, error in told.ends:
                ended.append(Ended(self._given.pop(number), outcome, error))
        return ended

    def left(self) -> list[Action]:
        return list(self._given.values())

    def close(self) -> None:
        self._child.kill()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._child.wait()
        self._listener.join()
        self._socket.close()

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # It is gone: the listener will notice.
            self._socket.sendall(message)

    def _listen(self) -> None:
        try:
            with self._socket.makefile("rb") as stream:
                while True:
                    self._told.append(unpacked(stream))
                    self._wake()
        except (EOFError, OSError):
            self.is_gone = True
            self._wake()
