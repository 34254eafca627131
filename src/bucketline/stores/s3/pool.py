"""The endpoints of one bucket: which one an exchange goes to, and what its end says of that one.

Health is known from real traffic. Where the choice is free, an exchange goes where it is likely to
end first: least bytes under way, weighed by the speed that was measured. For any thread.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from bucketline.clock import Clock
from bucketline.errors import StoreError, Unreachable
from bucketline.settings import Remote
from bucketline.stores.base import Answer
from bucketline.stores.beyond import EndpointCount
from bucketline.stores.s3.address import Address, Turn, addresses
from bucketline.stores.s3.blame import Blame, blame_for, blame_of

_EXCHANGE_BYTES = 64 << 10  # What an exchange costs by itself, as bytes.
_LEARNING = 0.1  # The share of the newest measurement in what is learnt.
_SLOWED = 2.0  # One that asks for less is taken for so many times slower.
# The same after each answer that is a fault, until it brings another one or was left alone for a
# while: who was told the fault and tries again goes elsewhere, although the breaker is closed.
_DOUBTED = 8
_DOUBT_MAX = _DOUBTED**3
_ALIKE = 1.5  # Up to so many times slower than the best one is as good as that.
_FADING = 0.93  # One that was not used for a second may have become quicker: twice in ten seconds.
_FADE_SECONDS = 1.0


class Outage(NamedTuple):
    """None of the endpoints works."""

    since: float  # Seconds since 1970, by our clock.
    error: StoreError


class Pool:
    """The endpoints of one bucket."""

    def __init__(
        self,
        remote: Remote,
        bucket: str,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.addresses = tuple(addresses(remote, bucket, chance))
        # Whether to wait, now, while all of them are down; None = that is an error at once.
        self.is_patient: Callable[[], bool] | None = None
        # The place of every exchange while there is one address and all is well with it: what
        # several threads count there they add, without a lock, in one step of the interpreter.
        self.ready: Turn | None = None
        self._only = self.addresses[0] if len(self.addresses) == 1 else None
        self._clock = clock
        self._lock = threading.Lock()
        self._orders = tuple(_turned(self.addresses))
        self._next = 0  # In which of these orders to look for the best, so that equals take turns.
        self._best_pace = 0.0
        self._faded = clock.monotonic()
        self._mean_read = 0.0  # Bytes of an answer.
        self._down_since = 0.0  # By the wall clock; 0 = at least one works.
        self._is_confirmed = False  # That none works was shown by a probe, too.

    @property
    def first(self) -> Address:
        return self.addresses[0]

    @property
    def has_answered(self) -> bool:
        """Whether any of them ever did."""
        return any(one.has_answered for one in self.addresses)

    def turn(self, size: int) -> Turn | None:
        """A place for an exchange with `size` bytes of body; None = there is none at once."""
        one = self._only
        with self._lock:
            if one is None:
                return None if self._down_since else self._best(size)
            if not one.breaker.is_closed or self._is_full(one, self._clock.monotonic()):
                return None
            one.under_way += 1
            return Turn(one, 0, 0.0)

    def other(self, size: int, tried: Collection[Address]) -> Turn | None:
        """A place at an address that works, for an exchange that failed at the `tried` ones."""
        with self._lock:
            return self._best(size, tried)

    def at(self, address: Address, size: int) -> Turn:
        """The place at this one, whatever is known of it."""
        with self._lock:
            return self._begun(address, self._weight(size), self._clock.monotonic())

    def least_bad(self, size: int) -> Turn | None:
        """A place although none works; None = there are too many connections."""
        with self._lock:
            free = [one for one in self.addresses if one.under_way < one.crowd.most]
            if not free:
                return None
            best = min(free, key=lambda one: (not one.breaker.is_closed, one.breaker.due))
            return self._begun(best, self._weight(size), self._clock.monotonic())

    def to_probe(self) -> Address | None:
        """The one that is due to be asked whether it is back; who has it, asks it."""
        with self._lock:
            now = self._clock.monotonic()
            return next((one for one in self.addresses if one.breaker.probes(now)), None)

    def seconds_to_probe(self) -> float:
        """How long until one is due."""
        with self._lock:
            due = min(one.breaker.due for one in self.addresses)
            return max(0.0, due - self._clock.monotonic())

    def answered(self, turn: Turn, answer: Answer, written: int) -> bool:
        """The exchange brought an answer; whether it was one that opened its address."""
        one, read = turn.address, len(answer.body)
        blame = Blame.NONE if answer.status < 300 else blame_of(answer)
        with self._lock:
            one.requests += 1
            one.under_way -= 1
            one.load -= turn.weight
            one.bytes_read += read
            one.bytes_written += written
            if one.crowd.is_asked:
                one.crowd.answered(one.under_way, self._clock.monotonic())
            if blame is Blame.FAULT:
                one.doubt = min(_DOUBT_MAX, one.doubt * _DOUBTED)
                return self._fault(turn, is_final=False)
            one.has_answered = True
            if not one.breaker.is_calm:
                one.doubt = 1
                one.breaker.success(turn.epoch, self._clock.monotonic())
                self._look()
            if self._only is None:
                self._measure(turn, read, written, is_load=blame is Blame.LOAD)
            elif one.is_met and one.breaker.is_calm:
                self.ready = Turn(one, 0, 0.0)
        return False

    def unready(self) -> None:
        """What `ready` was made of has changed."""
        self.ready = None

    def failed(self, turn: Turn, error: StoreError) -> bool:
        """The exchange brought none; whether that is a fault of its address."""
        one, blame = turn.address, blame_for(error)
        with self._lock:
            one.requests += 1
            one.under_way -= 1
            one.load -= turn.weight
            if blame is not Blame.NONE:
                one.last_error = error
                self._blamed(turn, error, blame)
        return blame is not Blame.NONE

    @property
    def is_down(self) -> bool:
        """Whether none of them works."""
        return self._down_since > 0

    def outage(self) -> Outage | None:
        """That none works, since when, and why: told once a probe has shown it, too."""
        with self._lock:
            if not (self._down_since and self._is_confirmed):
                return None
            errors = [one.last_error for one in self.addresses if one.last_error is not None]
            said = errors[-1] if errors else StoreError("the server fails")
            return Outage(self._down_since, said)

    def counts(self) -> list[EndpointCount]:
        """What each did so far, for the report."""
        with self._lock:
            now = self._clock.monotonic()
            return [one.counts(now) for one in self.addresses]

    def _best(self, size: int, tried: Collection[Address] = ()) -> Turn | None:
        """Where it is likely to end first; one that is due to be probed goes before all."""
        now, weight = self._clock.monotonic(), self._weight(size)
        if now - self._faded >= _FADE_SECONDS:
            self._fade(now)
        best, least, usual = None, 0.0, self._best_pace or 1.0
        noise = usual * _ALIKE
        self._next = (self._next or len(self._orders)) - 1
        for one in self._orders[self._next]:
            if self._is_full(one, now) or one in tried:
                continue
            if not one.breaker.is_closed:
                if not tried and one.breaker.probes(now):
                    return self._begun(one, weight, now)
                continue
            pace = one.pace if one.pace > noise else usual
            cost = (one.load + weight) * pace * one.doubt
            if best is None or cost < least:
                best, least = one, cost
        return self._begun(best, weight, now) if best is not None else None

    def _begun(self, one: Address, weight: int, now: float) -> Turn:
        one.under_way += 1
        one.load += weight
        one.used = now
        return Turn(one, weight, now)

    def _weight(self, size: int) -> int:
        """The bytes that an exchange is likely to move: with a body those, else an answer's."""
        return _EXCHANGE_BYTES + (size or int(self._mean_read))

    def _measure(self, turn: Turn, read: int, written: int, *, is_load: bool) -> None:
        one = turn.address
        if is_load:
            one.pace = (one.pace or self._best_pace) * _SLOWED
            return
        pace = (self._clock.monotonic() - turn.began) / (_EXCHANGE_BYTES + read + written)
        one.pace += (pace - one.pace) * _LEARNING if one.pace else pace
        if one.pace < self._best_pace or not self._best_pace:
            self._best_pace = one.pace
        if not written:
            self._mean_read += (read - self._mean_read) * _LEARNING

    def _fade(self, now: float) -> None:
        self._faded = now
        for one in self.addresses:
            if now - one.used >= _FADE_SECONDS:
                one.pace *= _FADING
                one.doubt = max(1, one.doubt // 2)
        self._best_pace = min((one.pace for one in self.addresses if one.pace), default=0.0)

    def _blamed(self, turn: Turn, error: StoreError, blame: Blame) -> None:
        """A fault; or a connection too many, when what is under way beside it works."""
        one, now = turn.address, self._clock.monotonic()
        if isinstance(error, Unreachable) and one.breaker.is_closed and one.under_way:
            one.crowd.drop(now)
            self.ready = None
            return
        self._fault(turn, is_final=blame is Blame.FINAL)
        self._unexplained(one, now)

    def _is_full(self, one: Address, now: float) -> bool:
        """Whether it takes no other exchange now."""
        self._unexplained(one, now)
        return one.crowd.is_full(one.under_way, now)

    def _unexplained(self, one: Address, now: float) -> None:
        if one.crowd.is_asked:
            # The same for all: what opens it is not held against it after.
            turn = Turn(one, 0, now)
            for _ in range(one.crowd.unexplained(one.under_way, now)):
                self._fault(turn, is_final=False)

    def _fault(self, turn: Turn, *, is_final: bool) -> bool:
        one = turn.address
        one.faults += 1
        self.ready = None
        if not one.breaker.is_closed and turn.epoch == one.breaker.epoch:
            self._is_confirmed = True
        has_opened = one.breaker.fault(turn.epoch, self._clock.monotonic(), is_final=is_final)
        if has_opened:
            one.crowd.forget()
        self._look(one if has_opened else None)
        return has_opened

    def _look(self, opened: Address | None = None) -> None:
        """Whether any of them works. That none does is found out at once, and without an object:
        there may be many over which a server always fails, and nothing else to do.
        """
        if any(one.breaker.is_closed for one in self.addresses):
            self._down_since = 0.0
        elif not self._down_since:
            self._down_since, self._is_confirmed = self._clock.now(), False
            now = self._clock.monotonic()
            for one in self.addresses:
                one.breaker.ask_now(now, is_suspected=one is opened)


def _turned(addresses: tuple[Address, ...]) -> Iterator[tuple[Address, ...]]:
    """Each beginning with another one."""
    for start in range(len(addresses)):
        yield addresses[start:] + addresses[:start]
