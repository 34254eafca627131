"""Finds out which line of a proof was changed, which is missing, and which does not belong there.

Each object's line bears its number, and a part of the hash of the line before. Whoever forges a
proof can make both anew: then only the root tells, and that something was changed, not where.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bucketline.flow.proof.manifest import link


class Problem(NamedTuple):
    """What is wrong, and in which line of the file; 0 = in the file as a whole."""

    line: int
    what: str  # changed missing added truncated count root signature signer newer unreadable
    message: str


class Order:
    """Takes the lines as they come."""

    def __init__(self, header: bytes) -> None:
        self._expected = 1
        self._before: tuple[int, bytes] | None = (1, header)  # The last line in its place.
        self._suspect = 0  # A line that the next one does not fit: one of the two was changed.

    def take(self, line: int, number: int, after: str, leaf: bytes) -> Iterator[Problem]:
        """An object's line: its place in the file, what it says of itself, and its hash."""
        if number < self._expected:
            yield Problem(
                line, "added", f"object {number} was there before: repeated, put in or moved"
            )
            return
        if number > self._expected:
            yield from self._missing(line, number)
        else:
            yield from self._linked(after)
        self._expected, self._before = number + 1, (line, leaf)

    def broken(self, line: int) -> Problem:
        """A line that says nothing of itself."""
        self._expected += 1
        self._before, self._suspect = None, 0
        return Problem(line, "changed", "it is no line of an object")

    def end(self, after: object, *, is_intact: bool) -> Iterator[Problem]:
        """The footer. When the root fits, no object's line was changed, whatever it looks like."""
        yield from self._linked(after)
        if self._suspect and (not is_intact or self._suspect == 1):
            yield _changed(self._suspect)

    def _missing(self, line: int, number: int) -> Iterator[Problem]:
        count = number - self._expected
        which = f"object {self._expected} is"
        if count > 1:
            which = f"objects {self._expected} to {number - 1} are"
        yield Problem(line, "missing", f"{which} missing before it")
        self._suspect = 0

    def _linked(self, after: object) -> Iterator[Problem]:
        """Three lines tell which of two was changed: the one in the middle is intact, or is not."""
        if self._before is None:
            return
        line, leaf = self._before
        fits = after == link(leaf)
        suspect, self._suspect = self._suspect, 0
        if suspect:
            yield _changed(suspect if fits else line)
        elif not fits:
            self._suspect = line


def _changed(line: int) -> Problem:
    return Problem(line, "changed", "it is not the line that was written")
