"""What each endpoint of a run's sides did: a row each, replaced every few seconds."""

from __future__ import annotations

from collections.abc import Iterable

from bucketline.flow.ledger.uploads import Commit
from bucketline.stores.beyond import EndpointCount


class Endpoints:
    """What of the ledger is about endpoints; each call is one transaction, durable on return."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit

    def count(self, run: str, counts: Iterable[tuple[str, EndpointCount]]) -> None:
        """How a run's endpoints stand by now; a side and a count each."""
        self._commit([(_PUT, [(side, *count, run) for side, count in counts])])


_PUT = """INSERT OR REPLACE INTO endpoints
    SELECT number, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM runs WHERE run=?9"""
