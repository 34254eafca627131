"""A thaw under way: one pass, or looks until there is something to do for the next one."""

from __future__ import annotations

from dataclasses import dataclass

from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Measure, metering_of
from bucketline.cli.options import Said, rules_in_order
from bucketline.cli.passing import Around, Pass
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.cli.wiring import identity, look_of, pace_of
from bucketline.clock import SystemClock
from bucketline.engines.thaw import Expected, Thawed
from bucketline.errors import Remedy, StoreError, printable
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead, new_run_id
from bucketline.flow.run.terms import Ran, Stop
from bucketline.flow.run.watch import Watch, rest
from bucketline.flow.thaw import Beat, Paced, State, Wish
from bucketline.settings import Location
from bucketline.sizes import show_seconds
from bucketline.stores import open_store
from bucketline.stores.wrap import Retrying

THAW = "thaw"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait until all can be read."""

    every_seconds: float
    seconds_max: float | None = None


class Thawing:
    """The place, and what is wanted of it."""

    def __init__(
        self,
        invocation: Invocation,
        place: Location,
        wish: Wish,
        drive: Drive,
        said: Said,
    ) -> None:
        self.invocation = invocation
        self.place = place
        self.wish = wish
        self.chosen = look_of("auto", rules_in_order(said), said["only"]).filter
        self.drive = drive
        self.clock = SystemClock()
        self.stop = Stop()
        store = Paced(open_store(place, clock=self.clock), Beat(said["rate"], self.clock))
        self.side = Side(Retrying(store), place.prefix)
        workers = said["workers"]
        self.workers = None if workers in (None, "auto") else int(workers)
        self.measure = Measure(
            metering_of(invocation, said, self.clock),
            {"source": place},
            (self.side.store,),
            {"source": place.text},
        )
        names = ("tier", "days", "rate", "include", "exclude", "only")
        self.words = {name: said[name] for name in names}

    def engine(self, *, is_first: bool = True) -> Thawed:
        """One look; what is being thawed is sped up at the first one alone."""
        wish = self.wish
        if not is_first:
            wish = Wish(wish.speed, wish.days, wish.lasting_seconds)
        return Thawed(self.side, wish, self.drive, self.clock, chosen=self.chosen)

    def go(self, ledger: Ledger, waiting: Waiting | None) -> int:
        """Ends with a summary, also when it failed; raises what stopped the run."""
        pace = pace_of(self.workers, self.side.store)
        endpoints = Endpoints.of(self.invocation, self.clock, self.stop, place=self.side.store)
        around = Around(
            *(self.invocation, self.drive, ledger, self.clock, self.stop, pace, endpoints)
        )
        with listening(self.stop) as ears:
            ran = self._pass(around, self.engine())
            if waiting is not None:
                watch = self._watch(waiting)
                while ran.state != "interrupted" and ran.tally.waiting and self._await(watch, ran):
                    ran = self._pass(around, self.engine(is_first=False))
        endpoints.remember()
        return ears.exit_code or exit_code([ran], ears)

    def _pass(self, around: Around, engine: Thawed) -> Ran:
        here = identity(self.place)
        head = RunHead(new_run_id(self.clock.now()), THAW, here, "", configuration=self.words)
        empty = f"{printable(self.place.text)}: nothing there takes part; is it the right place?"
        return Pass(around, engine, head, if_empty=empty, measure=self.measure).go()

    def _watch(self, waiting: Waiting) -> Watch:
        ends = None
        if waiting.seconds_max is not None:
            ends = self.clock.monotonic() + waiting.seconds_max
        say = self.invocation.printer.notice
        return Watch(self.clock, self.stop, say, waiting.every_seconds, ends)

    def _await(self, watch: Watch, last: Ran) -> bool:
        """Let time pass until there is something to do; whether there is.

        What failed in the last pass is asked for once more when the others can be read. A look
        writes nothing down: an archive takes hours, and a ledger keeps every line.
        """
        while not rest(watch, watch.every_seconds):
            expected = Expected()
            try:
                for _ in expected.counted(self.engine(is_first=False).plan()):
                    if self.stop.drain:
                        return False
            except StoreError as error:
                if error.remedy is not Remedy.RETRY:
                    raise
                watch.say(f"{error}; next look in {show_seconds(watch.every_seconds)}")
                continue
            left = expected.rest[State.THAWING.value]
            asks = sum(one.objects for one in expected.amounts.values())
            if asks > last.tally.failed or not left:
                return True
            thawed = expected.rest[State.THAWED.value]
            watch.say(f"{thawed:,} can be read, {left:,} are being thawed")
        return False
