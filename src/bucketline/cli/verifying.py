"""One verification under way, from its first line in the ledger to its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bucketline.cli.deliveries import VERIFY, Wanted
from bucketline.cli.endpoints import Endpoints, Meter
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Measure, Measuring, Metering
from bucketline.cli.outcome import Recorder, tell_failures
from bucketline.cli.progress import watching
from bucketline.cli.signals import listening
from bucketline.cli.wiring import identity, pace_of
from bucketline.clock import SystemClock
from bucketline.engines.verify import FINDINGS, Verification
from bucketline.errors import printable
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.run.loop import run
from bucketline.flow.run.terms import Allowance, Stop, Terms
from bucketline.model import Action, Fate, Outcome, Skip, Tally
from bucketline.sizes import show_seconds, show_size

_REPAIR = (
    "to repair: `bucketline runs errors last -o FILE`, then"
    " `bucketline {} SOURCE TARGET --compare checksum --only FILE`"
)


@dataclass(frozen=True)
class Limits:
    """How much at once, and how much in all."""

    workers: int | None  # None = as many as prove to be of use.
    allowance: Allowance


@dataclass(frozen=True)
class Found:
    """What a verification came to. listed = the sum of all that is not `before`."""

    run: str
    state: str
    tally: Tally
    causes: Mapping[str, int]
    before: int  # Of the skipped ones: verified earlier in the same round.
    seconds: float

    @property
    def verified(self) -> int:
        return self.tally.done

    @property
    def counts(self) -> dict[str, int]:
        """In the order of telling; together they are what is listed."""
        damaged, missing = self.causes.get("Damaged", 0), self.causes.get("Missing", 0)
        replaced = self.causes.get("Replaced", 0)
        return {
            "verified": self.verified,
            "damaged": damaged,
            "missing": missing,
            "replaced": replaced,
            "unreadable": self.tally.failed - damaged - missing,
            "waiting": self.tally.waiting,
            "skipped": self.tally.skipped - replaced,
            "unfinished": self.tally.under_way,
        }

    @property
    def is_empty(self) -> bool:
        """It ran to its end, and nothing is verified."""
        return self.state != "interrupted" and not (self.verified or self.before)

    @property
    def exit_code(self) -> int:
        counts = self.counts
        if counts["damaged"] or counts["missing"]:
            return 3
        if counts["unreadable"]:
            return 1
        if self.tally.waiting or self.state == "interrupted":
            return 4
        return 3 if self.is_empty else 0


@dataclass
class _Ear:
    """A recorder that also counts the causes."""

    recorder: Recorder
    causes: Counter[str] = field(default_factory=Counter)

    def record(
        self,
        intents: Sequence[Action],
        ends: Sequence[tuple[Action, Outcome]],
        skipped: Skip,
    ) -> None:
        self.recorder.record(intents, ends, skipped)
        for _, end in ends:
            if end.fate is not Fate.DONE:
                self.causes[end.cause] += 1

    def end(self, state: str, message: str = "") -> None:
        self.recorder.end(state, message)


class Verifying:
    """One run."""

    def __init__(
        self,
        invocation: Invocation,
        wanted: Wanted,
        engine: Verification,
        drive: Drive,
        ledger: Ledger,
        *,
        metering: Metering,
    ) -> None:
        self.invocation = invocation
        self.wanted = wanted
        self.engine = engine
        self.drive = drive
        self.ledger = ledger
        self.clock = SystemClock()
        self.run_id = new_run_id(self.clock.now())
        self.stop = Stop()
        endpoints = Endpoints.of(invocation, self.clock, self.stop, target=engine.store)
        self.meter = Meter(endpoints, ledger, self.run_id, lambda: engine.found)
        recorder = Recorder(
            ledger, invocation.printer, self.stop, self.meter, tells=invocation.as_json
        )
        self.ear = _Ear(recorder)
        here = wanted.location
        self.measure = Measure(metering, {"source": here}, [engine.store], {"target": here.text})

    def go(self, words: Mapping[str, Any], limits: Limits) -> int:
        """Ends with the summary, also when it failed; raises what stopped the run."""
        began = self.clock.monotonic()
        target = identity(self.wanted.location)
        self.ledger.begin(
            RunHead(self.run_id, VERIFY, self.wanted.said, target, configuration=words)
        )
        say = self.invocation.printer.notice
        measuring = self.measure.begin(VERIFY, self.engine, self.clock, say)
        with listening(self.stop) as ears:
            state, error = self._carry_out(limits, measuring)
        self.meter.endpoints.remember()
        seconds = self.clock.monotonic() - began
        tally, causes = self.ledger.tally(), self.ear.causes
        found = Found(self.run_id, state, tally, causes, self.engine.before, seconds)
        measuring.end("failed" if found.is_empty else state, tally)
        self._tell(found, words)
        if error is not None:
            raise error
        return ears.exit_code or found.exit_code

    def _carry_out(self, limits: Limits, measuring: Measuring) -> tuple[str, Exception | None]:
        watch = watching(
            self.invocation.progress,
            self.invocation.printer,
            stop=self.stop,
            run=self.run_id,
            found=lambda: self.engine.found,
            meter=self.meter,
        )
        with watch as watcher:
            try:
                pace = pace_of(limits.workers, self.engine.store)
                allowance = limits.allowance
                beside = measuring.beside(watcher)
                terms = Terms(self.clock, self.stop, pace, beside, allowance=allowance)
                ran = run(self.engine, self.ear, self.drive, terms)
            except Exception as error:  # Raised again after the summary, which is due even now.
                return "failed", error
        return ran.state, None

    def _tell(self, found: Found, words: Mapping[str, Any]) -> None:
        printer, recorder = self.invocation.printer, self.ear.recorder
        tell_failures(printer, recorder, found.tally)
        if recorder.unheard is not None:
            raise recorder.unheard
        if sum(self.ear.causes[cause] for cause in FINDINGS):
            printer.notice(_REPAIR.format("backup" if self.wanted.is_backup else "sync"))
        if found.state == "interrupted" and (why := self.stop.why):
            printer.notice(f"ended as asked: {why}; run again to go on")
        if found.is_empty:
            place = printable(self.wanted.location.text)
            hint = ""
            if not found.tally.listed and not self.wanted.is_all:
                hint = f"; {self.wanted.said} has delivered nothing, a LOCATION has what all did"
            printer.notice(f"{place}: no object was verified, so nothing is proven{hint}")
        if self.invocation.as_json:
            told = _record(found, words)
            printer.record({**told, "endpoints": self.meter.as_records()})
        else:
            printer.result(_line(found, words))


def _record(found: Found, words: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event": "summary",
        "run": found.run,
        "state": found.state,
        "listed": found.tally.listed,
        **found.counts,
        "before": found.before,
        "bytes": found.tally.bytes_done,
        "method": words["method"],
        "sample": words["sample"],
        "seed": words["seed"],
        "seconds": round(found.seconds, 3),
    }


def _line(found: Found, words: Mapping[str, Any]) -> str:
    counts = found.counts
    told = {
        name: counts[name]
        for name in counts
        if counts[name] or name in ("verified", "damaged", "missing")
    }
    sums = " + ".join(f"{name} {count:,}" for name, count in told.items())
    drawn = f", seed {words['seed']}" if words["seed"] else ""
    parts = [
        f"listed {found.tally.listed:,} = {sums}",
        show_size(found.tally.bytes_done),
        *([f"{found.before:,} verified before the interruption"] if found.before else []),
        f"method: {words['method']}",
        f"sample: {words['sample']}{drawn}",
        show_seconds(found.seconds),
        f"run {found.run}",
    ]
    state = f"{found.state}: " if found.state != "complete" else ""
    return state + " · ".join(parts)
