"""What Spark's executors run: steps of a run, with stores opened here and keys found here.

A secret never comes with the work: an executor finds its own, by the remote's name in its own
configuration, in its own environment, or by the profile of its own AWS files.
"""

from __future__ import annotations

import gc
import io
import os
import socket
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple
from zipimport import zipimporter

from bucketline import __version__
from bucketline.cli.endpoints import Endpoints
from bucketline.cli.hand import fit, never
from bucketline.cli.hands import Errand, Told, packed, unpacked
from bucketline.cli.invocation import Invocation
from bucketline.cli.places import Share, open_for_moves
from bucketline.clock import SystemClock
from bucketline.engines.transfer import Transfer
from bucketline.errors import BadCredentials, BucketlineError, UsageError
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.move.proof import MEMORY
from bucketline.flow.run.terms import Stop
from bucketline.model import Action
from bucketline.settings import Location

_WIDTH = 32  # Objects at once, of each core.
_STEP_SECONDS = 1.0


@dataclass(frozen=True)
class Sealed:
    """An errand that holds no secret: which sides had keys is told, and not which keys."""

    errand: Errand
    version: str
    config_file: str  # "" = the one that the executor's host has.
    keyed: frozenset[str]
    slots: int  # A limit of bytes is shared among so many.


class Job(NamedTuple):
    """A partition."""

    sealed: bytes  # The same bytes for all of a run: what was opened for them is used again.
    steps: list[Action]


class Reply(NamedTuple):
    """What became of it, and who did it."""

    worker: str
    told: Told | None
    error: BucketlineError | None


def sealed(errand: Errand, config_file: str, slots: int) -> bytes:
    """The errand for executors; raises `UsageError` for a secret that they could not find."""
    keyed = set()
    for side in ("source", "target"):
        remote = getattr(errand, side).remote
        if remote is not None and (remote.keys is not None or remote.customer_key is not None):
            keyed.add(side)
    without = replace(
        errand, source=_without_secrets(errand.source), target=_without_secrets(errand.target)
    )
    return packed(Sealed(without, __version__, config_file, frozenset(keyed), slots))


def perform(job: bytes) -> bytes:
    """Runs in an executor, some hundred steps at a time."""
    given: Job = unpacked(io.BufferedReader(io.BytesIO(job)))
    name = f"{socket.gethostname()}:{os.getpid()}"
    try:
        return packed(Reply(name, _opened(given.sealed).work(given.steps), None))
    except BucketlineError as error:
        return packed(Reply(name, None, error))
    finally:
        _spare_next_task()


def _spare_next_task() -> None:
    """Before each task Spark's worker has every importer forget what it knows, and one of a zip
    reads all of its directory again at once: a tenth of a second for each task.
    """
    known = sys.path_importer_cache
    for path in [path for path, finder in known.items() if isinstance(finder, zipimporter)]:
        del known[path]  # It is made anew when it is wanted, from what zipimport remembers.


class _Bench:
    """One run, as one executor's process sees it."""

    def __init__(self, sealed: Sealed) -> None:
        errand, clock = sealed.errand, SystemClock()
        around = Invocation(config_file=sealed.config_file, state=str(errand.state_folder))
        source, target = (
            with_own_keys(getattr(errand, side), around)
            if side in sealed.keyed
            else getattr(errand, side)
            for side in ("source", "target")
        )
        hashes = Hashes.of(errand.state_folder, clock)
        share = Share(sealed.slots)
        here, there = open_for_moves(source, target, hashes, errand.rates, share)
        if errand.is_told:
            here = replace(here, told=never)
        sides = {"source": here.store, "target": there.store}
        self._endpoints = Endpoints.of(around, clock, Stop(), **sides)
        self._drive = open_drive()
        self._engine = Transfer(here, there, errand.policy, self._drive, lambda _: {})

    def work(self, steps: Sequence[Action]) -> Told:
        waiting = deque(enumerate(steps))
        weights: dict[int, int] = {}
        ends: list[tuple[int, Any, Exception | None]] = []
        while waiting or weights:
            while waiting and len(weights) < _WIDTH:
                number, action = waiting[0]
                weight = self._engine.weight(action)
                if weights and sum(weights.values()) + weight > MEMORY:
                    break
                waiting.popleft()
                weights[number] = weight
                self._drive.start(self._engine.perform(action), number)
            for ended in self._drive.step(_STEP_SECONDS):
                del weights[ended.tag]
                ends.append(fit(ended))
        return Told(ends, self._drive.requests, self._endpoints.counts())


@lru_cache(maxsize=1)
def _opened(packed_errand: bytes) -> _Bench:
    """Connections stay open from one partition to the next."""
    found: Sealed = unpacked(io.BufferedReader(io.BytesIO(packed_errand)))
    if found.version != __version__:
        raise UsageError(
            f"{socket.gethostname()}: has bucketline {__version__}, and the driver"
            f" {found.version}; install the same on every machine"
        )
    bench = _Bench(found)
    gc.freeze()  # Spark's worker collects garbage after each task, and this is none.
    return bench


def with_own_keys(location: Location, around: Invocation) -> Location:
    """The location with the keys that this machine has for it."""
    remote = location.remote
    assert remote is not None
    remotes = around.config.remotes
    own = remotes.get(remote.name)
    if own is not None and (own.keys is not None or own.customer_key is not None):
        found = replace(
            remote,
            keys=own.keys or around.environment.keys,
            keys_again=own.keys_again,
            customer_key=own.customer_key,
        )
    else:
        found = replace(remote, keys=around.environment.keys)
    if found.keys is None and not found.profile:
        raise BadCredentials(
            f"{socket.gethostname()}: this executor has no keys for {remote.name}; they come from"
            " its own environment, configuration or AWS files, never with the work"
        )
    return replace(location, remote=found)


def _without_secrets(location: Location) -> Location:
    remote = location.remote
    if remote is None:
        return location
    if remote.customer_key is not None and remote.name == "s3":
        raise UsageError(
            "--sse-c-key stays on this machine; with --engine spark write it as sse_c_key: of a"
            " remote, in the configuration that every executor has"
        )
    proxy = remote.proxy
    if "@" in proxy:
        raise UsageError("the proxy's URL holds a password, which does not travel; name it without")
    return replace(location, remote=replace(remote, keys=None, keys_again=None, customer_key=None))
