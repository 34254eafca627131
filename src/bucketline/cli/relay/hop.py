"""One hop of a relay, and what it keeps from pass to pass: its ledger, its places, its pace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bucketline.cli.passing import Around, Moving, Pass
from bucketline.cli.relay.wish import RelayWish
from bucketline.cli.wiring import identity, places
from bucketline.flow.compare.sides import Side
from bucketline.flow.ledger import RunHead, new_run_id
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.move.leftovers import clear_uploads
from bucketline.flow.move.proof import Learnt
from bucketline.flow.run.terms import Allowance, Ran, Stop
from bucketline.model import Action, Outcome
from bucketline.stores.base import Store

# Few large objects at once: what is fetched whole can be sent while the next one comes.
_MEMORY = 64 << 20
Heard = Callable[[Sequence[tuple[Action, Outcome]]], None]


class Hop:
    """Fetch, or forward."""

    def __init__(
        self, name: str, wish: RelayWish, around: Around, sides: tuple[Side, Side], into: Store
    ) -> None:
        self.name = name
        self.wish = wish
        self.around = around
        self.sides = sides
        self.into = into  # Where its copies go.
        self.has_worked = False
        self._idle = ""  # The last pass, if it found nothing to do.
        self._hints = LedgerHints(around.ledger.uploads, around.clock)
        self._stop = Stop(around.stop)

    def policy(self, move: MovePolicy, learnt: Learnt) -> MovePolicy:
        """How the next pass moves objects; the one after goes on with what it leaves in the middle.

        A limit that it reaches ends it alone: not the other hop, and not the next pass.
        """
        self._hints = LedgerHints(self.around.ledger.uploads, self.around.clock)
        self._stop = Stop(self.around.stop)
        return replace(move, hints=self._hints, wish=self._stop, learnt=learnt)

    def run(
        self,
        engine: Moving,
        *,
        size_max: int | None,
        heard: Sequence[Heard] = (),
        if_empty: str = "",
    ) -> Ran:
        """One pass; ends with its summary."""
        around = replace(self.around, stop=self._stop)
        head = self._head(new_run_id(around.clock.now()))

        def hear(ends: Sequence[tuple[Action, Outcome]]) -> None:
            for one in heard:
                one(ends)

        one = Pass(
            around,
            engine,
            head,
            Allowance(size=size_max),
            if_empty=if_empty,
            memory=_MEMORY,
            is_quiet=not self.wish.is_once,
            log=self.wish.log,
            hooks=self.wish.hooks,
            hop=self.name,
            heard=hear,
        )
        if self._idle:
            around.ledger.forget(self._idle)
        ran = one.go()
        self.has_worked = True
        if ran.state != "interrupted":  # The whole plan is known.
            self._clear_left()
        is_idle = ran.state == "complete" and not ran.tally.done
        self._idle = head.run if not self.wish.is_once and is_idle else ""
        return ran

    def _clear_left(self) -> None:
        left, around = self._hints.left, self.around
        stuck = around.drive.call(clear_uploads(left, self.into, self._hints)) if left else []
        if stuck:
            said = f"{len(stuck)} unfinished uploads of earlier runs could not be removed"
            around.invocation.printer.notice(f"{self.into.name}: {said}; the next run tries again")

    def _head(self, run_id: str) -> RunHead:
        wish = self.wish
        return RunHead(
            run_id,
            f"relay {self.name}",
            identity(wish.source),
            identity(wish.target),
            name=wish.name,
            configuration={**wish.words, "places": places(wish.source, wish.target)},
        )
