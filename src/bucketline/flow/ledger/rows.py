"""What the ledger writes: the words of the program as rows of its tables."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bucketline import __version__
from bucketline.flow.ledger.audit import GONE, UPSERT
from bucketline.flow.ledger.schema import FATES, PASSED_OVER, VERB_OF
from bucketline.model import Action, Delete, Fate, Mark, Outcome, Tally, Thaw, Update

_STARTED, _DONE = FATES[Fate.STARTED], FATES[Fate.DONE]
INTENT = (
    "INSERT INTO lines(run, key, seq, verb, fate, time, size, reason, source_etag, target_etag)"
    f" VALUES(?,?,?,?,{_STARTED},?,?,?,?,?)"
)
FATE = (
    "INSERT INTO lines(run, key, seq, verb, fate, time, size, proof, source_etag, target_etag,"
    " target_version, hashes, cause, message) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
CURRENT = f"INSERT INTO current VALUES(?,?,?,?,?,?,?) {UPSERT}"
COUNT = (
    "INSERT INTO counters VALUES(?,?,?,?) ON CONFLICT(run, fate) DO UPDATE SET"
    " count=count+excluded.count, bytes=bytes+excluded.bytes"
)

Row = tuple[Any, ...]


def user_here() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # A container's user need not have a name.
        return str(os.getuid())


class Known(NamedTuple):
    """The last proven copy of a key."""

    size: int
    source_etag: str
    target_etag: str


# Something was to happen to this key, and since then nothing was proven: it equals no entry.
IN_DOUBT = Known(-1, "", "")


@dataclass(frozen=True, slots=True)
class RunHead:
    """A run's first line: who does what, with which settings (a `Secret` in them stays one)."""

    run: str
    command: str
    source: str
    target: str
    name: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)
    host: str = field(default_factory=socket.gethostname)
    user: str = field(default_factory=user_here)
    version: str = __version__


def tally_of(counts: Mapping[int, tuple[int, int]]) -> Tally:
    """Counters, as the rest of the program speaks of them."""
    under_way, done, skipped, failed, waiting, passed = (
        counts.get(code, (0, 0)) for code in range(PASSED_OVER + 1)
    )
    return Tally(
        skipped=skipped[0] + passed[0],
        done=done[0],
        failed=failed[0],
        waiting=waiting[0],
        under_way=under_way[0],
        bytes_skipped=skipped[1] + passed[1],
        bytes_done=done[1],
    )


def intent_rows(intents: Sequence[Action], run: int, now: float, seq: int) -> list[Row]:
    return [
        (run, one.key, number, VERB_OF[type(one)], now, *one.intent)
        for number, one in enumerate(intents, seq)
    ]


def fate_rows(ends: Sequence[tuple[Action, Outcome]], run: int, now: float, seq: int) -> list[Row]:
    return [
        (
            *(run, action.key, number, VERB_OF[type(action)]),
            *(FATES[end.fate], now, end.size, end.proof.value, end.source_etag, end.target_etag),
            *(end.target_version, _hash_text(end.hashes), end.cause, end.message),
        )
        for number, (action, end) in enumerate(ends, seq)
    ]


def current_rows(ends: Sequence[tuple[Action, Outcome]], run: int) -> list[Row]:
    return [
        (action.key, run, VERB_OF[type(action)], FATES[end.fate], None, None, None)
        if end.fate is not Fate.DONE
        else (action.key, run, VERB_OF[Delete], _DONE, GONE, "", "")
        if isinstance(action, Delete)
        else (action.key, run, VERB_OF[type(action)], _DONE, *_proven(action, end))
        for action, end in ends
    ]


def _proven(action: Action, end: Outcome) -> tuple[int | None, str | None, str | None]:
    if isinstance(action, Update | Thaw | Mark):
        return None, None, end.target_etag or None
    return end.size, end.source_etag, end.target_etag


def counts_of(ends: Sequence[tuple[Action, Outcome]]) -> list[tuple[int, int, int]]:
    """How many ended in each way, and their bytes."""
    sizes: dict[Fate, list[int]] = {}
    for _, end in ends:
        sizes.setdefault(end.fate, []).append(end.size)
    return [(FATES[fate], len(some), sum(some)) for fate, some in sizes.items()]


def _hash_text(hashes: Mapping[str, str]) -> str | None:
    return " ".join([f"{name}={value}" for name, value in hashes.items()]) if hashes else None
