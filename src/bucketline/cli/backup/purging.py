"""A purge under way: looked at, approved, carried out, and written into the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation
from bucketline.cli.options import Said
from bucketline.cli.passing import Around, Pass
from bucketline.cli.planned import print_plan
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.cli.wiring import identity, pace_of
from bucketline.clock import SystemClock
from bucketline.engines.backup import HISTORY, Catalogue, Purge, Purging, Stage
from bucketline.engines.backup.hidden import still_so
from bucketline.engines.backup.sealing import Notes, changes
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.run.terms import Stop
from bucketline.model import Action, Outcome
from bucketline.settings import Location
from bucketline.stores import open_store
from bucketline.stores.beyond import keeps_versions
from bucketline.stores.wrap import Retrying

PURGE = "purge"


class Purger:
    """The backup, and what is to go."""

    def __init__(self, invocation: Invocation, place: Location, drive: Drive, said: Said) -> None:
        self.invocation = invocation
        self.place = place
        self.drive = drive
        self.clock = SystemClock()
        self.stop = Stop()
        self.store = Retrying(open_store(place, clock=self.clock))
        self.approved = said["approve"] or ""
        self.catalogue = Catalogue.nearest(self.store, place.prefix, drive)
        self.wanted = self._wanted(said)

    @property
    def is_approved(self) -> bool:
        """Bringing back needs nobody's word."""
        return bool(self.approved) or self.wanted.stage is Stage.UNDO

    def show(self) -> int:
        """The plan, and the hash that approves it."""
        engine = self._engine()
        print_plan(self.invocation, engine)
        digest = engine.digest()
        printer = self.invocation.printer
        if self.invocation.as_json:
            printer.record({"event": "approval", "hash": digest, "stage": self.wanted.stage.value})
        elif digest:
            printer.result(f"to do it: the same with --approve {digest}")
        return 0

    def go(self, ledger: Ledger, noted: Path) -> int:
        """Ends with a summary; raises `Refused` for a plan that nobody has approved."""
        self._finish(noted)
        engine = self._engine()
        digest = engine.digest()
        if self.wanted.stage is not Stage.UNDO and digest and digest != self.approved:
            raise Refused(
                f"what would go now is not what was approved: its hash is {digest}; look at it"
                " without --approve first"
            )
        head = self._head()
        with listening(self.stop) as ears, closing(Notes(noted)) as notes:

            def heard(ends: Sequence[tuple[Action, Outcome]]) -> None:
                rows = [engine.row_of(action, outcome) for action, outcome in ends]
                notes.add(replace(row, run=head.run) for row in rows if row is not None)

            endpoints = Endpoints.of(self.invocation, self.clock, self.stop, place=self.store)
            pace = pace_of(None, self.store)
            around = Around(
                *(self.invocation, self.drive, ledger, self.clock, self.stop, pace, endpoints)
            )
            empty = f"{printable(self.place.text)}: its catalogue holds nothing there"
            try:
                ran = Pass(around, engine, head, if_empty=empty, heard=heard).go()
            finally:
                self._seal(notes, head)
            endpoints.remember()
        return exit_code([ran], ears)

    def _wanted(self, said: Said) -> Purging:
        told = self.catalogue.manifest.told
        name, now = printable(self.place.text), self.clock.now()
        if self.catalogue.is_new:
            raise UsageError(f"{name}: has no catalogue; `bucketline backup` makes one")
        if bool(told.get(HISTORY)) != said["versions"]:
            raise UsageError(
                f"{name}: does not hold versions; leave out --versions"
                if said["versions"]
                else f"{name}: holds every version; say --versions to purge all those of a key"
            )
        if said["undo"]:
            return Purging(Stage.UNDO)
        if self.drive.call(keeps_versions(self.store)):
            if said["for_good"] and said["older_than"] is not None:
                raise UsageError("purge first (--older-than), and --for-good after the undo window")
            if said["for_good"]:
                return Purging(Stage.DESTROY, now - said["undo_window"])
            return Purging(Stage.HIDE, now - said["older_than"])
        if not said["for_good"] or said["older_than"] is None:
            raise Refused(
                f"{name}: its bucket keeps no versions, so what is purged is gone at once; turn"
                " versioning on, or say --for-good with --older-than"
            )
        return Purging(Stage.DELETE, now - said["older_than"])

    def _engine(self) -> Purge:
        return Purge(
            *(self.store, self.place.prefix, self.wanted),
            catalogue=self.catalogue,
            clock=self.clock,
        )

    def _finish(self, noted: Path) -> None:
        """A purge that was killed has hidden what the catalogue does not call purged yet."""
        if self.wanted.stage is not Stage.UNDO:
            return  # Else what a person has just approved would be another plan.
        with closing(Notes(noted)) as notes:
            if notes.size:
                self._seal(notes, self._head())

    def _seal(self, notes: Notes, head: RunHead) -> None:
        rows = still_so(changes(notes, (), None), self.catalogue)
        source = self.catalogue.manifest.source
        self.catalogue.add(rows, source=source, run=head.run, now=self.clock.now())
        notes.clear()

    def _head(self) -> RunHead:
        here, wanted = identity(self.place), self.wanted
        words = {"stage": wanted.stage.value, "until": wanted.until, "approved": self.approved}
        return RunHead(new_run_id(self.clock.now()), PURGE, here, "", configuration=words)
