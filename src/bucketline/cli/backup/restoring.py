"""A restore under way: one pass, or more until the archives have given all back."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

from bucketline.cli.backup.restore_wish import RestoreWish, narrowed
from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Measure
from bucketline.cli.options import Said
from bucketline.cli.passing import Around, Pass
from bucketline.cli.places import open_for_moves, open_sides
from bucketline.cli.planned import print_plan
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.cli.unfinished import clear_left
from bucketline.cli.wiring import identity, lookup, pace_of, places
from bucketline.clock import Clock, SystemClock
from bucketline.engines.backup import (
    HISTORY,
    Catalogue,
    History,
    HistoryPolicy,
    Restore,
    RestorePolicy,
)
from bucketline.engines.backup.brakes import Brakes, replaced, scrambled, vanished
from bucketline.errors import NoBucket, Refused, printable
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.prices import Amount, Prices
from bucketline.flow.run.terms import Allowance, Ran, Stop
from bucketline.flow.run.watch import Watch, rest
from bucketline.flow.thaw import Beat, Paced, Wish, takes
from bucketline.stores.base import Store
from bucketline.stores.beyond import is_one_service, keeps_versions, make_bucket

RESTORE = "restore"
_EVERY_SECONDS = 900
_UNBRAKED = Brakes(vanished("100%"), replaced("100%"), scrambled("100%"))


class Restoring:
    """The backup and the target, and what is wanted."""

    def __init__(
        self,
        invocation: Invocation,
        wish: RestoreWish,
        means: tuple[Drive, Ledger],
        hashes: Hashes,
    ) -> None:
        self.invocation = invocation
        self.wish = wish
        self.drive, self.ledger = means
        self.clock: Clock = SystemClock()
        self.stop = Stop()
        self._thawing = 0  # What the last pass left to wait for its archive.
        both = open_for_moves(wish.backup, wish.target, hashes, wish.rates)
        backup, target = narrowed(wish, *both)
        backup = replace(backup, store=Paced(backup.store, Beat(wish.rate, self.clock)))
        self.endpoints = Endpoints.of(
            invocation, self.clock, self.stop, source=backup.store, target=target.store
        )
        self.backup = replace(backup, sort=self.endpoints.must_sort("source"))
        self.target = replace(target, sort=self.endpoints.must_sort("target"))

    @staticmethod
    def look(
        invocation: Invocation,
        wish: RestoreWish,
        means: tuple[Drive, Path],
        hashes: Hashes,
        prices: Prices | None,
    ) -> int:
        """A dry run: the plan, and what it asks of archives."""
        drive, path = means
        backup, target = narrowed(wish, *open_sides(wish.backup, wish.target, hashes))
        if wish.policy.hides_extra:
            _expect_versions(wish, target.store, drive)
        if wish.creates:
            target = replace(target, may_be_missing=True)
        if wish.words["versions"]:
            print_plan(invocation, _history(wish.policy, backup, target, drive))
            return 0
        catalogue, policy = _kept(wish, backup, drive)
        engine = Restore(
            *(backup, target, policy, drive, lookup(path)),
            catalogue=catalogue,
            clock=SystemClock(),
        )
        print_plan(invocation, engine)
        _tell_archives(invocation, engine, wish, prices)
        return 0

    def go(self, said: Said) -> int:
        """Ends with a summary, also when it failed; raises what stopped the run."""
        if self.wish.creates:
            self._make_bucket()
        _expect_versions(self.wish, self.target.store, self.drive)
        allowance = Allowance(said["max_duration"], said["max_bytes"])
        began = self.clock.monotonic()
        every = said["every"] or _EVERY_SECONDS
        ends = None if allowance.seconds is None else began + allowance.seconds
        watch = Watch(self.clock, self.stop, self.invocation.printer.notice, every, ends)
        with listening(self.stop) as ears:
            ran = self._first_pass(allowance)
            size = ran.tally.bytes_done
            while said["wait"] and self._waits(ran) and not rest(watch, every):
                ran = self._pass(allowance.after(self.clock.monotonic() - began, size))
                size += ran.tally.bytes_done
        self.endpoints.remember()
        return exit_code([ran], ears)

    def _waits(self, ran: Ran) -> bool:
        """What has failed keeps nobody from waiting for the others."""
        return ran.state == "waiting" or (ran.state == "failed" and self._thawing > 0)

    def _first_pass(self, allowance: Allowance) -> Ran:
        try:
            return self._pass(allowance)
        except NoBucket as error:
            if error.store != self.target.store.name:
                raise
            said = "no such bucket here; check its name, or say --create-bucket"
            raise NoBucket(said, store=error.store) from None

    def _pass(self, allowance: Allowance) -> Ran:
        wish, hints = self.wish, LedgerHints(self.ledger.uploads, self.clock)
        is_within = is_one_service(self.backup.store, self.target.store)
        move = replace(wish.policy.move, hints=hints, wish=self.stop, is_within=is_within)
        engine = self._engine(move)
        pace = pace_of(wish.workers, self.backup.store, self.target.store)
        around = Around(
            *(self.invocation, self.drive, self.ledger, self.clock, self.stop, pace),
            self.endpoints,
        )
        sides = {"source": wish.backup, "target": wish.target}
        labels = {"name": wish.name, "source": wish.backup.text, "target": wish.target.text}
        stores = (self.backup.store, self.target.store)
        empty = f"{printable(wish.backup.text)}: holds nothing that takes part"
        ran = Pass(
            around,
            engine,
            self._head(),
            allowance,
            if_empty=empty,
            measure=Measure(wish.metering, sides, stores, labels),
        ).go()
        self._thawing = engine.thawing if isinstance(engine, Restore) else 0
        if ran.state != "interrupted":  # The whole plan is known.
            clear_left(hints, self.target.store, self.drive, self.invocation.printer)
        return ran

    def _engine(self, move: MovePolicy) -> Restore | History:
        if self.wish.words["versions"]:
            policy = replace(self.wish.policy, move=move)
            return _history(policy, self.backup, self.target, self.drive)
        catalogue, policy = _kept(self.wish, self.backup, self.drive)
        return Restore(
            *(self.backup, self.target, replace(policy, move=move), self.drive),
            self.ledger.known,
            catalogue=catalogue,
            clock=self.clock,
        )

    def _make_bucket(self) -> None:
        """As the source's was, as far as that is known and can be had."""
        told = _kept(self.wish, self.backup, self.drive)[0].manifest.told
        try:
            self.drive.call(self.target.store.page(self.target.prefix))
        except NoBucket:
            notes = self.drive.call(make_bucket(self.target.store, told))
            for note in notes:
                self.invocation.printer.notice(note)

    def _head(self) -> RunHead:
        wish = self.wish
        return RunHead(
            new_run_id(self.clock.now()),
            RESTORE,
            identity(wish.backup),
            identity(wish.target),
            name=wish.name,
            configuration={**wish.words, "places": places(wish.backup, wish.target)},
        )


