"""The ledger of the simulation: a list that keeps what was committed, and loses nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bucketline.flow.ledger import IN_DOUBT, Known, Ledger, RunHead
from bucketline.model import Action, Copy, Fate, Outcome, Skip


class Book:
    """`effect` is told of each commit before it happens: there the world may end."""

    def __init__(self, effect: Callable[[str], None], ledger: Ledger | None = None) -> None:
        self._effect = effect
        self._ledger = ledger  # The real one, which is told the same and must know the same.
        self._runs = 0
        self.last: dict[str, tuple[Action, Outcome | None]] = {}  # Of all runs.
        self.open: dict[str, Action] = {}  # Intents of this run without a fate.
        self.lines: list[tuple[Action, Outcome]] = []  # Fates of this run.
        self.skipped = 0
        self.state = ""
        self.checks: list[Callable[[Action, Outcome], None]] = []  # Of each fate,
        self.listeners: list[Callable[[str, Outcome], None]] = []  # Of what is recorded.
        self.intent_checks: list[Callable[[Action], None]] = []  # and of each intent.

    def begin(self) -> None:
        """A new process opens the file."""
        self.open, self.lines, self.skipped, self.state = {}, [], 0, ""
        self._runs += 1
        if self._ledger is not None:
            self._ledger.begin(RunHead(f"run {self._runs}", "sync", "source/", "target/"))

    def record(
        self, intents: Sequence[Action], ends: Sequence[tuple[Action, Outcome]], skipped: Skip
    ) -> None:
        self._effect("record")
        for action, outcome in ends:
            for check in self.checks:
                check(action, outcome)
            self.open.pop(action.key, None)
            self.lines.append((action, outcome))
            self.last[action.key] = (action, outcome)
            for hear in self.listeners:
                hear(action.key, outcome)
        for action in intents:
            assert action.key not in self.open, f"{action.key}: a second intent before its fate"
            self.open[action.key] = action
            for judge in self.intent_checks:
                judge(action)
            self.last[action.key] = (action, None)
        self.skipped += skipped.count
        if self._ledger is not None:
            self._ledger.record(intents, ends, skipped)

    def end(self, state: str, message: str = "") -> None:
        self._effect("end")
        self.state = state
        if self._ledger is not None:
            self._ledger.end(state, message)
            assert self._ledger.complaints() == []

    def known(self, keys: Sequence[str]) -> dict[str, Known]:
        told = {key: known for key in keys if (known := self._known(key)) is not None}
        if self._ledger is not None:
            assert self._ledger.known(keys) == told
        return told

    def proven(self, key: str) -> Known | None:
        """The last line of this key, if it says that a copy was proven."""
        known = self._known(key)
        return None if known is None or known is IN_DOUBT else known

    def count(self, fate: Fate) -> int:
        return sum(outcome.fate is fate for _, outcome in self.lines)

    def _known(self, key: str) -> Known | None:
        action, outcome = self.last.get(key, (None, None))
        if action is None:
            return None
        if outcome is None or outcome.fate is not Fate.DONE:
            return IN_DOUBT
        if not isinstance(action, Copy):
            return None
        return Known(outcome.size, outcome.source_etag, outcome.target_etag)
