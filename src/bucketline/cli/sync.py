"""`bucketline sync`: make the target hold what the source holds."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, Size, choosing, two_places
from bucketline.cli.outcome import Recorder, Told, tell_failures
from bucketline.cli.places import hash_memory, open_for_moves, open_sides
from bucketline.cli.planned import print_plan
from bucketline.cli.progress import watching
from bucketline.cli.sanity import check_pair
from bucketline.cli.signals import listening
from bucketline.cli.wiring import identity, ledger_path, lookup, places
from bucketline.cli.wish import Wish, wish_of
from bucketline.clock import SystemClock
from bucketline.engines.transfer import Transfer
from bucketline.errors import printable
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.run.loop import Stop, Terms, run
from bucketline.model import Tally

WORKERS = click.IntRange(1, 1024)


@click.command(cls=Ordered)
@click.argument("source", required=False)
@click.argument("target", required=False)
@click.option("--delete/--no-delete", default=None, help="Delete at TARGET what SOURCE lacks.")
@click.option("--max-delete", metavar="N|N%", help="Refuse to delete more (default 1000).")
@choosing
@click.option("--workers", type=WORKERS, metavar="N", help="Objects under way (default 64).")
@click.option("--bwlimit", type=Size(), help="Bytes per second, all together; K, M, G.")
@click.option("--accept-proof", type=click.Choice(["size", "etag"]), help="Weakest proof of DONE.")
@click.option(
    "--name", metavar="NAME", help="The job's name; alone, SOURCE and TARGET come from the file."
)
@click.option("-n", "--dry-run", is_flag=True, help="Print the plan; change nothing.")
@two_places
@common
@pass_invocation
def sync(invocation: Invocation, /, *, dry_run: bool, **said: Any) -> int:
    """SOURCE and TARGET are s3://bucket/prefix/, name:bucket/prefix/ or a folder."""
    wish = wish_of(invocation, said)
    check_pair(wish.source, wish.target)
    path = ledger_path(invocation, wish.source, wish.target, wish.name)
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        if dry_run:
            sides = open_sides(wish.source, wish.target, hashes)
            print_plan(invocation, Transfer(*sides, wish.policy, drive, lookup(path)))
            return 0
        with Ledger.open(path) as ledger:
            return _Sync(invocation, wish, drive, ledger, hashes).go()


class _Sync:
    """One run, from its first line in the ledger to its summary."""

    def __init__(
        self, invocation: Invocation, wish: Wish, drive: Drive, ledger: Ledger, hashes: Hashes
    ) -> None:
        self.invocation = invocation
        self.wish = wish
        self.drive = drive
        self.ledger = ledger
        self.clock = SystemClock()
        self.run_id = new_run_id(self.clock.now())
        self.stop = Stop()
        source, target = open_for_moves(wish.source, wish.target, hashes, wish.bwlimit)
        self.engine = Transfer(source, target, wish.policy, drive, ledger.known)
        self.recorder = Recorder(ledger, invocation.printer, self.stop, tells=invocation.as_json)

    def go(self) -> int:
        """Ends with the summary, also when it failed; raises what stopped the run."""
        began = self.clock.monotonic()
        self.ledger.begin(_head(self.run_id, self.wish))
        with listening(self.stop) as ears:
            state, error = self._carry_out()
        tally = self.ledger.tally()
        self._tell(state, tally, self.clock.monotonic() - began)
        if error is not None:
            raise error
        return ears.exit_code if state == "interrupted" else _exit_code(tally)

    def _carry_out(self) -> tuple[str, Exception | None]:
        watch = watching(
            self.invocation.progress,
            self.invocation.printer,
            clock=self.clock,
            stop=self.stop,
            run=self.run_id,
            found=lambda: self.engine.counts.source,
        )
        with watch as watcher:
            try:
                terms = Terms(self.clock, self.stop, self.wish.workers, watcher)
                ran = run(self.engine, self.recorder, self.drive, terms)
            except Exception as error:  # Raised again after the summary, which is due even now.
                return "failed", error
        return ran.state, None

    def _tell(self, state: str, tally: Tally, seconds: float) -> None:
        printer, recorder, engine = self.invocation.printer, self.recorder, self.engine
        for note in engine.notes:
            printer.notice(note)
        tell_failures(printer, recorder, tally)
        if recorder.unheard is not None:
            raise recorder.unheard
        if state == "complete" and not engine.counts.source:
            place = printable(self.wish.source.text)
            printer.notice(f"{place}: nothing there takes part; is it the right place?")
        requests = self.drive.requests
        said = engine.compare_said
        told = Told(self.run_id, state, tally, recorder.proofs, requests, said, seconds)
        if self.invocation.as_json:
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


def _exit_code(tally: Tally) -> int:
    if tally.failed:
        return 1
    return 4 if tally.waiting else 0
