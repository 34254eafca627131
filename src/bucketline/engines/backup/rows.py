"""What a catalogue says of one object: a JSON line that anybody can read. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from bucketline.engines.backup.marks import moment
from bucketline.errors import Broken
from bucketline.model import PLAIN, Attributes, Entry, nothing

GONE = "gone"  # The state of what the backup does not hold any more.
DROPPED = "dropped"  # A version that a purge destroyed: known, so that it is not copied again.
MARKER = "marker"  # Of a version that says only that the key was deleted then.


@dataclass(frozen=True, slots=True)
class Row:
    """One object. One without an etag says only what changed of an earlier one."""

    key: str  # Of the backup.
    size: int = 0
    etag: str = ""
    version: str = ""  # At the backup, where that keeps versions.
    source_etag: str = ""
    source_version: str = ""
    modified: float = 0.0  # At the source.
    attributes: Attributes = PLAIN  # As the source had them.
    hashes: Mapping[str, str] = field(default_factory=nothing)
    proof: str = ""
    run: str = ""
    deleted: str | None = None  # Since when it is gone at the source; "" = it is there.
    purged: str = ""  # Since when it is hidden behind a delete marker of ours.
    state: str = ""
    history: tuple[Row, ...] = ()  # Every version, oldest first, where the backup keeps them.

    @property
    def is_whole(self) -> bool:
        """Whether it needs no earlier one."""
        return bool(self.etag) or bool(self.history) or self.state == GONE

    def over(self, older: Row) -> Row:
        """What both of them say."""
        if self.is_whole:
            return self
        deleted = older.deleted if self.deleted is None else self.deleted
        return replace(older, deleted=deleted, run=self.run or older.run)

    @property
    def entry(self) -> Entry:
        """As the backup would list it."""
        return Entry(self.key, self.size, self.modified, self.etag, "", self.attributes.tier)

    def then(self, at: float) -> Row | None:
        """As it was at that time of the source's clock; None = it was not."""
        past = [one for one in self.history if one.modified <= at]
        real = next((one for one in reversed(past) if one.state != MARKER), None)
        if real is None or real.state == DROPPED:
            return None
        deleted = moment(past[-1].modified) if past[-1].state == MARKER else ""
        return replace(real, key=self.key, deleted=deleted)

    def dropped(self) -> Row:
        """Without any of the versions that it had."""
        history = tuple(
            one if one.state == MARKER else replace(one, state=DROPPED) for one in self.history
        )
        return replace(self, state=DROPPED, purged="", history=history)

    def line(self) -> str:
        """Without what is empty."""
        return json.dumps(self.told(), ensure_ascii=False, separators=(",", ":"))

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        told: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        told = {name: value for name, value in told.items() if value}
        told |= {"deleted": self.deleted} if self.deleted is not None else {}
        told |= {"hashes": dict(self.hashes)} if self.hashes else {}
        named = {name: _plain(getattr(self.attributes, name)) for name in _ATTRIBUTES}
        named = {name: value for name, value in named.items() if value}
        told |= {"attributes": named} if named else {}
        return told | ({"history": [one.told() for one in self.history]} if self.history else {})


_PLAIN_FIELDS = (
    *("key", "size", "etag", "version", "source_etag", "source_version", "modified"),
    *("proof", "run", "purged", "state"),
)
_ATTRIBUTES = ("headers", "metadata", "tags", "tier", "protection")


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else dict(value)


def row_of(line: str | bytes) -> Row:
    """Raises `Broken`."""
    try:
        return _row(json.loads(line))
    except (ValueError, TypeError) as error:
        raise Broken(f"a line of the catalogue makes no sense: {error}") from error


def _row(told: dict[str, Any]) -> Row:
    attributes = Attributes(**told.pop("attributes", {}))
    history = tuple(_row({"key": "", **one}) for one in told.pop("history", ()))
    return Row(**told, attributes=attributes, history=history)


def folded(rows: Iterable[Row]) -> Iterator[Row]:
    """One row a key, of rows in key order, the older first."""
    last: Row | None = None
    for row in rows:
        if last is not None and last.key == row.key:
            last = row.over(last)
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


K = TypeVar("K", bound=_Keyed)


class Beside(Generic[K]):
    """A stream in key order, asked for one key after the other."""

    def __init__(self, stream: Iterable[K]) -> None:
        self._stream = iter(stream)
        self._next: K | None = next(self._stream, None)

    def at(self, key: str) -> K | None:
        """What it holds of this key."""
        while self._next is not None and self._next.key < key:
            self._next = next(self._stream, None)
        return self._next if self._next is not None and self._next.key == key else None
