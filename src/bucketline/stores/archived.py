"""What is in the archives at a place: objects that are there, and not extracted yet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bucketline.errors import NotFound
from bucketline.model import Entry
from bucketline.stores.archive import Packed, index_of, members_of, stem
from bucketline.stores.base import Flow, Gate, Store, Together

_AT_ONCE = 8


class Member(NamedTuple):
    """Where an object is until it is extracted."""

    archive: Entry
    packed: Packed

    def entry(self, key: str) -> Entry:
        """As the object that it will be."""
        return Entry(key, self.packed.size, self.archive.modified, self.packed.md5)


class Archived:
    """The archives in these folders, by what their indexes say."""

    def __init__(self, store: Store, folders: Sequence[str]) -> None:
        self.members: dict[str, Member] = {}
        self.archives: dict[str, Entry] = {}
        self._store = store
        self._folders = folders
        self._order: list[str] = []  # Keys of members as they were when the last listing began.
        self._loading: Gate | None = None
        self._is_loaded = False
        self._fresh: set[str] = set()  # Archives that were sent since the last listing began.

    def load(self, *, anew: bool = False) -> Flow[None]:
        """What there is; once at a time, and once for all unless it is wanted anew."""
        while self._loading is not None and not self._loading.is_open:
            anew = False
            yield self._loading
        if self._is_loaded and not anew:
            return
        gate = self._loading = Gate()
        self._is_loaded = False
        try:
            there = yield from self._listed()
            self._fresh.clear()
            for gone in [key for key, one in self.archives.items() if there.get(key) != one.pin]:
                self.forget(gone)
            fresh = [self._index(there, key) for key in there if key not in self.archives]
            yield Together(fresh, width=_AT_ONCE)
            self._order = sorted(self.members)
            self._is_loaded = True
        finally:
            gate.open()

    def find(self, key: str) -> Flow[Member | None]:
        """None = it is in no archive that is known."""
        yield from self.load()
        return self.members.get(key)

    def is_there(self, member: Member) -> Flow[bool]:
        """Whether its archive is still the one that it was in."""
        archive = member.archive
        if archive.key in self._fresh:
            return True
        try:
            found = yield from self._store.stat(archive.key)
        except NotFound:
            self.forget(archive.key)
            return False
        return found.entry.pin == archive.pin

    def sent(self, archive: Entry, members: Iterable[Packed]) -> None:
        """It was proven a moment ago: until the next listing nobody needs to ask."""
        self._fresh.add(archive.key)
        self._learn(archive, members)

    def _learn(self, archive: Entry, members: Iterable[Packed]) -> None:
        folder = archive.key[: archive.key.rfind("/") + 1]
        self.archives[archive.key] = archive
        for one in members:
            self.members[folder + one.name] = Member(archive, one)

    def forget(self, archive: str) -> None:
        """It is there no more."""
        self.archives.pop(archive, None)
        gone = [key for key, one in self.members.items() if one.archive.key == archive]
        for key in gone:
            del self.members[key]

    def stand_alone(self, plain: Iterable[Entry]) -> None:
        """What is there by itself came after what is in an archive."""
        for one in plain:
            self.members.pop(one.key, None)

    def between(self, prefix: str, after: str, upto: str | None) -> list[Entry]:
        """Members behind one key and up to another; None = to the end."""
        start = bisect_right(self._order, after)
        end = len(self._order) if upto is None else bisect_right(self._order, upto)
        keys = (key for key in self._order[start:end] if key.startswith(prefix))
        return [self.members[key].entry(key) for key in keys if key in self.members]

    def _listed(self) -> Flow[dict[str, str]]:
        """Keys of archives, and their pins."""
        found: dict[str, str] = {}
        for folder in self._folders:
            token, is_over = "", False
            while not is_over:
                page = yield from self._store.page(stem(folder), token=token)
                for one in page.entries:
                    if index_of(one.key[len(folder) :]) is not None:
                        found[one.key] = one.pin
                token = page.token
                is_over = not token
        return found

    def _index(self, there: dict[str, str], key: str) -> Flow[None]:
        start = index_of(key[key.rfind("/") + 1 :]) or 0
        piece = yield from self._store.read(key, start=start, etag=there[key])
        self._learn(piece.found.entry, members_of(piece.body, f"{self._store.name}{key}"))
