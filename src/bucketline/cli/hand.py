"""The program of a hand: performs what it is given, until its socket ends."""

from __future__ import annotations

import io
import os
import pickle
import signal
import socket
import sys
import threading
from collections import deque
from contextlib import closing
from dataclasses import replace
from typing import Any

from bucketline.cli.endpoints import Endpoints
from bucketline.cli.hands import Errand, Given, Told, packed, unpacked
from bucketline.cli.invocation import Invocation
from bucketline.cli.places import Share, open_for_moves
from bucketline.clock import SystemClock
from bucketline.engines.transfer import Transfer
from bucketline.flow.drive import Drive, Ended, open_drive
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.run.terms import Stop
from bucketline.model import Outcome

_STEP_SECONDS = 1.0


def main(descriptor: int) -> None:
    """Never returns while there is somebody to work for."""
    for number in (signal.SIGINT, signal.SIGTERM):  # Whoever gave the work decides.
        signal.signal(number, signal.SIG_IGN)
    here = socket.socket(fileno=descriptor)
    stream = here.makefile("rb")
    errand: Errand = unpacked(stream)
    with closing(open_drive()) as drive:
        _Hand(errand, drive, here).work(stream)


class _Hand:
    """One errand."""

    def __init__(self, errand: Errand, drive: Drive, here: socket.socket) -> None:
        self._drive = drive
        self._here = here
        self._inbox: deque[Given] = deque()
        self._share = Share()
        hashes = Hashes.of(errand.state_folder, SystemClock())
        source, target = open_for_moves(
            errand.source, errand.target, hashes, errand.rates, self._share
        )
        if errand.is_told:
            source = replace(source, told=never)
        self._stop = Stop()
        around = Invocation(state=str(errand.state_folder))
        sides = {"source": source.store, "target": target.store}
        self._endpoints = Endpoints.of(around, SystemClock(), self._stop, **sides)
        self._engine = Transfer(source, target, errand.policy, drive, lambda _: {})

    def work(self, stream: io.BufferedReader) -> None:
        threading.Thread(target=self._listen, args=(stream,), daemon=True).start()
        while True:
            while self._inbox:
                given = self._inbox.popleft()
                self._share.count, self._stop.drain = given.share, given.drains
                for number, action in given.steps:
                    self._drive.start(self._engine.perform(action), number)
            if ended := self._drive.step(_STEP_SECONDS):
                self._here.sendall(packed(self._told(ended)))

    def _told(self, ended: list[Ended]) -> Told:
        ends = [fit(one) for one in ended]
        return Told(ends, self._drive.requests, self._endpoints.counts())

    def _listen(self, stream: io.BufferedReader) -> None:
        try:
            while True:
                self._inbox.append(unpacked(stream))
                self._drive.wake()
        except (EOFError, OSError):  # Whoever gave the work is gone: so is the work.
            os._exit(0)


def fit(one: Ended) -> tuple[int, Outcome | None, Exception | None]:
    """What can cross: a stranger's exception may not."""
    error = one.error
    if error is not None:
        try:
            pickle.loads(packed(error)[4:])  # noqa: S301 - our own words, to see whether they fit
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
    return one.tag, one.value, error


def never(*_: Any) -> Any:
    raise AssertionError("a hand plans nothing")


if __name__ == "__main__":
    main(int(sys.argv[1]))
