"""Which runs still owe a log: told before the first is written, struck off after the last."""

from __future__ import annotations

from collections.abc import Sequence

from bucketline.flow.ledger.uploads import Commit, Select


class Logs:
    """What of the ledger is about logs; each call is one transaction, durable on return."""

    def __init__(self, commit: Commit, select: Select) -> None:
        self._commit = commit
        self._select = select

    def owe(self, run: str, place: str) -> None:
        """This run's log is to be kept at `place`; until `settle`, what stands there may lie."""
        self._commit([(_OWE, [(place, run)])])

    def settle(self, runs: Sequence[str]) -> None:
        """The logs of these runs say how they ended."""
        self._commit([(_SETTLE, [(run,) for run in runs])])

    def owed(self, place: str) -> list[str]:
        """The runs whose log at `place` was never finished, the oldest first."""
        return [run for (run,) in self._select(_OWED, (place,))]


_OWE = "INSERT OR REPLACE INTO logs SELECT number, ? FROM runs WHERE run=?"
_SETTLE = "DELETE FROM logs WHERE run IN (SELECT number FROM runs WHERE run=?)"
_OWED = "SELECT runs.run FROM logs JOIN runs ON runs.number=logs.run WHERE place=? ORDER BY number"
