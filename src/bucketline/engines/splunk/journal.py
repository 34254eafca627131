"""A journal's events, read without Splunk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bucketline.engines.splunk.codecs import Damaged, pieces
from bucketline.engines.splunk.patterns import (
    EVENTS,
    HASH_SIZE,
    HEADS,
    NUMBERS,
    OLD_EVENTS,
    SHIFTS,
    Values,
)

_OPCODE_MAX = 64 << 20  # No event is larger; what claims to be is damage.
_HOST, _STRING, _DELETE, _PRIVATE, _HEADER, _HASHES = 3, 6, 8, 9, 10, 11
_STATES = range(17, 32)
_Names = tuple[str, str, str]  # Host, source, sourcetype.
_Told = tuple[int, _Names, bytes]  # Time, names, raw.


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
    """No error: the piece at hand ends inside of an opcode, which goes on at least to there."""

    def __init__(self, end: int = 0) -> None:
        self.end = end


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
            raise _More(end)
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
    said: _Names | None = None  # What the active numbers mean, until either changes.
    values: Values = field(default_factory=Values)

    def names_now(self) -> _Names:
        self.said = (self._name(0), self._name(1), self._name(2))
        return self.said

    def _name(self, kind: int) -> str:
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
    for told in _batches(pieces_of_it):
        for time, names, raw in told:
            yield Event(time, *names, raw)


def _batches(pieces_of_it: Iterable[bytes]) -> Iterator[list[_Told]]:
    """The events of each piece. What is left of one waits until all of its event is there."""
    state, rest, size, wanted = _State(), [b""], 0, 0
    for piece in pieces_of_it:
        rest.append(piece)
        size += len(piece)
        if size < wanted:
            continue
        if wanted == 0 and size > _OPCODE_MAX + len(piece):
            raise Damaged("the journal is damaged: an item without an end")
        cursor, told = _Cursor(b"".join(rest)), list[_Told]()
        wanted = _read(cursor, state, told)
        rest = [cursor.data[cursor.at :]]
        size = len(rest[0])
        yield told
    if size:
        raise Damaged("the journal ends in the middle of an event")
    if not state.has_header:
        raise Damaged("the journal has no header")


def _read(cursor: _Cursor, state: _State, told: list[_Told]) -> int:
    """All that is whole; how many bytes what is not needs, or 0 if nobody can tell yet."""
    start, size = cursor.at, len(cursor.data)
    try:
        while cursor.at < size:
            start = cursor.at
            _usual(cursor, state, told)
            start = cursor.at
            if start < size:
                _step(cursor, state, told)
    except _More as more:
        cursor.at = start
        return max(0, more.end - start)
    return 0


def _usual(cursor: _Cursor, state: _State, told: list[_Told]) -> None:
    """Events as most are, one behind the other; what is anything else is left to `_step`."""
    data, at, values, base = cursor.data, cursor.at, state.values, state.base_time
    size, keep = len(data) if state.has_header else 0, told.append
    while at < size and (head := HEADS[data[at]]) is not None:
        found = head(data, at + 1)
        if found is None:
            break
        length, extended, time_text = found.groups()
        end, body = found.end(1) + values[length], found.end()
        if extended:
            body += values[extended]
        if not body <= end <= size:
            break
        time = values[time_text]
        keep((base + ((time >> 1) ^ -(time & 1)), state.said or state.names_now(), data[body:end]))
        cursor.at = at = end


def counted(path: Path, watch: Callable[[], None] = lambda: None) -> Counted:
    """Count and hash all that is in there. Raises `Damaged`."""
    found, digest = Counted(), hashlib.sha256()
    for told in _batches(pieces(path)):
        sizes = [len(raw) for _, _, raw in told]
        found.events += len(told)
        found.raw_size += sum(sizes)
        behind = zip(sizes, told, strict=True)
        digest.update(b"".join(size.to_bytes(8, "big") + raw for size, (_, _, raw) in behind))
        watch()
    found.digest = digest.hexdigest()
    return found


def _step(cursor: _Cursor, state: _State, told: list[_Told]) -> None:
    """One opcode, whatever it is."""
    opcode = cursor.take(1)[0]
    if not state.has_header and opcode != _HEADER:
        raise Damaged("the journal does not begin with a header")
    if opcode in EVENTS or opcode in OLD_EVENTS:
        told.append(_event(cursor, opcode, state))
    elif opcode in _STATES:
        _change(cursor, opcode, state)
    elif _HOST <= opcode <= _STRING:
        text = cursor.take(cursor.number()).decode("utf-8", "replace")
        state.names[opcode - _HOST].append(text)
        state.said = None
    elif opcode == _HEADER:
        header = cursor.take(6)
        state.base_time = int.from_bytes(header[2:], "little", signed=True)
        state.has_header = True
    elif opcode == _PRIVATE:
        cursor.take(cursor.number())
    elif opcode not in (0, _DELETE, _HASHES):
        raise Damaged(f"the journal is damaged: there is no opcode {opcode}")


def _change(cursor: _Cursor, opcode: int, state: _State) -> None:
    """Read whole before it is kept: it may end behind the bytes at hand, and is read again then."""
    active = list(state.active)
    for kind, mask in enumerate((8, 4, 2)):
        if opcode & mask:
            active[kind] = cursor.number()
    if opcode & 1:
        state.base_time = int.from_bytes(cursor.take(4), "little", signed=True)
    state.active, state.said = active, None


def _event(cursor: _Cursor, opcode: int, state: _State) -> _Told:
    length = cursor.number()
    start = cursor.at
    if length > _OPCODE_MAX:
        raise Damaged(f"the journal is damaged: an event of {length:,} bytes")
    if start + length > len(cursor.data):
        raise _More(start + length)
    end = start + length
    extended = cursor.number() if opcode & 4 else 0
    cursor.take(8 if opcode & 1 else 8 + HASH_SIZE)
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
    return time, state.names_now(), raw


def _bounded(count: int, length: int) -> int:
    if count > length:
        raise Damaged("the journal is damaged: more metadata than bytes")
    return count


def _skip_metadata(cursor: _Cursor, opcode: int) -> None:
    key = cursor.number()
    shift = SHIFTS[opcode]
    numbers = 1 if shift < 0 else NUMBERS[(key << shift) & 15]
    for _ in range(numbers):
        cursor.number()
