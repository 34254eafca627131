"""A drill under way, and what it says of a restore of everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bucketline.cli.choices import sample_of
from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation
from bucketline.cli.options import Said
from bucketline.cli.passing import Around, Pass
from bucketline.cli.places import open_for_moves
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.cli.wiring import identity, pace_of
from bucketline.clock import SystemClock
from bucketline.engines.backup import Catalogue, Drill, Restore, RestorePolicy
from bucketline.engines.backup.drill import folder_of, swept
from bucketline.engines.verify import choice
from bucketline.errors import NoBucket, Refused, UsageError, printable
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.report.runs import runs_of
from bucketline.flow.run.terms import Ran, Stop
from bucketline.settings import Location
from bucketline.sizes import show_seconds, show_size
from bucketline.stores.beyond import make_bucket

DRILL = "drill"
_TOO_LONG = 3
_MUCH = 10  # Times smaller, the mean of a sample: its time is then that of requests.


class Drilling:
    """The backup, and where a sample of it is brought back to."""

    def __init__(
        self,
        invocation: Invocation,
        places: tuple[Location, Location],
        means: tuple[Drive, Ledger],
        hashes: Hashes,
    ) -> None:
        self.invocation = invocation
        self.drive, self.ledger = means
        self.clock = SystemClock()
        self.stop = Stop()
        self.run = new_run_id(self.clock.now())
        self.place, scratch = places
        # A prefix of its own: nothing that stands there is touched, or taken for restored.
        self.folder = f"{scratch.prefix.rstrip('/')}/" if scratch.prefix else ""
        self.scratch = replace(scratch, prefix=f"{self.folder}{folder_of(self.run)}")
        self.backup, self.target = open_for_moves(self.place, self.scratch, hashes, None)

    def go(self, said: Said) -> int:
        """Ends with a summary; raises `Refused` when nothing was brought back."""
        engine = self._engine(said)
        self._make_scratch()
        self._sweep()
        began = self.clock.monotonic()
        with listening(self.stop) as ears:
            ran = self._pass(engine, said)
        seconds = max(self.clock.monotonic() - began, 0.001)
        code = exit_code([ran], ears)
        if code in (0, 1) and not ran.tally.done:
            raise Refused(
                f"{printable(self.place.text)}: the drill brought nothing back, so it shows nothing"
            )
        expected = self._tell(engine, ran, seconds)
        return _TOO_LONG if code == 0 and said["rto"] and expected > said["rto"] else code

    def _engine(self, said: Said) -> Drill:
        backup, drive = self.backup, self.drive
        catalogue = Catalogue.nearest(backup.store, backup.prefix, drive)
        if catalogue.is_new:
            name = printable(self.place.text)
            raise UsageError(f"{name}: has no catalogue; `bucketline backup` makes one")
        sample = sample_of(said["sample"], said["seed"])

        def there() -> Iterator[str]:
            for row in catalogue.rows():
                if not row.deleted and row.key.startswith(backup.prefix):
                    yield row.key

        chosen = choice(sample, there)
        restore = Restore(
            *(backup, self.target, RestorePolicy(), drive, lambda _: {}),
            catalogue=catalogue,
            clock=self.clock,
        )
        return Drill(
            *(restore, self.target.store, chosen),
            catalogue=catalogue,
            clock=self.clock,
            folder=self.scratch.prefix,
        )

    def _make_scratch(self) -> None:
        store = self.target.store
        try:
            self.drive.call(store.page(self.target.prefix))
        except NoBucket:
            self.drive.call(make_bucket(store, {}))
            self.invocation.printer.notice(f"{store.name}: was made for drills")

    def _sweep(self) -> None:
        """Of earlier drills of this ledger alone, whose lock says that none of them goes on."""
        runs = {row.run for row in runs_of(self.ledger.path) if row.run}
        count = self.drive.call(swept(self.target.store, self.folder, runs)) if runs else 0
        if count:
            self.invocation.printer.notice(
                f"{count:,} objects that a drill has left when it was stopped were removed"
            )

    def _pass(self, engine: Drill, said: Said) -> Ran:
        stores = (self.backup.store, self.target.store)
        endpoints = Endpoints.of(
            self.invocation, self.clock, self.stop, source=stores[0], target=stores[1]
        )
        workers = said["workers"]
        pace = pace_of(None if workers in (None, "auto") else int(workers), *stores)
        around = Around(
            *(self.invocation, self.drive, self.ledger, self.clock, self.stop, pace, endpoints)
        )
        words = {"sample": said["sample"], "seed": said["seed"]}
        here, there = identity(self.place), identity(self.scratch)
        head = RunHead(self.run, DRILL, here, there, configuration=words)
        ran = Pass(around, engine, head).go()
        endpoints.remember()
        return ran

    def _tell(self, engine: Drill, ran: Ran, seconds: float) -> float:
        """What it says of everything: by bytes and by objects, whichever takes longer."""
        done, size = ran.tally.done, ran.tally.bytes_done
        if not done:
            return 0.0
        by_bytes = seconds * engine.bytes / size if size else 0.0
        expected = max(by_bytes, seconds * engine.objects / done)
        printer = self.invocation.printer
        if size * engine.objects * _MUCH < engine.bytes * done:
            printer.notice(
                "what was drawn is much smaller than the rest, so the time that all would take may"
                " be far less; a larger --sample tells it better"
            )
        if self.invocation.as_json:
            told = {"event": "drill", "objects": done, "bytes": size, "seconds": round(seconds, 3)}
            told |= {"of_objects": engine.objects, "of_bytes": engine.bytes}
            printer.record({**told, "expected_seconds": round(expected, 3)})
        else:
            some = f"{done:,} of {engine.objects:,} objects ({show_size(size)})"
            printer.result(
                f"{some} came back and are right, in {show_seconds(seconds)}; all of them would"
                f" take about {show_seconds(expected)}"
            )
        return expected
