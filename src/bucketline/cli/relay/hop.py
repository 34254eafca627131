"""One hop of a relay, and what it keeps from pass to pass: its ledger, its places, its pace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bucketline.cli.metering import Measure
from bucketline.cli.passing import Around, Moving, Pass
from bucketline.cli.relay.wish import RelayWish
from bucketline.cli.unfinished import clear_left
from bucketline.cli.wiring import identity, places
from bucketline.flow.compare.sides import Side
from bucketline.flow.ledger import RunHead, new_run_id
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.move.proof import Learnt
from bucketline.flow.run.terms import Allowance, Ran, Stop
from bucketline.model import Action, Outcome
from bucketline.stores.base import Store

# Few large objects at once: what is fetched whole can be sent while the next one comes.
_MEMORY = 64 << 20
Heard = Callable[[Sequence[tuple[Action, Outcome]]], None]


class Hop:
    """Fetch, forward, or clear."""

    def __init__(
        self, name: str, wish: RelayWish, around: Around, sides: tuple[Side, Side], into: Store
    ) -> None:
        self.name = name
        self.wish = wish
        self.around = around
        self.sides = sides
        self.into = into  # Where its copies go.
        self.has_worked = False
        self.measure = _measure(name, wish, sides)
        self._idle = ""  # The last pass, if it found nothing to do.

    def begin(self) -> HopPass:
        """The next pass."""
        return HopPass(self)

    def forget_idle(self) -> None:
        """A pass that found nothing leaves no trace behind the next one."""
        if self._idle:
            self.around.ledger.forget(self._idle)

    def ended(self, run: str, ran: Ran) -> None:
        """A pass came to its end, in one way or another."""
        self.has_worked = True
        is_idle = ran.state == "complete" and not ran.tally.done
        self._idle = run if not self.wish.is_once and is_idle else ""


class HopPass:
    """One pass. A limit that it reaches ends it alone: not the other hop, and not the next pass."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop
        self._around = replace(hop.around, stop=Stop(hop.around.stop))
        self._hints = LedgerHints(hop.around.ledger.uploads, hop.around.clock)

    def policy(self, learnt: Learnt) -> MovePolicy:
        """How it moves objects; the pass after goes on with what it leaves in the middle."""
        move, stop = self._hop.wish.move, self._around.stop
        return replace(move, hints=self._hints, wish=stop, learnt=learnt)

    def run(
        self,
        engine: Moving,
        *,
        size_max: int | None = None,
        heard: Heard | None = None,
        if_empty: str = "",
    ) -> Ran:
        """Ends with its summary."""
        hop, wish, around = self._hop, self._hop.wish, self._around
        head = _head(new_run_id(around.clock.now()), hop)
        one = Pass(
            around,
            engine,
            head,
            Allowance(size=size_max),
            if_empty=if_empty,
            memory=_MEMORY,
            is_quiet=not wish.is_once,
            log=wish.log,
            hooks=wish.hooks,
            measure=hop.measure,
            hop=hop.name,
            heard=heard,
        )
        hop.forget_idle()
        ran = one.go()
        if ran.state != "interrupted":  # The whole plan is known.
            clear_left(self._hints, hop.into, around.drive, around.invocation.printer)
        hop.ended(head.run, ran)
        return ran


def _measure(name: str, wish: RelayWish, sides: tuple[Side, Side]) -> Measure:
    """The buckets are told by the hop that lists them."""
    places = {"fetch": {"source": wish.source}, "forward": {}, "clear": {"target": wish.target}}
    labels = {"name": wish.name, "source": wish.source.text, "target": wish.target.text}
    stores = [side.store for side in sides]
    return Measure(wish.metering.of_hop(name), places[name], stores, labels)


def _head(run_id: str, hop: Hop) -> RunHead:
    wish = hop.wish
    return RunHead(
        run_id,
        f"relay {hop.name}",
        identity(wish.source),
        identity(wish.target),
        name=wish.name,
        configuration={**wish.words, "places": places(wish.source, wish.target)},
    )
