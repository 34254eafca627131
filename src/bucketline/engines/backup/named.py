"""Only the keys that somebody named, each asked for, as a listing of them would tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bucketline.engines.backup.brakes import Brake
from bucketline.errors import Denied, NotFound
from bucketline.flow.look.listing import Caller
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store, Together

_AT_ONCE = 32
_PAGE = 1_000


class Named:
    """What is not there is left out, and so is whatever only a listing could show."""

    is_disordered = False

    def __init__(self, store: Store, keys: Sequence[str], drive: Caller) -> None:
        self._store = store
        self._keys = keys  # In order, each once.
        self._drive = drive
        self.notes: list[str] = []

    def pages(self) -> Iterator[list[Entry]]:
        for at in range(0, len(self._keys), _PAGE):
            found = self._drive.call(self._asked(self._keys[at : at + _PAGE]))
            yield [entry for entry in found if entry is not None]

    def _asked(self, keys: Sequence[str]) -> Flow[list[Entry | None]]:
        told: list[Entry | None] = yield Together([self._one(key) for key in keys], _AT_ONCE)
        return told

    def _one(self, key: str) -> Flow[Entry | None]:
        try:
            entry = (yield from self._store.stat(key)).entry
        except NotFound:
            return None
        except Denied:
            return Entry(key, 0)  # Its copy fails, and says so, and keeps no other one up.
        return entry._replace(version="")  # As a listing tells it.


def keys_at(named: Sequence[str], source_prefix: str, prefix: str) -> list[str]:
    """Keys of a source, as the side with this prefix has them."""
    below = [key for key in named if key.startswith(source_prefix) and key != source_prefix]
    return [prefix + key[len(source_prefix) :] for key in below]


@dataclass(frozen=True, slots=True)
class Onward(Brake):
    """Counts on from what earlier passes of named keys did: many small ones are one burst."""

    before: int = 0
    live: int = 0  # What there was at the last listing: named keys alone say nothing of that.

    @classmethod
    def of(cls, one: Brake, before: int, live: int) -> Onward:
        return cls(one.said, one.what, one.option, one.number, one.percent, before, live)

    def looks_at(self, count: int) -> bool:
        """The few of this pass, too."""
        return count > 0

    def expect(self, count: int, held: int, more: str = "") -> None:
        """Raise `Refused` for too many of those that are held."""
        Brake.expect(self, self.before + count if count else 0, self.live or held, more)
