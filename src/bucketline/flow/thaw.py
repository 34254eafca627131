"""Objects in archive tiers: how they stand, asked for, and looked at until they can be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import partial
from threading import Lock
from typing import NamedTuple, TypeVar

from bucketline.clock import Clock
from bucketline.errors import NeedsThaw, Unholdable
from bucketline.flow.move.fidelity import ARCHIVES
from bucketline.model import Entry, Found
from bucketline.sizes import show_moment
from bucketline.stores.base import Flow, Pause, Store
from bucketline.stores.beyond import Thawing, ask_to_thaw
from bucketline.stores.wrap import Around

T = TypeVar("T")

# What it decides by itself what to keep in an archive; no listing tells which it has put there.
SELF_TIERING = "INTELLIGENT_TIERING"
SPEEDS = ("Expedited", "Standard", "Bulk")
RATE, RATE_MAX = 500, 900  # Requests a second. The service takes 1,000 of an account.
_LATE_SECONDS = 0.1
_DAY = 86_400.0
# (deep, speed) -> how long the service says that it takes.
_TAKES = {
    (False, "Expedited"): "1 to 5 minutes",
    (False, "Standard"): "3 to 5 hours",
    (False, "Bulk"): "5 to 12 hours",
    (True, "Standard"): "12 hours",
    (True, "Bulk"): "48 hours",
}


class State(Enum):
    """How an object stands."""

    READABLE = "readable"  # It is in no archive.
    FROZEN = "frozen"
    THAWING = "thawing"
    THAWED = "thawed"
    EXPIRED = "expired"  # It was thawed, and its time is over.

    @property
    def is_readable(self) -> bool:
        return self in (State.READABLE, State.THAWED)


class Seen(NamedTuple):
    """What a look at an object showed, or what came of asking for it."""

    state: State
    until: float = 0.0  # A thawed one can be read so long; 0 = for ever.
    answer: Thawing | None = None  # None = it was not asked for.

    def lasts(self, now: float, seconds: float) -> bool:
        """Whether it can be read, and for so long."""
        return self.state.is_readable and (not self.until or self.until >= now + seconds)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of a thaw."""

    speed: str = "Standard"
    days: int = 7
    lasting_seconds: float = 0.5 * _DAY  # What would freeze again sooner is asked for again.
    speeds_up: bool = False  # What is being thawed is asked for again, at this speed.

    @property
    def must_last(self) -> float:
        """No more than half of what is asked for: else each look would ask anew."""
        return min(self.lasting_seconds, self.days * _DAY / 2)


class Beat:
    """Lets requests go at even distances, so that no second has many more. For any thread."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._distance = 1 / rate
        self._clock = clock
        self._next = clock.monotonic()
        self._lock = Lock()

    def turn(self) -> Flow[None]:
        """Wait for one's turn. Who was held up and is late takes another: many would go at once."""
        late = _LATE_SECONDS
        while True:
            due, wait = self._taken()
            if not wait:
                return
            yield Pause(wait)
            if self._clock.monotonic() - due <= late:
                return
            late *= 2  # A machine that is always late gets on all the same.

    def _taken(self) -> tuple[float, float]:
        with self._lock:
            now = self._clock.monotonic()
            mine = max(self._next, now)
            self._next = mine + self._distance
            return mine, mine - now


class Paced(Around):
    """Asks for what is archived at a beat. Within what tries again: that costs a turn as well."""

    def __init__(self, store: Store, beat: Beat) -> None:
        super().__init__(store)
        self._beat = beat

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        del call
        if verb == "restore_object":
            yield from self._beat.turn()
        return (yield from flow)


def is_to_ask(state: str) -> bool:
    """Whether an object that was found so is asked for."""
    return state in (State.FROZEN.value, State.EXPIRED.value)


def may_be_archived(entry: Entry) -> bool:
    """Whether its bytes may need a thaw, by what a listing tells."""
    return entry.tier in ARCHIVES or entry.tier == SELF_TIERING


def state_of(found: Found, now: float) -> Seen:
    """How an object stands, by what its store says of it."""
    until = found.thawed_until
    if found.archived:
        return Seen(State.THAWING if found.is_thawing else State.FROZEN)
    if not until:
        return Seen(State.READABLE)
    return Seen(State.THAWED if until > now else State.EXPIRED, until)


def state_told(told: tuple[bool, float], now: float) -> Seen:
    """The same by a listing that tells of thaws, of what is in an archive."""
    is_thawing, until = told
    if is_thawing or not until:
        return Seen(State.THAWING if is_thawing else State.FROZEN)
    return Seen(State.THAWED if until > now else State.EXPIRED, until)


def look(store: Store, entry: Entry, clock: Clock) -> Flow[Seen]:
    found = yield from store.stat(entry.key, version=entry.version)
    return state_of(found, clock.now())


def thawed(store: Store, entry: Entry, wish: Wish, clock: Clock) -> Flow[Seen]:
    """How it stands, after it was asked for if there was need."""
    seen = yield from look(store, entry, clock)
    return (yield from asked(store, entry, seen, wish, clock))


def asked(store: Store, entry: Entry, seen: Seen, wish: Wish, clock: Clock) -> Flow[Seen]:
    """Ask for what was seen so, if there is need; how it stands then.

    That it is being thawed already, or is thawed, is a success as well.
    """
    if seen.lasts(clock.now(), wish.must_last):
        return seen
    if seen.state is State.THAWING and not wish.speeds_up:
        return seen
    check_speed(store, entry, wish)
    days = 0 if entry.tier == SELF_TIERING else wish.days
    answer = yield from ask_to_thaw(
        store, entry.key, days=days, speed=wish.speed, version=entry.version
    )
    if answer is Thawing.READY:
        now = yield from look(store, entry, clock)
        return now._replace(answer=answer)
    if answer is Thawing.NO_ROOM or seen.state is State.THAWED:
        return seen._replace(answer=answer)
    return Seen(State.THAWING, answer=answer)


def readable(
    store: Store, entry: Entry, wish: Wish, clock: Clock, *, seconds: float = 600.0
) -> Flow[None]:
    """Right before a copy that may take so long: raises `NeedsThaw`, having asked for it.

    What was thawed when the run was planned may have frozen since.
    """
    seen = yield from thawed(store, entry, wish, clock)
    if not seen.lasts(clock.now(), seconds):
        raise NeedsThaw(said_of(entry, seen, wish), store=store.name, key=entry.key)


def check_speed(store: Store, entry: Entry, wish: Wish) -> None:
    if entry.tier == "DEEP_ARCHIVE" and wish.speed == "Expedited":
        raise Unholdable(
            "DEEP_ARCHIVE knows no Expedited; choose --tier Standard or Bulk",
            store=store.name,
            key=entry.key,
        )


def takes(tier: str, speed: str) -> str:
    """How long the service says that it takes."""
    return _TAKES.get((tier == "DEEP_ARCHIVE", speed), "")


def said_of(entry: Entry, seen: Seen, wish: Wish) -> str:
    """How it stands, in words."""
    if seen.answer is Thawing.NO_ROOM:
        return f"the service has no room for {wish.speed} now; run again, or choose another --tier"
    if seen.answer is Thawing.ASKED:
        return f"asked for: {wish.speed} takes {takes(entry.tier, wish.speed)}; run again then"
    if seen.state is State.THAWED:
        return f"thawed until {show_moment(seen.until)}"
    if seen.state is State.THAWING:
        return "it is being thawed; run again later"
    return f"it is {seen.state.value}"
