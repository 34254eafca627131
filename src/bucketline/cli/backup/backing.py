"""A backup under way: one pass, and the catalogue behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from bucketline.cli.backup.hinted import Hinted
from bucketline.cli.backup.wish import BackupWish, history_policy
from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Measure
from bucketline.cli.options import Said
from bucketline.cli.passing import Around, Pass
from bucketline.cli.places import from_inventory, inventory_made, open_for_moves, open_sides
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.cli.unfinished import clear_left
from bucketline.cli.wiring import identity, lookup, pace_of, places
from bucketline.clock import Clock, SystemClock
from bucketline.engines.backup import (
    HISTORY,
    Backup,
    BackupPolicy,
    Catalogue,
    History,
)
from bucketline.engines.backup.hidden import Missing
from bucketline.engines.backup.rows import Row
from bucketline.engines.backup.sealing import Notes, changes, looked_up, not_outdated
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.run.terms import Allowance, Ran, Stop
from bucketline.model import Action, Outcome
from bucketline.settings import Location
from bucketline.stores.base import Store
from bucketline.stores.beyond import is_one_service, keeps_versions, settings_of

BACKUP = "backup"
# What `identity` says of a bucket: its endpoints, or s3:/, and then where it is there.
_OF_A_BUCKET = re.compile(r"(?:s3:/|\w+://[^/,]+(?:,\w+://[^/,]+)*)/(.*)", re.DOTALL)


class Backing:
    """The two places, and what is wanted."""

    def __init__(
        self,
        invocation: Invocation,
        wish: BackupWish,
        means: tuple[Drive, Ledger],
        hashes: Hashes,
    ) -> None:
        self.invocation = invocation
        self.wish = wish
        self.drive, self.ledger = means
        self.clock: Clock = SystemClock()
        self.stop = Stop()
        self._due: dict[str, float] = {}  # When each listener is told next, over all passes.
        self.live = 0  # Objects that the source showed, at the last look at all of it.
        source, target = open_for_moves(wish.source, wish.target, hashes, wish.rates)
        self.endpoints = Endpoints.of(
            invocation, self.clock, self.stop, source=source.store, target=target.store
        )
        source = from_inventory(source, wish.source, wish.inventory, hashes)
        self.told_at = inventory_made(wish.inventory, hashes, self.drive)
        self.source = replace(source, sort=self.endpoints.must_sort("source"))
        self.target = replace(target, sort=self.endpoints.must_sort("target"))

    @staticmethod
    def rehearsing(wish: BackupWish, drive: Drive, hashes: Hashes, path: Path) -> Backup | History:
        """What only looks: a plan of all, of which nothing is carried out."""
        source, target = open_sides(wish.source, wish.target, hashes)
        source = from_inventory(source, wish.source, wish.inventory, hashes)
        told_at = inventory_made(wish.inventory, hashes, drive)
        catalogue = Catalogue(target.store, target.prefix, drive)
        _check_kind(wish, catalogue, target.store, drive)
        if wish.words["versions"]:
            policy = history_policy(wish.policy)
            return History(source, target, policy, drive, catalogue=catalogue)
        return Backup(
            *(source, target, replace(wish.policy, told_at=told_at), drive, lookup(path)),
            catalogue=catalogue,
            clock=SystemClock(),
        )

    def go(self, noted: Path, said: Said) -> int:
        """Ends with a summary, also when it failed; raises what stopped the run."""
        allowance = Allowance(said["max_duration"], said["max_bytes"])
        with listening(self.stop) as ears, closing(Notes(noted)) as notes:
            ran = self.once(self.catalogue(), notes, allowance)
        return exit_code([ran], ears)

    def catalogue(self) -> Catalogue:
        """As it is now; raises for a backup of the other kind."""
        catalogue = Catalogue(self.target.store, self.target.prefix, self.drive)
        _check_kind(self.wish, catalogue, self.target.store, self.drive)
        return catalogue

    def once(
        self,
        catalogue: Catalogue,
        notes: Notes,
        allowance: Allowance,
        hinted: Hinted | None = None,
    ) -> Ran:
        """One pass over all, or over what was named, and into the catalogue with it."""
        hints = LedgerHints(self.ledger.uploads, self.clock)
        engine = self._engine(catalogue, hints, hinted)
        head = self._head()
        means = (engine, catalogue, notes, head)
        was_left = notes.size > 0  # By a run that did not come to its end.
        seal = partial(self._seal, *means, was_left=was_left, is_hinted=hinted is not None)
        try:
            ran = self._pass(engine, head, notes, allowance, hinted)
        except Exception:
            seal(is_whole=False)
            raise
        finally:
            if hinted is not None and isinstance(engine, History):
                hinted.count(vanished=engine.hid)
        is_whole = ran.state != "interrupted"
        if hinted is not None:
            hinted.count(scrambled=engine.scrambled.found)
        elif is_whole:  # The whole plan is known.
            self.live = engine.live
            clear_left(hints, self.target.store, self.drive, self.invocation.printer)
        seal(is_whole=is_whole)
        is_idle = ran.state == "complete" and not ran.tally.done
        if hinted is not None and hinted.is_quiet and is_idle:
            self.ledger.forget(head.run)
        return ran

    def _engine(
        self, catalogue: Catalogue, hints: LedgerHints, hinted: Hinted | None
    ) -> Backup | History:
        is_within = is_one_service(self.source.store, self.target.store)
        move = replace(self.wish.policy.move, hints=hints, wish=self.stop, is_within=is_within)
        policy: BackupPolicy = replace(self.wish.policy, move=move, told_at=self.told_at)
        if hinted is not None:
            policy = hinted.policy(policy)
        if self.wish.words["versions"]:
            sides = (self.source, self.target)
            return History(*sides, history_policy(policy), self.drive, catalogue=catalogue)
        return Backup(
            *(self.source, self.target, policy, self.drive, self.ledger.known),
            catalogue=catalogue,
            clock=self.clock,
        )

    def _pass(
        self,
        engine: Backup | History,
        head: RunHead,
        notes: Notes,
        allowance: Allowance,
        hinted: Hinted | None,
    ) -> Ran:
        def heard(ends: Sequence[tuple[Action, Outcome]]) -> None:
            if hinted is not None:
                hinted.hear(ends)
            rows = [engine.row_of(action, outcome) for action, outcome in ends]
            notes.add(replace(row, run=head.run) for row in rows if row is not None)

        wish = self.wish
        pace = pace_of(wish.workers, self.source.store, self.target.store)
        around = Around(
            *(self.invocation, self.drive, self.ledger, self.clock, self.stop, pace),
            self.endpoints,
        )
        place = printable(wish.source.text)
        one = Pass(
            around,
            engine,
            head,
            allowance,
            if_empty="" if hinted else f"{place}: nothing there takes part; is it the right place?",
            is_quiet=hinted is not None and hinted.is_quiet,
            log=wish.log,
            hooks=wish.hooks,
            measure=self._measure(is_hinted=hinted is not None),
            heard=heard,
        )
        try:
            return one.go()
        finally:
            sort = zip(("source", "target"), engine.must_sort, strict=True)
            self.endpoints.remember(*(side for side, is_unsorted in sort if is_unsorted))

    def _seal(
        self,
        engine: Backup | History,
        catalogue: Catalogue,
        notes: Notes,
        head: RunHead,
        *,
        is_whole: bool,
        was_left: bool,
        is_hinted: bool,
    ) -> None:
        """What was done goes into the catalogue, and what it did not know, or knew wrongly."""
        if catalogue.is_new and not is_whole and not notes.size:
            return  # One that tells of nothing would be believed.
        beside = engine.alongside if is_whole else None
        store, known = self.target.store, self.ledger.known
        missing = Missing(catalogue, store, self.drive)
        looked: Iterable[Row] = ()
        if beside is not None:
            looked = chain(
                missing.lacked(beside.lost),
                missing.returned(beside.unhidden),
                looked_up(beside.unrecorded, store, known, self.drive),
            )
        rows = changes(notes, looked, None)
        if was_left:
            rows = not_outdated(rows, catalogue)
        # Of a bucket that changes, once a change; hints say nothing of the bucket.
        is_told = catalogue.is_new or (notes.size and not is_hinted)
        told = self.drive.call(settings_of(self.source.store)) if is_told else None
        if told is not None and self.wish.words["versions"]:
            told[HISTORY] = True
        catalogue.add(
            rows,
            source=head.source,
            run=head.run,
            now=self.clock.now(),
            told=told,
            is_patient=True,
        )
        notes.clear()
        if missing.gone:
            self.invocation.printer.notice(
                f"{missing.gone:,} objects that the catalogue tells of are not in the backup any"
                " more: somebody else removed them"
            )
        if engine.alongside is not None:
            engine.alongside.close()

    def _measure(self, *, is_hinted: bool) -> Measure:
        """Named keys say nothing of how much a bucket holds."""
        wish = self.wish
        sides = {} if is_hinted else {"source": wish.source, "target": wish.target}
        labels = {"name": wish.name, "source": wish.source.text, "target": wish.target.text}
        stores = (self.source.store, self.target.store)
        return Measure(wish.metering, sides, stores, labels, self._due)

    def _head(self) -> RunHead:
        wish = self.wish
        return RunHead(
            new_run_id(self.clock.now()),
            BACKUP,
            identity(wish.source),
            identity(wish.target),
            name=wish.name,
            configuration={**wish.words, "places": places(wish.source, wish.target)},
        )


def is_of(catalogue: Catalogue, source: Location) -> bool:
    """Whether it tells of this source, at whatever address that is by now."""
    told = catalogue.manifest.source.rstrip("/")
    if source.remote is None:
        return told == identity(source).rstrip("/")
    there = _OF_A_BUCKET.fullmatch(told)
    return there is not None and there[1] == f"{source.bucket}/{source.prefix}".rstrip("/")


def _check_kind(wish: BackupWish, catalogue: Catalogue, target: Store, drive: Drive) -> None:
    """A backup of versions stays one: the other kind would forget them. Of one source, too."""
    holds_any = any(catalogue.manifest.counts)
    if holds_any and not (wish.words["new_source"] or is_of(catalogue, wish.source)):
        raise Refused(
            f"{printable(wish.target.text)}: this backup is of"
            f" {printable(catalogue.manifest.source)}, of which all that is not in"
            f" {printable(wish.source.text)} would be called deleted; say --new-source if that is"
            " meant"
        )
    if not wish.words["versions"]:
        if catalogue.manifest.told.get(HISTORY):
            raise UsageError(
                f"{printable(wish.target.text)}: this backup holds versions; say --versions"
            )
        return
    if wish.source.remote is None:
        raise UsageError(f"{printable(wish.source.text)}: is a folder, which has no versions")
    if not drive.call(keeps_versions(target)):
        raise Refused(
            f"{printable(wish.target.text)}: its bucket keeps no versions, so it cannot hold those"
            " of another one; turn versioning on there, and run again"
        )
