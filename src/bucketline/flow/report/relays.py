"""Relays, as their ledgers and volumes tell: both hops, what is staged, what holds it up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bucketline.errors import DiskError, LedgerError
from bucketline.flow.ledger import job_path
from bucketline.flow.ledger.place import SUFFIX, is_locked
from bucketline.flow.report.runs import RunRow, runs_of, troubles
from bucketline.stores.spool import volumes_used
from bucketline.stores.spool.survey import Survey, survey

HOPS = ("fetch", "forward")
_LEDGERS = (*HOPS, "clear")


def relay_ledgers(state_folder: Path, identity: Sequence[str]) -> list[Path]:
    """The ledgers of a relay: of fetch, of forward, and of the phase that clears the source."""
    source, target, name = identity
    return [job_path(state_folder, f"relay-{hop}", source, target, name) for hop in _LEDGERS]


def relay_digest(identity: Sequence[str]) -> str:
    """The name of a relay's folder on each volume."""
    return sha256(json.dumps(list(identity)).encode()).hexdigest()[:16]


def volume_memory(fetch_ledger: Path) -> Path:
    """Where it is remembered which volume was in which folder."""
    return fetch_ledger.with_suffix(".volumes")


@dataclass(frozen=True, slots=True)
class RelayRow:
    """One relay, now."""

    identity: tuple[str, str, str]  # Source, target, name.
    is_running: bool
    fetch: RunRow | None  # The last run of each hop.
    forward: RunRow | None
    volumes: tuple[Survey, ...]
    error: str  # The last thing that went wrong in either; "" = nothing in their last runs.

    @property
    def staged(self) -> int:
        return sum(one.objects for one in self.volumes)

    @property
    def staged_bytes(self) -> int:
        return sum(one.bytes for one in self.volumes)

    @property
    def oldest(self) -> float:
        """Since when the oldest staged object waits; 0 = there is none."""
        return min((one.oldest for one in self.volumes if one.oldest), default=0.0)

    def rate(self, hop: str, now: float) -> float:
        """Bytes a second of its last run, on average."""
        row = self.fetch if hop == "fetch" else self.forward
        if row is None:
            return 0.0
        return row.tally.bytes_done / max(0.001, (row.ended or now) - row.started)

    def seconds_left(self, now: float) -> float | None:
        """Until what is staged has been sent; None = there is nothing to tell it by."""
        rate = self.rate("forward", now) if self.is_running else 0.0
        return self.staged_bytes / rate if rate else None

    def as_json(self, now: float) -> dict[str, Any]:
        """As `relay status --json` prints it; names only grow."""
        left = self.seconds_left(now)
        return {
            **dict(zip(("source", "target", "name"), self.identity, strict=True)),
            "running": self.is_running,
            **{hop: self._hop(hop, now) for hop in HOPS},
            "staged": {
                "objects": self.staged,
                "bytes": self.staged_bytes,
                "oldest": self.oldest or None,
                "seconds_left": None if left is None else round(left, 1),
            },
            "volumes": [one._asdict() for one in self.volumes],
            "error": self.error,
        }

    def _hop(self, hop: str, now: float) -> dict[str, Any] | None:
        row = self.fetch if hop == "fetch" else self.forward
        if row is None:
            return None
        return {**row.as_json(), "bytes_per_second": round(self.rate(hop, now))}


def relays(state_folder: Path) -> tuple[list[RelayRow], list[LedgerError]]:
    """Every relay of this state folder, and why some cannot be told of."""
    found: list[RelayRow] = []
    unreadable: list[LedgerError] = []
    for ledger in sorted(state_folder.glob(f"relay-fetch-*{SUFFIX}")):
        try:
            rows = runs_of(ledger)
            if rows:
                found.append(_relay(state_folder, ledger, rows[-1]))
        except LedgerError as error:
            unreadable.append(error)
    return found, unreadable


def _relay(state_folder: Path, ledger: Path, fetch: RunRow) -> RelayRow:
    identity = (fetch.source, fetch.target, fetch.name)
    forwards = relay_ledgers(state_folder, identity)[1]
    sent = next(reversed(runs_of(forwards)), None)
    job = relay_digest(identity)
    trouble, used = "", {}
    try:
        used = volumes_used(volume_memory(ledger))
    except DiskError as error:
        trouble = str(error)
    return RelayRow(
        identity,
        is_locked(ledger),
        fetch,
        sent,
        tuple(survey(folder, name, job) for folder, name in used.items()),
        trouble or _last_error((sent, fetch)),
    )


def _last_error(rows: Sequence[RunRow | None]) -> str:
    for row in rows:
        if row is None:
            continue
        if row.message:
            return row.message
        for trouble in troubles(row):
            return f"{trouble.count:,} {trouble.fate}: {trouble.cause}: {trouble.message}"
    return ""
