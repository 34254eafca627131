"""A sync under way: one pass, or one after the other for ever."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bucketline.cli.invocation import Invocation
from bucketline.cli.log_kept import RunLog
from bucketline.cli.outcome import Recorder, Told, tell_failures
from bucketline.cli.places import open_for_moves
from bucketline.cli.progress import watching
from bucketline.cli.sanity import check_source
from bucketline.cli.signals import Ears, listening
from bucketline.cli.wiring import identity, pace_of, places
from bucketline.cli.wish import Wish
from bucketline.clock import Clock, SystemClock
from bucketline.engines.transfer import Transfer
from bucketline.errors import UsageError, printable
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Pace
from bucketline.flow.run.terms import Allowance, Ran, Stop, Terms
from bucketline.flow.run.watch import Absent, Watch, watch
from bucketline.model import Tally

_WAITING = 4  # The exit code where something is left to do and nothing is wrong.


class Syncing:
    """What all passes share: the places with all that is learnt of them, the ledger, the limits."""

    def __init__(
        self, invocation: Invocation, wish: Wish, drive: Drive, ledger: Ledger, hashes: Hashes
    ) -> None:
        self.invocation = invocation
        self.wish = wish
        self.drive = drive
        self.ledger = ledger
        self.clock: Clock = SystemClock()
        self.stop = Stop()
        self.source, self.target = open_for_moves(wish.source, wish.target, hashes, wish.rates)
        self.pace = self._pace()
        self.began = self.clock.monotonic()
        self.size_moved = 0
        self.idle = ""  # The last pass, if it found nothing to do.
        self.passes = 0

    def go(self) -> int:
        """Ends with a summary, also when it failed; raises what stopped the run."""
        with listening(self.stop) as ears:
            ran = watch(self._once, self._watch()) if self.wish.watches else self._once()
        return _exit_code(ran, ears)

    @property
    def allowance(self) -> Allowance:
        """What is left of it for the next pass."""
        seconds, size = self.wish.max_duration, self.wish.max_bytes
        gone = self.clock.monotonic() - self.began
        return Allowance(
            None if seconds is None else max(0.0, seconds - gone),
            None if size is None else max(0, size - self.size_moved),
        )

    def _once(self) -> Ran:
        if self.passes:
            self._look_at_source()
        self.passes += 1
        one = _Pass(self)
        if self.idle:
            self.ledger.forget(self.idle)
        ran = one.go()
        self.size_moved += ran.tally.bytes_done
        is_idle = ran.state == "complete" and not ran.tally.done
        self.idle = one.run_id if self.wish.watches and is_idle else ""
        return ran

    def _look_at_source(self) -> None:
        """A disk that was taken out must not look like a folder that was emptied."""
        try:
            check_source(self.wish.source)
        except UsageError as error:
            raise Absent(str(error)) from None

    def _watch(self) -> Watch:
        limit = self.wish.max_duration
        return Watch(
            self.clock,
            self.stop,
            self.invocation.printer.notice,
            self.wish.every_seconds,
            ends=None if limit is None else self.began + limit,
        )

    def _pace(self) -> Pace:
        return pace_of(self.wish.workers, self.source.store, self.target.store)


@dataclass
class _Pass:
    """One run, from its first line in the ledger to its summary."""

    job: Syncing
    run_id: str = field(init=False)
    engine: Transfer = field(init=False)
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        job = self.job
        self.run_id = new_run_id(job.clock.now())
        source, target = job.source, job.target
        self.engine = Transfer(source, target, job.wish.policy, job.drive, job.ledger.known)
        printer, tells = job.invocation.printer, job.invocation.as_json
        self.recorder = Recorder(job.ledger, printer, job.stop, tells=tells)

    def go(self) -> Ran:
        job = self.job
        began = job.clock.monotonic()
        job.ledger.begin(_head(self.run_id, job.wish))
        log = RunLog(job.wish.log, self.run_id, job.stop, lambda: self.engine.counts.source)
        with log.kept(job.invocation, job.ledger, skips_idle=job.passes > 1):
            state, error = self._carry_out()
        sort, sort_target = self.engine.must_sort
        job.source = replace(job.source, sort=sort)
        job.target = replace(job.target, sort=sort_target)
        tally = job.ledger.tally()
        self._tell(state, tally, job.clock.monotonic() - began)
        if error is not None:
            raise error
        return Ran(state, tally)

    def _carry_out(self) -> tuple[str, Exception | None]:
        job = self.job
        view = watching(
            job.invocation.progress,
            job.invocation.printer,
            clock=job.clock,
            stop=job.stop,
            run=self.run_id,
            found=lambda: self.engine.counts.source,
        )
        with view as watcher:
            try:
                terms = Terms(job.clock, job.stop, job.pace, watcher, allowance=job.allowance)
                ran = run(self.engine, self.recorder, job.drive, terms)
            except Exception as error:  # Raised again after the summary, which is due even now.
                return "failed", error
        return ran.state, None

    def _tell(self, state: str, tally: Tally, seconds: float) -> None:
        printer, recorder, engine = self.job.invocation.printer, self.recorder, self.engine
        for note in engine.notes:
            printer.notice(note)
        tell_failures(printer, recorder, tally)
        if recorder.unheard is not None:
            raise recorder.unheard
        if state == "complete" and not engine.counts.source:
            place = printable(self.job.wish.source.text)
            printer.notice(f"{place}: nothing there takes part; is it the right place?")
        if state == "interrupted" and (why := self.job.stop.why):
            printer.notice(f"ended as asked: {why}; run again to go on")
        if self.job.passes > 1 and state == "complete" and not tally.done:
            return  # Watching, and nothing new.
        requests = self.job.drive.requests
        said = engine.compare_said
        told = Told(self.run_id, state, tally, recorder.proofs, requests, said, seconds)
        if self.job.invocation.as_json:
            printer.record(told.as_record())
        else:
            printer.result(str(told))


def _head(run_id: str, wish: Wish) -> RunHead:
    return RunHead(
        run_id,
        "sync",
        identity(wish.source),
        identity(wish.target),
        name=wish.name,
        configuration={**wish.words, "places": places(wish.source, wish.target)},
    )


def _exit_code(ran: Ran, ears: Ears) -> int:
    if ran.state == "interrupted":
        return ears.exit_code or _WAITING
    if ran.tally.failed:
        return 1
    return _WAITING if ran.tally.waiting else 0
