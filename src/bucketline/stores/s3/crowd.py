"""How many exchanges one address takes at once, learnt from connections that it drops.

A device has room for so many connections and drops every further one. That looks like a machine
that is away, but for what works beside it: so a connection that could not be made is held back
until one of those under way tells. Pure: time comes as an argument; for who holds the pool's lock.
"""

from __future__ import annotations

_HELD_SECONDS = 5.0  # What is under way may hang as well; then a drop is a fault after all.
# After so long it is tried whether there is room for more: for twice as many at first, since a
# link that hung for a moment looks alike. Each time that there is none, the next try is later …
_FIRST_SECONDS = 2.0
_LATER = 4.0
_LAST_SECONDS = 60.0
_GROWTH = 8  # … and for one more in so many only.


class Crowd:
    """Of one address."""

    __slots__ = ("_dropped", "_grows_at", "_has_grown", "_most", "_pause", "_since", "most")

    def __init__(self, most: int) -> None:
        self.most = most  # Exchanges at once.
        self._most = most  # The same, as it is configured.
        self._dropped = 0  # Connections of which it is not known why.
        self._since = 0.0  # When the first of them was.
        self._grows_at = 0.0
        self._pause = _FIRST_SECONDS
        self._has_grown = False  # Since it was last found to be full.

    @property
    def is_asked(self) -> bool:
        """Whether it is not known yet what the last drops meant."""
        return self._dropped > 0

    @property
    def is_narrow(self) -> bool:
        """Whether it has shown that it takes fewer than are configured."""
        return self.most < self._most

    def is_full(self, under_way: int, now: float) -> bool:
        """Whether another one has to wait."""
        if self._dropped:
            return True
        if under_way >= self.most and self.is_narrow and now >= self._grows_at:
            self._grow(now)
        return under_way >= self.most

    def drop(self, now: float) -> None:
        """A connection could not be made, while others were there."""
        self._since = self._since if self._dropped else now
        self._dropped += 1

    def answered(self, under_way: int, now: float) -> None:
        """One that was under way beside `under_way` others works: so many it takes, and no more."""
        if self._dropped:
            self.most = max(1, min(self.most, under_way + 1))
            if self._has_grown:
                is_old = now - self._grows_at > _LAST_SECONDS  # It held: this is another story.
                later = min(_LAST_SECONDS, self._pause * _LATER)
                self._pause = _FIRST_SECONDS if is_old else later
            self._grows_at, self._has_grown = now + self._pause, False
            self._dropped = 0

    def unexplained(self, under_way: int, now: float) -> int:
        """How many drops were faults, since nothing has told otherwise, each once."""
        if under_way and now - self._since < _HELD_SECONDS:
            return 0
        found, self._dropped = self._dropped, 0
        return found

    def forget(self) -> None:
        """The address was away: what was dropped says nothing about the room that it has."""
        self.most, self._pause = self._most, _FIRST_SECONDS
        self._dropped, self._has_grown = 0, False

    def _grow(self, now: float) -> None:
        more = self.most if self._pause <= _FIRST_SECONDS else max(1, self.most // _GROWTH)
        self.most = min(self._most, self.most + more)
        self._grows_at, self._has_grown = now + self._pause, True
