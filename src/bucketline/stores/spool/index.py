"""What is staged, and in which order it came: held in memory, made anew from the volumes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from bucketline.model import Entry
from bucketline.stores.spool.sidecar import Growing, Sidecar


class Staged(NamedTuple):
    """A staged object: what is known of it without a look at its sidecar."""

    entry: Entry
    generation: str
    origin_pin: str
    volume: str  # One that has its sidecar.
    is_old: bool  # It was there when the spool was opened: it may be delivered already.


class Index:
    """One for all threads: who fetches and who forwards look at it at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._staged: dict[str, Staged] = {}
        self._growing: dict[str, Growing] = {}  # By generation, which is the upload's name.
        self._arrived: deque[tuple[str, str]] = deque()  # Key, generation: not handed out yet.
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
        origin = sidecar.origin.pin
        one = Staged(sidecar.entry, sidecar.generation, origin, volume, is_old)
        with self._lock:
            self._generation = max(self._generation, int(sidecar.generation, 16))
            other = self._staged.get(sidecar.key)
            if other is not None and other.generation >= one.generation:
                return one if other.generation > one.generation else None
            self._staged.pop(sidecar.key, None)
            self._staged[sidecar.key] = one
            self.size += one.entry.size - (other.entry.size if other else 0)
            self._arrived.append((sidecar.key, one.generation))
            self._news.notify_all()
            return other

    def drop(self, key: str, generation: str) -> None:
        """It is staged no more."""
        with self._lock:
            one = self._staged.get(key)
            if one is not None and one.generation == generation:
                del self._staged[key]
                self.size -= one.entry.size

    def restate(self, key: str, generation: str, origin_pin: str) -> None:
        """It came from another state of its source."""
        with self._lock:
            one = self._staged.get(key)
            if one is not None and one.generation == generation:
                self._staged[key] = one._replace(origin_pin=origin_pin)

    def all(self) -> list[Staged]:
        """In the order in which it came."""
        with self._lock:
            return list(self._staged.values())

    def hand_out_again(self) -> None:
        """`arrival` begins with the oldest, whichever volume told of it first."""
        with self._lock:
            oldest = sorted(self._staged.values(), key=lambda one: one.generation)
            self._staged = {one.entry.key: one for one in oldest}
            self._arrived = deque((one.entry.key, one.generation) for one in oldest)

    def arrival(self, wait_seconds: float) -> Staged | None:
        """The next that nobody was given yet; None = nothing came in so many seconds."""
        with self._lock:
            if not self._arrived:
                self._news.wait(wait_seconds)
            while self._arrived:
                key, generation = self._arrived.popleft()
                one = self._staged.get(key)
                if one is not None and one.generation == generation:
                    return one
        return None

    @property
    def oldest(self) -> Staged | None:
        """What has waited longest."""
        with self._lock:
            return next(iter(self._staged.values()), None)

    def begin(self, one: Growing) -> None:
        with self._lock:
            self._generation = max(self._generation, int(one.generation, 16))
            self._growing[one.generation] = one

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
                if upload.volume == volume:
                    del self._growing[generation]

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        with self._lock:
            keys = [key for key in self._staged if key > after and key.startswith(prefix)]
        return iter(sorted(keys))
