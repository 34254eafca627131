"""How much may still be put on a volume: what is free, less what is promised. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

_OBJECT = 16 << 10  # What an object takes besides its bytes: its sidecar, a marker, whole blocks.
_BLOCK = 4096  # What a part may take besides.


@dataclass(frozen=True, slots=True)
class Marks:
    """How full a volume may become, in shares of its size.

    One that was full is left alone until it is emptier than `low`, so that what is fetched does
    not run after each object that is sent.
    """

    high: float = 0.90
    low: float = 0.75
    floor: int = 0  # Bytes that stay free whatever its size.


def needed(size: int, parts: int = 1) -> int:
    """The room that an object of so many bytes and parts takes."""
    return size + _OBJECT + _BLOCK * parts


@dataclass(slots=True)
class Room:
    """The books of one volume. A promise is kept until it is used up or given back."""

    marks: Marks = field(default_factory=Marks)
    size: int = 0
    free: int = 0
    own: int = 0  # Bytes of staged objects and of parts under way.
    foreign: int | None = None  # The least that others were seen to take: what is half written
    # counts as theirs for a moment.
    promises: dict[str, int] = field(default_factory=dict)
    is_shut: bool = False  # Was full, and is not yet below the low mark.

    def measured(self, size: int, free: int) -> None:
        """What the file system says."""
        self.size, self.free = size, free
        foreign = max(0, self.used - self.own)
        self.foreign = foreign if self.foreign is None else min(self.foreign, foreign)
        if self.used + self.promised >= self.most:
            self.is_shut = True
        elif self.used <= size * self.marks.low or not self.own:  # Others may have filled it.
            self.is_shut = False

    @property
    def used(self) -> int:
        return self.size - self.free

    @property
    def promised(self) -> int:
        return sum(self.promises.values())

    @property
    def most(self) -> int:
        """Bytes that it may hold at all, whoever put them there."""
        return max(0, min(int(self.size * self.marks.high), self.size - self.marks.floor))

    @property
    def ever(self) -> int:
        """Bytes that an object may have here once nothing else is staged."""
        return max(0, self.most - (self.foreign or 0))

    @property
    def left(self) -> int:
        """Bytes that may be promised now."""
        if self.is_shut and self.own + self.promised:
            return 0
        return max(0, self.most - self.used - self.promised)

    def promise(self, key: str, size: int) -> bool:
        """Whether `size` bytes are kept for `key` from now on."""
        if size > self.left:
            return False
        self.promises[key] = self.promises.get(key, 0) + size
        return True

    def use(self, key: str, size: int) -> None:
        """So many bytes of it are on the disk by now, where they count as used."""
        if key in self.promises:
            self.promises[key] = max(0, self.promises[key] - size)
        self.free = max(0, self.free - size)

    def freed(self, size: int) -> None:
        """So many bytes were removed."""
        self.own = max(0, self.own - size)

    def give_back(self, key: str) -> None:
        """What is left of the promise."""
        self.promises.pop(key, None)
