"""How far a run sees, and what each endpoint of its sides did; written anew every few seconds."""

from __future__ import annotations

from collections.abc import Iterable

from bucketline.flow.ledger.uploads import Commit
from bucketline.stores.beyond import EndpointCount


class Endpoints:
    """What of the ledger is measured; each call is one transaction, durable on return."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit

    def count(self, run: str, counts: Iterable[tuple[str, EndpointCount]], found: int) -> None:
        """By now, in a run: what its endpoints did, a side each, and how many objects it found."""
        rows = [(side, *count, run) for side, count in counts]
        self._commit([(_PUT, rows), (_FOUND, [(found, run)])])


_FOUND = "INSERT OR REPLACE INTO found SELECT number, ?1 FROM runs WHERE run=?2"
_PUT = """INSERT OR REPLACE INTO endpoints
    SELECT number, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM runs WHERE run=?9"""