def _expect_versions(wish: RestoreWish, target: Store, drive: Drive) -> None:
    """Where they are brought back, and where what is hidden must not be gone."""
    if not (wish.words["versions"] or wish.policy.hides_extra):
        return
    if not drive.call(keeps_versions(target)):
        place = printable(wish.target.text)
        raise Refused(f"{place}: keeps no versions; turn versioning on there, and run again")


def _kept(wish: RestoreWish, backup: Side, drive: Drive) -> tuple[Catalogue, RestorePolicy]:
    """Where to look for what is wanted: where versions are kept, they tell what was, and when."""
    newest = Catalogue.nearest(backup.store, backup.prefix, drive)
    if newest.manifest.told.get(HISTORY) and (wish.policy.is_then or wish.policy.includes_deleted):
        at = inf if wish.at is None else wish.at
        return newest, replace(wish.policy, is_then=True, at=at)
    if wish.at is None:
        return newest, wish.policy
    return Catalogue.nearest(backup.store, backup.prefix, drive, at=wish.at), wish.policy


def _history(policy: RestorePolicy, backup: Side, target: Side, drive: Drive) -> History:
    wanted = HistoryPolicy(policy.look, _UNBRAKED, policy.move, reads_backup=True)
    return History(backup, target, wanted, drive, catalogue=None)


def _tell_archives(
    invocation: Invocation, engine: Restore, wish: RestoreWish, prices: Prices | None
) -> None:
    """What the plan asks of archives, how long that takes and what it costs."""
    amounts = {
        tier: Amount(count, engine.archived_bytes[tier])
        for tier, count in sorted(engine.archived.items())
    }
    if not amounts:
        return
    speed, days = (wish.policy.thaw or Wish()).speed, (wish.policy.thaw or Wish()).days
    cost = prices.of_thaw(amounts, speed, days) if prices else None
    if invocation.as_json:
        tiers = {tier: one._asdict() for tier, one in amounts.items()}
        record = {"event": "archives", "tiers": tiers, "speed": speed, "days": days}
        invocation.printer.record(record | ({"cost": round(cost, 4)} if cost is not None else {}))
        return
    for tier, one in amounts.items():
        said = f"{one.objects:,} objects in {tier}: {speed} takes {takes(tier, speed)}"
        invocation.printer.result(
            said if wish.policy.thaw else f"{said}; say --tier to ask for them"
        )
    if prices and cost is not None:
        invocation.printer.result(f"about {cost:,.2f} {prices.currency}".strip())
