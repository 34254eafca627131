"""A relay under way: fetch and forward side by side, once or for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import NamedTuple

from bucketline.cli.invocation import Invocation
from bucketline.cli.relay.hop import Hop
from bucketline.cli.relay.lane import Lane
from bucketline.cli.relay.screen import shared_screen
from bucketline.cli.relay.systemd import Pulse
from bucketline.cli.relay.wish import RelayWish
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.clock import Clock
from bucketline.engines.relay import Clearing, Dropper, Fetch, Forward
from bucketline.engines.relay.fetch import Books
from bucketline.engines.relay.recovery import Deliveries, delivered_before
from bucketline.errors import Remedy, StoreError, printable
from bucketline.flow.compare.sides import Side, Sides
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.move.proof import Learnt
from bucketline.flow.run.terms import Ran, Stop
from bucketline.flow.run.watch import Watch, watch
from bucketline.model import Action, Outcome, Tally
from bucketline.stores.memory import MemoryStore
from bucketline.stores.spool import Spool, load

_WAITS = 4  # What has arrived is still on a volume.
_ROUNDS = 3  # Of --once: what has rotted is fetched again.
_NAP_SECONDS = 0.2
_PASS_SECONDS = 600.0  # After so long, a pass with failures makes way for the next, which retries.
_CALM_SECONDS = 1.0  # Between two passes of the forward hop.


class Hops(NamedTuple):
    """Of one relay."""

    fetch: Hop
    forward: Hop
    clear: Hop | None  # Of the source, where that is wanted.


class Relaying:
    """What all passes share."""

    def __init__(self, wish: RelayWish, spool: Spool, hops: Hops, stop: Stop, pulse: Pulse) -> None:
        self.fetch, self.forward, self.clear = hops
        self.invocation: Invocation = self.fetch.around.invocation
        self.wish = wish
        self.spool = spool
        self.pulse = pulse
        self.clock: Clock = pulse
        self.stop = stop
        self.dropper = Dropper(spool, self.forward.around.drive, self.invocation.printer.notice)
        self._taking_in = threading.Lock()  # Both hops look whether a volume has come back.
        self._is_fetching = False
        self._is_all_sent = False  # All that was fetched; what failed may be tried again.
        self._forwarding: Forward | None = None
        self._lane: Lane | None = None
        self._rotten = 0
        self._retry_at = 0.0

    def go(self) -> int:
        """Ends with a summary of each hop; raises what stopped one of them."""
        try:
            with listening(self.stop) as ears, self.pulse.watched(), self._shown():
                self.pulse.systemd.say(READY="1", STATUS="fetching and forwarding")
                ran = self._once() if self.wish.is_once else self._for_ever()
        finally:
            self.pulse.systemd.say(STOPPING="1")
            self.dropper.close()
            for hop in self._hops:
                hop.around.endpoints.remember()
        code = exit_code(ran, ears)
        return code or (_WAITS if self.dropper.left else 0)

    def _shown(self) -> AbstractContextManager[None]:
        return shared_screen(self.invocation, self._hops, self.spool, self.clock)

    @property
    def _hops(self) -> list[Hop]:
        return [self.fetch, self.forward, *([self.clear] if self.clear else [])]

    def _once(self) -> tuple[Ran, ...]:
        for _ in range(_ROUNDS):
            self._rotten = 0
            with self._beside(self._forward_all) as lane:
                fetched = self._fetch_pass()
            sent = lane.result()
            if not self._rotten or self.stop.drain:
                break
        if self.clear is None or not all(ran.state == "complete" for ran in (fetched, sent)):
            return fetched, sent
        return fetched, sent, self._clear(self.clear)

    def _clear(self, hop: Hop) -> Ran:
        """All is proven: what both sides still have so goes at the source."""
        sides = Sides(*hop.sides, hop.around.drive, self.wish.look)
        known = self.forward.around.ledger.known
        return hop.begin().run(Clearing(sides, known, self.wish.limits))

    def _for_ever(self) -> tuple[Ran, ...]:
        with self._beside(self._forward_for_ever) as lane:
            try:
                fetched = watch(self._fetch_pass, self._watch(self.wish.every_seconds))
            finally:
                self.stop.drain = True  # One hop alone is no relay.
        return fetched, lane.result()

    @contextmanager
    def _beside(self, work: Callable[[], Ran]) -> Iterator[Lane]:
        """Forward while the block fetches; both have ended behind it."""
        self._is_fetching = True
        lane = self._lane = Lane(work, self.pulse)
        try:
            yield lane
        finally:
            self._is_fetching = False
            lane.join()

    def _fetch_pass(self) -> Ran:
        self._is_fetching = True
        try:
            with self._taking_in:
                self.fetch.around.drive.call(load(self.spool))
            self._tell_volumes()
            one = self.fetch.begin()
            engine = self._fetching(one.policy(Learnt()))
            place = printable(self.wish.source.text)
            empty = f"{place}: nothing there takes part; is it the right place?"
            ran = one.run(engine, size_max=self.wish.max_fetch, if_empty=empty)
            staged = f"{len(self.spool.index):,} staged"
            self.pulse.systemd.say(
                STATUS=f"last fetch {ran.state}: {ran.tally.done:,} done; {staged}"
            )
            return ran
        finally:
            self._is_fetching = False

    def _fetching(self, policy: MovePolicy) -> Fetch:
        """A target that is away holds nobody up: then the ledger alone says what it has."""
        hop = self.fetch
        source, target = hop.sides
        is_blind = not self.wish.is_once and self._is_away(target)
        if is_blind:
            target = replace(target, store=MemoryStore(), sort=False)
        sides = Sides(source, target, hop.around.drive, self.wish.look)
        books = Books(self.forward.around.ledger.known, hop.around.ledger.known)
        stuck = self._why_stuck
        first = self.wish.first
        return Fetch(
            *(sides, self.spool, policy),
            books=books,
            is_stuck=stuck,
            is_blind=is_blind,
            first=first,
        )

    def _is_away(self, target: Side) -> bool:
        try:
            self.fetch.around.drive.call(target.store.page(target.prefix))
        except StoreError as error:
            if error.remedy is not Remedy.RETRY and not self.fetch.has_worked:
                raise
            self.invocation.printer.notice(f"{error}; fetching goes on without a look at it")
            return True
        return False

    def _why_stuck(self) -> str:
        """Why nothing will be sent that makes room for what is to be fetched; "" = it will."""
        lane, engine = self._lane, self._forwarding
        if lane is not None and lane.error is not None:
            return f"nothing is sent: {lane.error}"
        if lane is not None and lane.has_ended:
            return "no more is sent in this pass"
        if engine is None or not engine.is_idle or not self.dropper.is_idle:
            return ""
        if self.spool.index.old():
            return ""  # It is looked at first.
        if not len(self.spool.index):
            return "nothing is staged that could make some; others fill them"
        return "what is staged could not be sent, or not be removed; see what failed"

    def _forward_all(self) -> Ran:
        """Until nothing is fetched any more and all that was staged has been tried."""
        while True:
            ran = self._forward_pass()
            if self._is_all_sent or ran.state == "interrupted":
                return ran

    def _forward_for_ever(self) -> Ran:
        try:
            return watch(self._forward_when_due, self._watch(_CALM_SECONDS))
        finally:
            self.stop.drain = True  # One hop alone is no relay.

    def _forward_when_due(self) -> Ran:
        while not self.stop.drain:
            is_due = len(self.spool.index) and self.clock.monotonic() >= self._retry_at
            if is_due or self._is_fetching:
                return self._forward_pass()
            self.clock.sleep(_NAP_SECONDS)
        return Ran("interrupted", Tally())

    def _forward_pass(self) -> Ran:
        began = self.clock.monotonic()
        self._is_all_sent = False
        self.dropper.again()
        self._take_in()

        def may_come() -> bool:
            if not self._is_fetching:
                self._is_all_sent = True
                return False
            return not (engine.failed and self.clock.monotonic() - began >= _PASS_SECONDS)

        def heard(ends: Sequence[tuple[Action, Outcome]]) -> None:
            self.dropper.heard(ends)
            engine.heard(ends)

        one = self.forward.begin()
        policy = one.policy(Learnt(source_tells_md5=True))
        target = self.forward.sides[1].store
        engine = Forward(self.spool, target, policy, may_come=may_come, take_in=self._take_in)
        self._forwarding = engine
        try:
            return one.run(engine, size_max=self.wish.max_send, heard=heard)
        finally:
            self._rotten += engine.rotten
            if engine.failed or self.dropper.left:
                self._retry_at = self.clock.monotonic() + self.wish.every_seconds

    def _take_in(self) -> None:
        """What is on volumes that came since the last time; of it, what has arrived is dropped."""
        drive, target = self.forward.around.drive, self.forward.sides[1].store
        with self._taking_in:
            drive.call(load(self.spool))
        ledger = self.forward.around.ledger
        fetched = self.fetch.around.ledger.known
        deliveries = Deliveries(ledger.known, fetched, ledger.proven_at)
        for staged in drive.call(delivered_before(self.spool, target, deliveries)):
            self.dropper.drop(staged)

    def _tell_volumes(self) -> None:
        for volume in self.spool.shelves.all:
            if not volume.is_usable:
                said = f"volume {volume.folder}: {volume.reason}; what it holds waits for it"
                self.invocation.printer.notice(said)

    def _watch(self, every_seconds: float) -> Watch:
        return Watch(self.clock, self.stop, self.invocation.printer.notice, every_seconds)
