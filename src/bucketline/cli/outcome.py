"""How a sync ended, told truthfully: the summary, the first failures, the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bucketline.cli.endpoints import Meter
from bucketline.cli.printer import Printer
from bucketline.errors import DiskError, printable
from bucketline.flow.ledger import Ledger
from bucketline.flow.run.terms import Stop
from bucketline.model import Action, Delete, Fate, Mark, Outcome, Skip, Tally, Thaw
from bucketline.sizes import show_seconds, show_size

_FAILURES_SHOWN = 10
_NOTES_MAX = 50
_CLASSES = ("LIST", "GET", "PUT", "HEAD", "TAG", "DELETE", "POST")


@dataclass
class Recorder:
    """The ledger, and an ear at it: proofs are counted and failures kept as they are written."""

    ledger: Ledger
    printer: Printer
    stop: Stop
    meter: Meter
    tells: bool  # Each object's fate on stdout, as JSON.
    hop: str = ""  # Of a command that has several runs at once: which one this is.
    heard: Callable[[Sequence[tuple[Action, Outcome]]], None] | None = None  # Of what is recorded.
    proofs: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, Outcome]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)  # Of what was done, but not in full.
    unheard: Exception | None = None  # Why nobody hears us any more.

    def record(
        self,
        intents: Sequence[Action],
        ends: Sequence[tuple[Action, Outcome]],
        skipped: Skip,
    ) -> None:
        self.ledger.record(intents, ends, skipped)
        if self.heard is not None:
            self.heard(ends)
        self.meter.tick()
        for action, outcome in ends:
            if outcome.fate is Fate.DONE and not isinstance(action, Delete | Thaw | Mark):
                self.proofs[outcome.proof.label] += 1
                self._note(outcome)
            elif outcome.fate is Fate.FAILED and len(self.failures) < _FAILURES_SHOWN:
                self.failures.append((action.key, outcome))
        if self.tells and ends:
            self._tell(ends)

    def end(self, state: str, message: str = "") -> None:
        self.meter.write()
        self.ledger.end(state, message)

    def _note(self, outcome: Outcome) -> None:
        """What did not arrive as it was; few ways, for however many objects."""
        said = [change.said for change in outcome.changes] or filter(None, [outcome.message])
        for note in said:
            is_known = note in self.notes or len(self.notes) < _NOTES_MAX
            self.notes[note if is_known else "with yet other changes"] += 1

    def _tell(self, ends: Sequence[tuple[Action, Outcome]]) -> None:
        if self.unheard is not None:
            return
        try:
            for action, outcome in ends:
                self.printer.record({**as_record(action, outcome), **of_hop(self.hop)})
        except (BrokenPipeError, DiskError) as error:  # End in good order.
            self.unheard = error
            self.stop.drain = True


@dataclass(frozen=True)
class Told:
    """Everything that a summary says."""

    run: str
    state: str
    tally: Tally
    proofs: Mapping[str, int]
    requests: Mapping[str, int]
    compare: str
    seconds: float
    hop: str = ""

    def __str__(self) -> str:
        tally = self.tally
        fates = ("skipped", "done", "failed", "waiting")
        sums = " + ".join(f"{name} {getattr(tally, name):,}" for name in fates)
        if tally.under_way:
            sums += f" + unfinished {tally.under_way:,}"
        parts = [
            f"listed {tally.listed:,} = {sums}",
            show_size(tally.bytes_done),
            f"compare: {self.compare.partition(';')[0]}",  # The JSON has all of it.
            *([f"proof: {_counts(self.proofs)}"] if self.proofs else []),
            f"requests: {_counts(self._requests())}",
            show_seconds(self.seconds),
            f"run {self.run}",
        ]
        words = [self.hop, self.state if self.state != "complete" else ""]
        return "".join(f"{word}: " for word in words if word) + " · ".join(parts)

    def as_record(self) -> dict[str, Any]:
        tally = self.tally
        return {
            "event": "summary",
            "run": self.run,
            "state": self.state,
            "listed": tally.listed,
            "skipped": tally.skipped,
            "done": tally.done,
            "failed": tally.failed,
            "waiting": tally.waiting,
            "unfinished": tally.under_way,
            "bytes": tally.bytes_done,
            "bytes_skipped": tally.bytes_skipped,
            "compare": self.compare,
            "proof": dict(self.proofs),
            "requests": self._requests(),
            "seconds": round(self.seconds, 3),
            **of_hop(self.hop),
        }

    def _requests(self) -> dict[str, int]:
        return {name: self.requests[name] for name in _CLASSES if self.requests.get(name)}


def of_hop(hop: str) -> dict[str, str]:
    """What a record says of it."""
    return {"hop": hop} if hop else {}


def as_record(action: Action, outcome: Outcome) -> dict[str, Any]:
    """An object's fate, for machines."""
    record: dict[str, Any] = {
        "event": "object",
        "verb": action.verb.value,
        "key": action.key,
        "fate": outcome.fate.value,
        "bytes": outcome.size,
        "proof": outcome.proof.label,
    }
    if outcome.cause:
        record["cause"] = outcome.cause
    if outcome.message:
        record["message"] = outcome.message
    if outcome.changes:
        record["attributes"] = [change._asdict() for change in outcome.changes]
    return record


def tell_failures(printer: Printer, recorder: Recorder, tally: Tally) -> None:
    """What is worth a note; the first failures with their causes, then where the rest is."""
    for note, count in recorder.notes.items():
        printer.notice(f"{count:,} copied {note}")
    for key, outcome in recorder.failures:
        name = printable(key)
        place = "" if name in outcome.message else f"{name}: "  # Most messages name their key.
        printer.notice(f"failed: {outcome.cause}: {place}{outcome.message}")
    more = tally.failed - len(recorder.failures)
    if tally.failed:
        rest = f"{more:,} more failed; " if more > 0 else ""
        printer.notice(f"{rest}see `bucketline runs errors last`; run again to try them again")
    elif tally.waiting:
        printer.notice(f"{tally.waiting:,} waiting; `bucketline runs errors last` says for what")


def _counts(counts: Mapping[str, int]) -> str:
    return " ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "none"
