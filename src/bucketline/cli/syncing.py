"""A sync under way: one pass, or one after the other for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bucketline.cli.crewing import crew_of
from bucketline.cli.endpoints import Endpoints
from bucketline.cli.hands import Errand
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Measure
from bucketline.cli.packed import PackedTransfer
from bucketline.cli.passing import Around, Pass
from bucketline.cli.places import Share, from_inventory, open_for_moves
from bucketline.cli.sanity import check_source
from bucketline.cli.signals import Ears, listening
from bucketline.cli.unfinished import clear_left, going_on
from bucketline.cli.wiring import identity, pace_of, places
from bucketline.cli.wish import Wish
from bucketline.clock import Clock, SystemClock
from bucketline.engines.transfer import Transfer
from bucketline.errors import UsageError, printable
from bucketline.flow.compare.sides import Look
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Allowance, Crew, Ran, Stop
from bucketline.flow.run.watch import Absent, Watch, watch
from bucketline.stores.beyond import is_one_service
from bucketline.stores.packing import WIDTH

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
        self.transfer: type[Transfer]
        share = Share()
        source, self.target = open_for_moves(
            wish.source, wish.target, hashes, wish.rates, share, packs=wish.packs
        )
        self.source = from_inventory(source, wish.source, wish.inventory, hashes)
        pace = pace_of(wish.workers, source.store, self.target.store)
        endpoints = Endpoints.of(
            invocation, self.clock, self.stop, source=source.store, target=self.target.store
        )
        self.source = replace(self.source, sort=endpoints.must_sort("source"))
        self.target = replace(self.target, sort=endpoints.must_sort("target"))
        self.around = Around(invocation, drive, ledger, self.clock, self.stop, pace, endpoints)
        errand = Errand(
            *(wish.source, wish.target, replace(wish.policy, look=Look()), wish.rates),
            *(invocation.state_folder, wish.inventory is not None),
        )
        self.measure = self._measure()
        self.crew = self._crew(errand, share)
        self.began = self.clock.monotonic()
        self.size_moved = 0
        self.idle = ""  # The last pass, if it found nothing to do.
        self.passes = 0

    def _crew(self, errand: Errand, share: Share) -> Callable[[Crew], Crew] | None:
        """Who performs: this machine, or Spark."""
        self.transfer = Transfer
        if self.wish.packs:
            self.transfer = PackedTransfer if self.wish.target.remote else Transfer
            self.around.pace = Steady(self.wish.workers or WIDTH)
            return None
        if not self.wish.master:
            return crew_of(self.wish.processes, errand, self.around, share)
        from bucketline.cli import clustering
        from bucketline.flow.cluster import slots_of

        clustering.check_sides(errand, self.wish.master)
        slots = slots_of(self.wish.master)
        share.count = slots + 1
        self.transfer = clustering.Lent
        self.around.pace = clustering.pace_of_cluster(slots, self.wish.workers)
        return clustering.cluster_of(self.wish.master, errand, self.around, slots + 1)

    def go(self) -> int:
        """Ends with a summary, also when it failed; raises what stopped the run."""
        with listening(self.stop) as ears:
            ran = watch(self._once, self._watch()) if self.wish.watches else self._once()
        return exit_code([ran], ears)

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
        hints = LedgerHints(self.ledger.uploads, self.clock)
        is_within = not self.wish.packs and is_one_service(self.source.store, self.target.store)
        policy = going_on(self.wish.policy, hints, self.stop, is_within=is_within)
        sides = (self.source, self.target)
        engine = self.transfer(*sides, policy, self.drive, self.ledger.known)
        head = _head(new_run_id(self.clock.now()), self.wish)
        place = printable(self.wish.source.text)
        one = Pass(
            self.around,
            engine,
            head,
            self.allowance,
            if_empty=f"{place}: nothing there takes part; is it the right place?",
            is_quiet=self.passes > 1,
            log=self.wish.log,
            hooks=self.wish.hooks,
            crew=self.crew,
            measure=self.measure,
        )
        if self.idle:
            self.ledger.forget(self.idle)
        try:
            ran = one.go()
        finally:
            sort, sort_target = engine.must_sort
            self.source = replace(self.source, sort=sort)
            self.target = replace(self.target, sort=sort_target)
            unsorted = {"source": sort, "target": sort_target}
            self.around.endpoints.remember(*(side for side in unsorted if unsorted[side]))
        if ran.state != "interrupted":  # The whole plan is known.
            clear_left(hints, self.target.store, self.drive, self.invocation.printer)
        self.size_moved += ran.tally.bytes_done
        is_idle = ran.state == "complete" and not ran.tally.done
        self.idle = head.run if self.wish.watches and is_idle else ""
        return ran

    def _measure(self) -> Measure:
        wish = self.wish
        sides = {"source": wish.source, "target": wish.target}
        labels = {"name": wish.name, "source": wish.source.text, "target": wish.target.text}
        return Measure(wish.metering, sides, (self.source.store, self.target.store), labels)

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


def _head(run_id: str, wish: Wish) -> RunHead:
    return RunHead(
        run_id,
        "sync",
        identity(wish.source),
        identity(wish.target),
        name=wish.name,
        configuration={**wish.words, "places": places(wish.source, wish.target)},
    )


def exit_code(ran: Sequence[Ran], ears: Ears) -> int:
    """Of runs that were one command."""
    if any(one.state == "interrupted" for one in ran):
        return ears.exit_code or _WAITING
    if any(one.tally.failed for one in ran):
        return 1
    return _WAITING if any(one.tally.waiting for one in ran) else 0
