"""More hands: who gets which step, and what becomes of the steps of one that dies."""

from __future__ import annotations

from dataclasses import dataclass, field

from bucketline.clock import FakeClock
from bucketline.flow.drive import Drive, Ended
from bucketline.flow.run.crew import Fleet
from bucketline.flow.run.gauge import Cores, Fixed
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Crew, Terms
from bucketline.flow.workers import Inline
from bucketline.model import Action
from stage import MIB, Engine, NoNetwork, Stage, a_copy, a_delete, copies, done


@dataclass
class Hand:
    """Ends what it was given one `taken` later, until it dies."""

    lives: int = 1_000_000  # So many steps.
    is_gone: bool = False
    given: list[Action] = field(default_factory=list)
    under_way: list[Action] = field(default_factory=list)
    shares: list[int] = field(default_factory=list)
    is_closed: bool = False

    @property
    def busy(self) -> int:
        return len(self.under_way)

    def give(self, action: Action) -> None:
        self.given.append(action)
        self.under_way.append(action)

    def flush(self, share: int) -> None:
        self.shares.append(share)

    def taken(self) -> list[Ended]:
        if self.lives <= 0:
            self.is_gone = True
            return []
        ended = self.under_way[: self.lives]
        self.lives -= len(ended)
        del self.under_way[: len(ended)]
        return [Ended(action, done(), None) for action in ended]

    def left(self) -> list[Action]:
        return self.under_way

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Yard:
    """A stage whose run has hands."""

    stage: Stage
    hands: list[Hand] = field(default_factory=list)
    hired: int = 0
    shares: list[int] = field(default_factory=list)

    def hire(self) -> Hand:
        hand = self.hands[self.hired]
        self.hired += 1
        return hand

    def run(self, count: int, width: int = 16) -> list[str]:
        clock = FakeClock()
        carrier = NoNetwork(clock)
        drive = Drive(carrier, Inline(carrier.wake), clock)

        def crew(own: Crew) -> Fleet:
            return Fleet(own, self.hire, Fixed(count), small=MIB, share=self.shares.append)

        terms = Terms(clock, self.stage.stop, Steady(width), plans_ahead=False, crew=crew)
        ran = run(Engine(self.stage), self.stage.book, drive, terms)
        assert ran.state == "complete"
        return sorted(self.stage.book.fates)


def test_small_copies_are_shared_out_and_all_else_stays() -> None:
    stage = Stage([*copies(200), a_copy("large", 2 * MIB), a_delete("x")])
    yard = Yard(stage, [Hand(), Hand()])
    fates = yard.run(2)
    assert len(fates) == 202
    shared = {action.key for hand in yard.hands for action in hand.given}
    assert {"large", "x"} <= set(stage.started)
    assert shared.isdisjoint(stage.started)
    assert all(len(hand.given) > 20 for hand in yard.hands)
    assert yard.shares == [2, 3]
    assert all(hand.is_closed for hand in yard.hands)


def test_what_a_dead_hand_leaves_is_done_here_once() -> None:
    stage = Stage(copies(100))
    yard = Yard(stage, [Hand(lives=7), Hand()])
    fates = yard.run(1)
    assert fates == sorted(f"k{number:03}=done" for number in range(100))
    first = yard.hands[0]
    assert first.is_closed
    assert {action.key for action in first.under_way} <= set(stage.started)
    assert yard.hired == 2  # Another one took its place.


def test_hands_that_keep_dying_are_not_replaced_for_ever() -> None:
    stage = Stage(copies(100))
    yard = Yard(stage, [Hand(lives=1) for _ in range(10)])
    assert len(yard.run(1)) == 100
    assert yard.hired == 2
    assert yard.shares[-1] == 1


def test_a_machine_with_nothing_to_do_needs_no_hands() -> None:
    assert not Cores().wants_more(0)
    assert not Cores().wants_more(10_000)
