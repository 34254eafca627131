"""One run of an engine, from its first line in the ledger to its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bucketline.cli.endpoints import Endpoints, Meter
from bucketline.cli.hooks import Hooks
from bucketline.cli.invocation import Invocation
from bucketline.cli.log_kept import RunLog
from bucketline.cli.metering import Measure, Measuring
from bucketline.cli.outcome import Recorder, Told, tell_failures
from bucketline.cli.progress import watching
from bucketline.clock import Clock
from bucketline.flow.compare.guard import Counts
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.move.proof import MEMORY
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Pace
from bucketline.flow.run.terms import Allowance, Crew, Engine, Ran, Stop, Terms
from bucketline.model import Action, Outcome, Tally
from bucketline.settings import Location

if TYPE_CHECKING:
    from bucketline.cli.progress_rich import Screen


class Moving(Engine, Protocol):
    """An engine that moves what one place holds to another."""

    @property
    def compare_said(self) -> str: ...  # What its plan rests on.
    @property
    def counts(self) -> Counts: ...
    @property
    def notes(self) -> list[str]: ...


@dataclass
class Around:
    """What a run finds around it; several runs may share it."""

    invocation: Invocation
    drive: Drive
    ledger: Ledger
    clock: Clock
    stop: Stop
    pace: Pace
    endpoints: Endpoints
    screen: Screen | None = None  # Shared with other runs.
    told: Counter[str] = field(default_factory=Counter)  # Requests, in the summaries so far.


@dataclass
class Pass:
    """The run."""

    around: Around
    engine: Moving
    head: RunHead
    allowance: Allowance = field(default_factory=Allowance)
    if_empty: str = ""  # What to say when nothing took part.
    is_quiet: bool = False  # Nothing is said of a run that found nothing to do.
    log: Location | None = None  # Where its log goes.
    crew: Callable[[Crew], Crew] | None = None  # Who performs; None = this process alone.
    memory: int = MEMORY  # Of bodies, together.
    hooks: Hooks = field(default_factory=Hooks)
    measure: Measure | None = None  # Whom its numbers are told.
    hop: str = ""  # Which of several runs of one command it is.
    heard: Callable[[Sequence[tuple[Action, Outcome]]], None] | None = None
    recorder: Recorder = field(init=False)
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        around = self.around
        printer, tells = around.invocation.printer, around.invocation.as_json
        self.meter = Meter(around.endpoints, around.ledger, self.head.run, self._found)
        self.recorder = Recorder(
            *(around.ledger, printer, around.stop, self.meter, tells, self.hop, self.heard)
        )

    def _found(self) -> int:
        """How many objects are known to take part."""
        return self.engine.counts.source

    def go(self) -> Ran:
        """Ends with the summary, also when it failed; raises what stopped the run."""
        around = self.around
        began = around.clock.monotonic()
        around.ledger.begin(self.head)
        log = RunLog(self.log, self.head.run, around.stop, self._found)
        measuring = self._measuring()
        with log.kept(around.invocation, around.ledger, skips_idle=self.is_quiet):
            state, error = self._carry_out(measuring)
        tally = around.ledger.tally()
        if measuring is not None:
            measuring.end(state, tally)
        self._tell(state, tally, around.clock.monotonic() - began)
        if error is not None:
            raise error
        return Ran(state, tally)

    def _measuring(self) -> Measuring | None:
        if self.measure is None:
            return None
        say = self.around.invocation.printer.notice
        command, clock = self.head.command, self.around.clock
        return self.measure.begin(command, self.engine, clock, say)

    def _carry_out(self, measuring: Measuring | None) -> tuple[str, Exception | None]:
        around = self.around
        view = watching(
            around.screen or around.invocation.progress,
            around.invocation.printer,
            stop=around.stop,
            run=self.head.run,
            found=self._found,
            meter=self.meter,
            hop=self.hop,
        )
        with view as watcher:
            try:
                terms = Terms(
                    around.clock,
                    around.stop,
                    around.pace,
                    watcher if measuring is None else measuring.beside(watcher),
                    memory=self.memory,
                    allowance=self.allowance,
                    crew=self.crew,
                )
                ran = run(self.engine, self.recorder, around.drive, terms)
            except Exception as error:  # Raised again after the summary, which is due even now.
                return "failed", error
        return ran.state, None

    def _tell(self, state: str, tally: Tally, seconds: float) -> None:
        around, recorder, engine = self.around, self.recorder, self.engine
        printer = around.invocation.printer
        for note in engine.notes:
            printer.notice(note)
        tell_failures(printer, recorder, tally)
        if recorder.unheard is not None:
            raise recorder.unheard
        if state == "complete" and not engine.counts.source and self.if_empty:
            printer.notice(self.if_empty)
        if state == "interrupted" and (why := around.stop.why):
            printer.notice(f"ended as asked: {why}; run again to go on")
        requests, said = around.drive.requests - around.told, engine.compare_said
        around.told.update(requests)
        if self.is_quiet and state == "complete" and not tally.done:
            return
        told = Told(
            *(self.head.run, state, tally, recorder.proofs, requests, said, seconds, self.hop)
        )
        self.hooks.call(told.as_record(), around.drive, printer.notice)
        if around.invocation.as_json:
            printer.record({**told.as_record(), "endpoints": self.meter.as_records()})
        else:
            printer.result(str(told))
