"""What is staged, and in which order it came: held in memory, made anew from the volumes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from bucketline.model import Entry
from bucketline.stores.spool.sidecar import Growing, Origin, PartFile, Sidecar


class Staged(NamedTuple):
    """A staged object: what is known of it without a look at its sidecar."""

    entry: Entry
    generation: str
    origin_pin: str
    volume: str  # One that has its sidecar.
    is_old: bool  # It was there when the spool was opened: it may be delivered already.
    is_unproven: bool = False  # It is not known to be the source's object: it goes nowhere.


class Arrivals:
    """What comes to be staged, each once, for one who follows."""

    def __init__(self, index: Index, news: threading.Condition) -> None:
        self._come: deque[Staged] = deque()
        self._urgent: deque[Staged] = deque()  # Of it, what goes before the rest.
        self._index = index
        self._news = news

    def __len__(self) -> int:
        return len(self._urgent) + len(self._come)

    def add(self, one: Staged) -> None:
        """It comes when it is its turn."""
        is_urgent = self._index.is_urgent(one.entry.key)
        (self._urgent if is_urgent else self._come).append(one)

    def next(self, wait_seconds: float) -> Staged | None:
        """None = nothing came in so many seconds."""
        with self._news:
            if not len(self):
                self._news.wait(wait_seconds)
            while len(self):
                one = (self._urgent or self._come).popleft()
                there = self._index.get(one.entry.key)
                if there is None or there.generation != one.generation:
                    continue
                if there.is_unproven:
                    continue
                if not there.is_old and not self._index.is_leaving(there):
                    return there  # An old one comes when it is reviewed.
        return None


class Index:
    """One for all threads: who fetches and who forwards look at it at the same time."""

    def __init__(self) -> None:
        self.is_urgent: Callable[[str], bool] = lambda _key: False
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._staged: dict[str, Staged] = {}
        self._growing: dict[str, Growing] = {}  # By generation, which is the upload's name.
        self._strays: dict[str, dict[int, PartFile]] = {}  # Parts of uploads that no marker told.
        self._arrivals = Arrivals(self, self._news)
        self._old: set[str] = set()  # Keys of those that are to be reviewed.
        self._leaving: set[str] = set()  # Generations of what has arrived, and goes.
        self._generation = 0
        self.size = 0  # Bytes of all that is staged.

    def __len__(self) -> int:
        return len(self._staged)

    def generation(self, now: float) -> str:
        """A new one, later than all before."""
        with self._lock:
            self._generation = max(self._generation + 1, int(now * 1e6))
            return f"{self._generation:016x}"

    def get(self, key: str) -> Staged | None:
        return self._staged.get(key)

    def put(self, sidecar: Sidecar, volume: str, *, is_old: bool = False) -> Staged | None:
        """It is staged from now on; what it replaces. One that is older than what is there is not:
        then it is itself what has to go.
        """
        pin, is_unproven = sidecar.origin.pin, sidecar.origin.is_unproven
        one = Staged(sidecar.entry, sidecar.generation, pin, volume, is_old, is_unproven)
        with self._lock:
            self._generation = max(self._generation, int(sidecar.generation, 16))
            other = self._staged.get(sidecar.key)
            if other is not None and other.generation >= one.generation:
                return one if other.generation > one.generation else None
            self._staged.pop(sidecar.key, None)
            self._staged[sidecar.key] = one
            self.size += one.entry.size - (other.entry.size if other else 0)
            if is_old:
                self._old.add(sidecar.key)
            self._arrivals.add(one)
            self._news.notify_all()
            return other

    def old(self) -> list[Staged]:
        """What was there before, and is not reviewed yet."""
        with self._lock:
            found = [self._staged.get(key) for key in self._old]
            return [one for one in found if one is not None and one.is_old]

    def reviewed(self, old: Iterable[Staged]) -> None:
        """It is known of these whether they were delivered by an earlier process."""
        with self._lock:
            for one in old:
                self._old.discard(one.entry.key)
                there = self._staged.get(one.entry.key)
                if there is not None and there.generation == one.generation:
                    fresh = self._staged[one.entry.key] = there._replace(is_old=False)
                    self._arrivals.add(fresh)

    def leave(self, one: Staged) -> None:
        """It has arrived: nobody else is to send it, while its files are removed."""
        self._leaving.add(one.generation)

    def is_leaving(self, one: Staged) -> bool:
        return one.generation in self._leaving

    def drop(self, key: str, generation: str) -> None:
        """It is staged no more."""
        with self._lock:
            self._leaving.discard(generation)
            one = self._staged.get(key)
            if one is not None and one.generation == generation:
                del self._staged[key]
                self.size -= one.entry.size

    def restate(self, key: str, generation: str, origin: Origin) -> None:
        """It came from another state of its source, or is proven to have come from there."""
        with self._lock:
            one = self._staged.get(key)
            if one is not None and one.generation == generation:
                fresh = one._replace(origin_pin=origin.pin, is_unproven=origin.is_unproven)
                self._staged[key] = fresh
                if one.is_unproven:
                    self._arrivals.add(fresh)
                    self._news.notify_all()

    def all(self) -> list[Staged]:
        """In the order in which it came."""
        with self._lock:
            return list(self._staged.values())

    def in_order(self) -> None:
        """The oldest first, whichever volume told of it first."""
        with self._lock:
            oldest = sorted(self._staged.values(), key=lambda one: one.generation)
            self._staged = {one.entry.key: one for one in oldest}

    def follow(self) -> Arrivals:
        """All that is staged and what will be: first what is urgent, of that and of the rest the
        oldest. Who followed before does not any more.
        """
        self.in_order()
        with self._lock:
            self._arrivals = Arrivals(self, self._news)
            for one in self._staged.values():
                self._arrivals.add(one)
            return self._arrivals

    @property
    def oldest(self) -> Staged | None:
        """What has waited longest."""
        with self._lock:
            return next(iter(self._staged.values()), None)

    def begin(self, one: Growing) -> None:
        with self._lock:
            self._generation = max(self._generation, int(one.generation, 16))
            one.parts |= self._strays.pop(one.generation, {})
            self._growing[one.generation] = one

    def add_part(self, generation: str, number: int, part: PartFile) -> None:
        """Found on a volume. Its upload may be told by another one, later."""
        with self._lock:
            there = self._growing.get(generation)
            parts = there.parts if there else self._strays.setdefault(generation, {})
            parts[number] = part

    def growing(self, key: str, generation: str) -> Growing | None:
        one = self._growing.get(generation)
        return one if one is not None and one.key == key else None

    def all_growing(self) -> list[Growing]:
        with self._lock:
            return list(self._growing.values())

    def end(self, generation: str) -> None:
        with self._lock:
            self._growing.pop(generation, None)

    def forget(self, volume: str) -> None:
        """A volume is away, or looked at anew: what only it can tell of is not known now."""
        with self._lock:
            for key, one in list(self._staged.items()):
                if one.volume == volume:
                    del self._staged[key]
                    self.size -= one.entry.size
            for generation, upload in list(self._growing.items()):
                rest = {n: part for n, part in upload.parts.items() if part.volume != volume}
                upload.parts = rest
                if upload.volume == volume:
                    del self._growing[generation]
                    self._strays[generation] = rest

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        with self._lock:
            keys = [key for key in self._staged if key > after and key.startswith(prefix)]
        return iter(sorted(keys))
