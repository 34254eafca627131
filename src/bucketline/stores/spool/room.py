"""How much may still be put on a volume: what is free, less what is promised. Pure."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import NamedTuple

_OBJECT = 16 << 10  # What an object takes besides its bytes: its sidecar, a marker, whole blocks.
_BLOCK = 4096  # What a part may take besides.
_NAMES = 4  # Files of an object besides its parts: sidecar, marker, folder, a draft.
_NAMES_SPARE = 8


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


def names_needed(parts: int = 1) -> int:
    """The files that an object of so many parts is, at most."""
    return parts + _NAMES


class Promise(NamedTuple):
    """What is kept for one object."""

    bytes: int
    names: int = 0


@dataclass(slots=True)
class Room:
    """The books of one volume. A promise is kept until it is used up or given back."""

    marks: Marks = field(default_factory=Marks)
    size: int = 0
    free: int = 0
    own: int = 0  # Bytes of staged objects and of parts under way.
    foreign: int | None = None  # The least that others were seen to take: what is half written
    # counts as theirs for a moment.
    promises: dict[str, Promise] = field(default_factory=dict)
    is_shut: bool = False  # Was full, and is not yet below the low mark.
    names: int | None = None  # Files that may still be made; None = as many as there is room for.
    refused: int | None = None  # What seemed free when the file system took no more.

    def measured(self, size: int, free: int, names: int | None = None) -> None:
        """What the file system says."""
        self.size, self.free, self.names = size, free, names
        if self.refused is not None and free <= self.refused:
            return  # By a limit that it does not tell: until something has gone.
        self.refused = None
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
        return sum(one.bytes for one in self.promises.values())

    def kept_for(self, key: str) -> int:
        """Bytes that were promised and are not used."""
        return self.promises[key].bytes if key in self.promises else 0

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
        if (self.is_shut and self.own + self.promised) or self.names_left < names_needed():
            return 0
        return max(0, self.most - self.used - self.promised)

    @property
    def names_left(self) -> int:
        """Files that may be promised now."""
        if self.names is None:
            return sys.maxsize
        return self.names - sum(one.names for one in self.promises.values()) - _NAMES_SPARE

    def refuse(self) -> None:
        """The file system takes no more."""
        self.is_shut, self.refused = True, self.free

    def promise(self, key: str, size: int, parts: int = 1) -> bool:
        """Whether `size` bytes, in so many parts, are kept for `key` from now on."""
        names = names_needed(parts)
        if size > self.left or names > self.names_left:
            return False
        old = self.promises.get(key, Promise(0))
        self.promises[key] = Promise(old.bytes + size, old.names + names)
        return True

    def use(self, key: str, size: int) -> None:
        """So many bytes of it are on the disk by now, where they count as used."""
        if (old := self.promises.get(key)) is not None:
            self.promises[key] = Promise(max(0, old.bytes - size), max(0, old.names - 1))
        self.free = max(0, self.free - size)
        if self.names is not None:
            self.names -= 1

    def freed(self, size: int) -> None:
        """So many bytes were removed."""
        self.own = max(0, self.own - size)

    def give_back(self, key: str) -> None:
        """What is left of the promise."""
        self.promises.pop(key, None)
