"""Who performs the steps of a run: this process alone, or others too when its core is full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bucketline.flow.drive import Drive, Ended
from bucketline.flow.run.terms import Crew, Engine
from bucketline.model import Action, Copy

_LOSSES_MAX = 2  # So many hands may be lost before no more are taken on.


class Own:
    """This process alone."""

    def __init__(self, engine: Engine, drive: Drive) -> None:
        self._engine = engine
        self.drive = drive

    @property
    def busy(self) -> int:
        """Steps under way here."""
        return self.drive.busy

    def start(self, action: Action) -> None:
        self.drive.start(self._engine.perform(action), action)

    def step(self, timeout_seconds: float) -> list[Ended]:
        return self.drive.step(timeout_seconds)

    def close(self) -> None: ...


class Hand(Protocol):
    """Another process that performs steps as its own."""

    @property
    def busy(self) -> int:
        """Steps that it was given and has not told the end of."""

    @property
    def is_gone(self) -> bool:
        """It died: what it has left behind will never end."""

    def give(self, action: Action) -> None:
        """Have it perform `action`, after the next `flush`."""

    def flush(self, share: int) -> None:
        """Tell it what it was given, and among how many processes a limit of bytes is shared."""

    def taken(self) -> list[Ended]:
        """What has ended since the last call."""

    def left(self) -> list[Action]:
        """What it was given and did not end."""

    def close(self) -> None:
        """End it at once."""


class Gauge(Protocol):
    """Tells whether another process would be of use."""

    def wants_more(self, hands: int) -> bool:
        """Asked at each step of the loop, so it must cost nothing most of the time."""


class Fleet:
    """Own hands first; when their core is full and another one idle, one hand more.

    Small copies alone are handed over: they are what fills a core. The bodies of large ones are
    hashed on threads already, and what is remembered of their parts stays in one process. A hand
    that dies costs no object: a step is idempotent, and what it left is done here.
    """

    def __init__(
        self,
        own: Crew,
        hire: Callable[[], Hand],
        gauge: Gauge,
        *,
        small: int,
        share: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._own = own
        self._hire = hire
        self._gauge = gauge
        self._small = small
        self._share = share  # Told among how many processes a limit of bytes is shared.
        self._hands: list[Hand] = []
        self._losses = 0

    @property
    def hands(self) -> int:
        """How many other processes there are now."""
        return len(self._hands)

    @property
    def busy(self) -> int:
        """Steps under way, wherever."""
        return self._own.busy + sum(hand.busy for hand in self._hands)

    def start(self, action: Action) -> None:
        least = min(self._hands, key=lambda hand: hand.busy, default=None)
        is_small = isinstance(action, Copy) and not action.refused
        if not is_small or action.intent.size > self._small or least is None:
            self._own.start(action)
        elif least.busy <= self._own.busy:
            least.give(action)
        else:
            self._own.start(action)

    def step(self, timeout_seconds: float) -> list[Ended]:
        if self._losses < _LOSSES_MAX and self._gauge.wants_more(len(self._hands)):
            self._hands.append(self._hire())
            self._share(1 + len(self._hands))
        for hand in self._hands:
            hand.flush(1 + len(self._hands))
        ended = self._own.step(timeout_seconds)
        for hand in list(self._hands):
            is_gone = hand.is_gone  # Asked first: what it told before it went counts.
            ended += hand.taken()
            if is_gone:
                self._take_back(hand)
        return ended

    def close(self) -> None:
        for hand in self._hands:
            hand.close()
        self._hands = []

    def _take_back(self, hand: Hand) -> None:
        self._hands.remove(hand)
        self._losses += 1
        self._share(1 + len(self._hands))
        hand.close()
        for action in hand.left():
            self._own.start(action)
