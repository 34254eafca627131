"""Guesses which key comes so many keys further on, from keys that were seen.

A guess is only ever a place to start a page at, never a claim: a bad one costs a request.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

_SAMPLE = 64  # Keys that are remembered for the characters they are made of.
_PER_PAGE = 8
_ABOVE = 8  # Places above the one that changes: where a carry goes.
_BELOW = 8  # Places below it: how finely we measure.
_FAMILIES = ("0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_HEX = ("ABCDEF", "abcdef")
_KEY_BYTES_MAX = 1024  # Of any key, so a longer one may be refused.
_SPAN_MAX = 512  # Characters that a place can be guessed to hold.


class Scale(NamedTuple):
    """Where the number begins in a key, its digits there, and how much of it a key is."""

    start: int
    digits: list[list[str]]
    per_key: float


class Ruler:
    """Reads keys as numbers whose digits are, place by place, the characters seen there."""

    def __init__(self, prefix: str) -> None:
        self._fixed = len(prefix)
        self._sample: deque[str] = deque(maxlen=_SAMPLE)
        self._marks: deque[tuple[int, str]] = deque(maxlen=8)
        self._count = 0
        self._known_scale: Scale | None = None
        self._is_fresh = False

    def learn(self, keys: Sequence[str]) -> None:
        """Keys that are known to follow those learnt before, with none between them."""
        if keys:
            self._count += len(keys)
            self._marks.append((self._count, keys[-1]))
            self.see(keys)
            self._is_fresh = False

    def see(self, keys: Sequence[str]) -> None:
        """Keys from anywhere."""
        self._sample.extend(keys[:: max(1, len(keys) // _PER_PAGE)])

    def ahead(self, key: str, count: int) -> str | None:
        """About `count` keys after `key`; None if there is no telling."""
        scale = self._scale()
        if scale is None:
            return None
        start, digits, per_key = scale
        text = _text(_value(key[start:], digits) + int(count * per_key), digits)
        if text is None or len((key[:start] + text).encode()) > _KEY_BYTES_MAX:
            return None
        return key[:start] + text

    def between(self, key: str, upper: str) -> float:
        """About how many keys come after `key` up to `upper`."""
        scale = self._scale()
        if scale is None:
            return 0.0
        start, digits, per_key = scale
        if key[:start] != upper[:start]:
            return float("inf")
        return (_value(upper[start:], digits) - _value(key[start:], digits)) / per_key

    def _scale(self) -> Scale | None:
        """How to read keys as numbers now."""
        if not self._is_fresh:
            self._known_scale = self._new_scale()
            self._is_fresh = True
        return self._known_scale

    def _new_scale(self) -> Scale | None:
        if len(self._marks) < 2:
            return None
        (first, one), (last, other) = self._marks[0], self._marks[-1]
        place = _parting(one, other)
        start = max(self._fixed, place - _ABOVE)
        digits = [self._digits(at) for at in range(start, place + _BELOW)]
        far = _value(other[start:], digits) - _value(one[start:], digits)
        return Scale(start, digits, far / (last - first)) if far > 0 else None

    def _digits(self, at: int) -> list[str]:
        """The characters that may stand at this place, in order."""
        seen = {known[at] for known in self._sample if len(known) > at}
        found = set(seen)
        for family in _FAMILIES:
            if not seen.isdisjoint(family):
                found.update(family)
        if not seen.isdisjoint(_FAMILIES[0]):
            found -= _beyond_hex(seen)
        others = seen.difference(*_FAMILIES)
        if len(others) > 2:
            low, high = ord(min(others)), ord(max(others))
            end = min(2 * high - low, 0x10FFFF)
            found.update(map(chr, range(low, end, 1 + (end - low) // _SPAN_MAX)))
        return sorted(filter(_is_safe, found))


def _beyond_hex(seen: set[str]) -> set[str]:
    """Letters that numbers in base 16 do without, if it is such numbers that we see."""
    beyond: set[str] = set()
    for family, few in zip(_FAMILIES[1:], _HEX, strict=True):
        letters = seen.intersection(family)
        if letters and letters.issubset(few):
            beyond.update(set(family).difference(few))
    return beyond


def _is_safe(character: str) -> bool:
    """Whether a URL, an XML page and UTF-8 can carry it without doubt."""
    return character.isprintable() and not "\ud800" <= character <= "\udfff"


def _parting(one: str, other: str) -> int:
    """The first place where they differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _value(text: str, digits: Sequence[list[str]]) -> int:
    value, is_past = 0, False
    for at, known in enumerate(digits):
        value *= max(1, len(known))
        if at < len(text) and not is_past:
            rank = bisect_left(known, text[at])
            is_past = rank == len(known)  # Past all that we know: as far as this place goes.
            value += min(rank, max(0, len(known) - 1))
    return value


def _text(value: int, digits: Sequence[list[str]]) -> str | None:
    """The key for a number; None if it has more digits than there are places."""
    text = []
    for known in reversed(digits):
        if known:
            value, rank = divmod(value, len(known))
            text.append(known[rank])
    return None if value else "".join(reversed(text))
