"""A journal's events, read without Splunk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bucketline.engines.splunk.codecs import Damaged, pieces

_OPCODE_MAX = 64 << 20  # No event is larger; what claims to be is damage.
_HOST, _STRING, _DELETE, _PRIVATE, _HEADER, _HASHES = 3, 6, 8, 9, 10, 11
_OLD_EVENTS, _EVENTS, _STATES = (1, 2), range(32, 44), range(17, 32)
_HASH_SIZE = 20
# How many numbers follow a key of the metadata, by the type in its lowest bits.
_NUMBERS = (1, 0, 1, 2, 2, 0, 2, 3, 1, 1, 1, 2, 3, 0, 2, 0)


class Event(NamedTuple):
    """One event; host, source and sourcetype without the prefixes that journals give them."""

    time: int
    host: str
    source: str
    sourcetype: str
    raw: bytes


@dataclass(slots=True)
class Counted:
    """What a journal holds, all in all."""

    events: int = 0
    raw_size: int = 0
    digest: str = ""  # SHA-256 of the raw events, each behind its length.


class _More(Exception):
    """No error: the piece at hand ends inside of an opcode."""


@dataclass(slots=True)
class _Cursor:
    """Where reading stands in the bytes at hand."""

    data: bytes
    at: int = 0

    def number(self) -> int:
        """An unsigned number of variable width."""
        value = shift = 0
        data, at = self.data, self.at
        while True:
            if at >= len(data):
                raise _More
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.at = at
                return value
            shift += 7
            if shift > 63:
                raise Damaged("the journal is damaged: a number without an end")

    def signed(self) -> int:
        value = self.number()
        return (value >> 1) ^ -(value & 1)

    def take(self, size: int) -> bytes:
        if size > _OPCODE_MAX:
            raise Damaged(f"the journal is damaged: an item of {size:,} bytes")
        end = self.at + size
        if end > len(self.data):
            raise _More
        taken = self.data[self.at : end]
        self.at = end
        return taken


@dataclass(slots=True)
class _State:
    """What opcodes have said so far of the events to come."""

    names: tuple[list[str], ...] = field(default_factory=lambda: ([], [], [], []))
    active: list[int] = field(default_factory=lambda: [0, 0, 0])
    base_time: int = 0
    has_header: bool = False

    def name(self, kind: int) -> str:
        number = self.active[kind]
        if number == 0:
            return ""
        if number > len(self.names[kind]):
            raise Damaged("the journal is damaged: it means a host or source that it never named")
        return self.names[kind][number - 1].partition("::")[2]


def events(path: Path) -> Iterator[Event]:
    """Each event, in the journal's order. Raises `Damaged`."""
    return decoded(pieces(path))


def decoded(pieces_of_it: Iterable[bytes]) -> Iterator[Event]:
    """Events out of bytes that are no longer compressed."""
    state, rest = _State(), b""
    for piece in pieces_of_it:
        cursor = _Cursor(rest + piece)
        start = 0
        try:
            while cursor.at < len(cursor.data):
                start = cursor.at
                event = _step(cursor, state)
                if event is not None:
                    yield event
            rest = b""
        except _More:
            rest = cursor.data[start:]
            if len(rest) > _OPCODE_MAX + len(piece):
                raise Damaged("the journal is damaged: an item without an end") from None
    if rest:
        raise Damaged("the journal ends in the middle of an event")
    if not state.has_header:
        raise Damaged("the journal has no header")


def counted(path: Path, watch: Callable[[], None] = lambda: None) -> Counted:
    """Count and hash all that is in there. Raises `Damaged`."""
    found, digest = Counted(), hashlib.sha256()
    for event in events(path):
        found.events += 1
        found.raw_size += len(event.raw)
        digest.update(len(event.raw).to_bytes(8, "big") + event.raw)
        if found.events % 100_000 == 0:
            watch()
    found.digest = digest.hexdigest()
    return found


def _step(cursor: _Cursor, state: _State) -> Event | None:
    opcode = cursor.take(1)[0]
    if not state.has_header and opcode != _HEADER:
        raise Damaged("the journal does not begin with a header")
    if opcode in _EVENTS or opcode in _OLD_EVENTS:
        return _event(cursor, opcode, state)
    if opcode in _STATES:
        _change(cursor, opcode, state)
    elif _HOST <= opcode <= _STRING:
        text = cursor.take(cursor.number()).decode("utf-8", "replace")
        state.names[opcode - _HOST].append(text)
    elif opcode == _HEADER:
        header = cursor.take(6)
        state.base_time = int.from_bytes(header[2:], "little", signed=True)
        state.has_header = True
    elif opcode == _PRIVATE:
        cursor.take(cursor.number())
    elif opcode not in (0, _DELETE, _HASHES):
        raise Damaged(f"the journal is damaged: there is no opcode {opcode}")
    return None


def _change(cursor: _Cursor, opcode: int, state: _State) -> None:
    """Read whole before it is kept: it may end behind the bytes at hand, and is read again then."""
    active = list(state.active)
    for kind, mask in enumerate((8, 4, 2)):
        if opcode & mask:
            active[kind] = cursor.number()
    if opcode & 1:
        state.base_time = int.from_bytes(cursor.take(4), "little", signed=True)
    state.active = active


def _event(cursor: _Cursor, opcode: int, state: _State) -> Event:
    length = cursor.number()
    start = cursor.at
    if length > _OPCODE_MAX:
        raise Damaged(f"the journal is damaged: an event of {length:,} bytes")
    if start + length > len(cursor.data):
        raise _More
    end = start + length
    extended = cursor.number() if opcode & 4 else 0
    cursor.take(8 if opcode & 1 else 8 + _HASH_SIZE)
    cursor.number()
    cursor.number()
    time = state.base_time + cursor.signed()
    cursor.number()
    for _ in range(_bounded(cursor.number(), length)):
        _skip_metadata(cursor, opcode)
    cursor.take(extended)
    if cursor.at > end:
        raise Damaged("the journal is damaged: an event is shorter than what is in it")
    raw = cursor.take(end - cursor.at)
    return Event(time, state.name(0), state.name(1), state.name(2), raw)


def _bounded(count: int, length: int) -> int:
    if count > length:
        raise Damaged("the journal is damaged: more metadata than bytes")
    return count


def _skip_metadata(cursor: _Cursor, opcode: int) -> None:
    key = cursor.number()
    numbers = 1 if opcode in _OLD_EVENTS else _NUMBERS[(key << 2 if opcode < 36 else key) & 15]
    for _ in range(numbers):
        cursor.number()
