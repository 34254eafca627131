"""Small objects travel together: those that come together become one tar at the target.

For devices that extract such archives when they give up what they carry. Until then the members
are told, and read, as the objects that they will be: nothing is sent twice, and all can be proven.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from hashlib import md5 as md5_of
from operator import attrgetter
from typing import TypeVar

from bucketline.clock import Clock
from bucketline.errors import Broken, Changed, Mismatch, NotFound, StoreError, Unsupported
from bucketline.model import PLAIN, Attributes, Checksum, Entry, Found
from bucketline.stores.archive import Loose, can_hold, pack
from bucketline.stores.archived import Archived
from bucketline.stores.base import (
    Abilities,
    Flow,
    Gate,
    Page,
    Pause,
    Piece,
    Receipt,
    Store,
)
from bucketline.stores.wrap import Around

T = TypeVar("T")
MEMBER_MAX = 1 << 20  # Larger ones gain nothing.
MEMBERS_MAX = 2_048
WIDTH = 2 * MEMBERS_MAX  # Steps at once: while one archive is sent, the next one fills.
_SIZE_MAX = 64 << 20
_QUIET_SECONDS = 0.1  # Nobody came for so long: the archive is sent as it is.
_MTIME = "mtime"
_key_of = attrgetter("key")
_MARK = Attributes(metadata={"snowball-auto-extract": "true"})


class _Batch:
    """Objects that wait for the same archive, and what became of it."""

    def __init__(self) -> None:
        self.loose: list[Loose] = []
        self.size = 0
        self.over = Gate()
        self.is_extracted = False  # At once: the members stand by themselves.
        self.error: StoreError | None = None


class Packing(Around):
    """What is small and new goes into archives in `folders[0]`; those of all folders are read."""

    def __init__(
        self,
        store: Store,
        folders: Sequence[str],
        clock: Clock,
        *,
        quiet_seconds: float = _QUIET_SECONDS,
    ) -> None:
        super().__init__(store)
        self._folder = folders[0]
        self._known = Archived(store, folders)
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._gathering: _Batch | None = None

    @property
    def able(self) -> Abilities:
        """A member's etag is its MD5, and that is all that is told of it."""
        return replace(
            self.store.able, etag_is_md5=True, checksums=frozenset(), answers=frozenset()
        )

    def takes(self, key: str, size: int) -> bool:
        """Whether such an object can be a member."""
        fits = 0 < size <= MEMBER_MAX and key.startswith(self._folder)
        return fits and can_hold(key[len(self._folder) :])

    def holds(self, key: str) -> str:
        """The archive that the object is in; "" = in none."""
        there = self._known.members.get(key)
        return there.archive.key if there else ""

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        known = self._known
        yield from known.load(anew=not (token or after))
        last, inner = json.loads(token) if token else (after, "")
        page = yield from self.store.page(prefix, token=inner, after=after)
        plain = [one for one in page.entries if one.key not in known.archives]
        known.stand_alone(plain)
        reached = page.entries[-1].key if page.entries else last
        is_sorted = self.store.able.sorted
        if page.token and not is_sorted:
            members = []
        else:
            members = known.between(prefix, last, reached if page.token else None)
        entries = plain + members
        if members and is_sorted:
            entries.sort(key=_key_of)
        return Page(entries, json.dumps([reached, page.token]) if page.token else "")

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        member = None if version else (yield from self._known.find(key))
        if member is not None and (yield from self._known.is_there(member)):
            return Found(member.entry(key))
        return (yield from self.store.stat(key, version=version))

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        member = None if version else (yield from self._known.find(key))
        if member is None:
            words = {"start": start, "size": size, "version": version, "etag": etag}
            return (yield from self.store.read(key, **words))  # type: ignore[arg-type]
        if etag and etag != member.packed.md5:
            raise Changed("the object is another one now", store=self.name, key=key)
        left = max(0, member.packed.size - start)
        wanted = left if size is None else min(size, left)
        entry = member.entry(key)
        if not wanted:
            return Piece(Found(entry), b"")
        archive, offset = member.archive, member.packed.offset + start
        try:
            piece = yield from self.store.read(
                archive.key, start=offset, size=wanted, etag=archive.pin
            )
        except NotFound:  # It was extracted meanwhile.
            self._known.forget(archive.key)
            return (yield from self.read(key, start=start, size=size, etag=etag))
        return Piece(Found(entry), piece.body)

    def write(
        self,
        key: str,
        body: bytes,
        *,
        attributes: Attributes = PLAIN,
        md5: bytes = b"",
        checksum: Checksum | None = None,
        if_absent: bool = False,
    ) -> Flow[Receipt]:
        """A member is there once its archive is, and proven by it."""
        if if_absent or not self.takes(key, len(body)) or _is_more(attributes):
            alone = self.store.write(
                *(key, body),
                attributes=attributes,
                md5=md5,
                checksum=checksum,
                if_absent=if_absent,
            )
            return (yield from alone)
        digest = (md5 or md5_of(body, usedforsecurity=False).digest()).hex()
        batch, leads = self._gathering, False
        if batch is None:
            batch, leads = _Batch(), True
            self._gathering = batch
        name, modified = key[len(self._folder) :], _modified(attributes, self._clock.now())
        batch.loose.append(Loose(name, bytes(body), digest, modified))
        batch.size += len(body)
        if len(batch.loose) >= MEMBERS_MAX or batch.size >= _SIZE_MAX:
            self._gathering = None
        if leads:
            yield from self._lead(batch)
        else:
            yield batch.over
        if batch.error is not None:
            raise copy(batch.error)  # Each has one of its own: its message may yet grow.
        if batch.is_extracted:
            entry = (yield from self.store.stat(key)).entry
            return Receipt(entry.etag, entry.version, stamp=entry.stamp)
        return Receipt(digest)

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        if archive := self.holds(key):
            raise self.is_held(key, archive)
        yield from self.store.delete(key, version=version)

    def is_held(self, key: str, archive: str) -> Unsupported:
        """The error of whoever would change a member."""
        return Unsupported(
            f"it is in {archive}, which the device has yet to extract; sync it after that,"
            " or take that archive away and sync again",
            store=self.name,
            key=key,
        )

    def _lead(self, batch: _Batch) -> Flow[None]:
        """Wait until it is full or nobody comes any more, and send it."""
        batch.error = Broken("the archive of many objects broke off", store=self.name)
        try:
            count = 0
            while self._gathering is batch and count < len(batch.loose):
                count = len(batch.loose)
                yield Pause(self._quiet_seconds)
            if self._gathering is batch:
                self._gathering = None
            yield from self._send(batch)
            batch.error = None
        except StoreError as error:
            batch.error = error
        finally:
            batch.over.open()

    def _send(self, batch: _Batch) -> Flow[None]:
        made = pack(batch.loose)
        key = self._folder + made.name
        receipt = yield from self.store.write(key, made.body, attributes=_MARK, md5=made.md5)
        pin = receipt.pin
        if receipt.etag != made.md5.hex() or not self.store.able.etag_is_md5:
            try:
                back = yield from self.store.read(key, version=receipt.version)
            except NotFound:
                batch.is_extracted = True
                return
            if back.body != made.body:
                said = "the target holds other bytes than were sent"
                raise Mismatch(said, store=self.name, key=key)
            pin = back.found.entry.pin
        self._known.sent(Entry(key, len(made.body), self._clock.now(), pin), made.members)

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        del verb, call
        return flow


def _is_more(attributes: Attributes) -> bool:
    """Whether it has more than a type and a time: that no archive could hold."""
    return bool(
        attributes.metadata.keys() - {_MTIME}
        or attributes.tags
        or attributes.tier
        or attributes.protection
        or attributes.headers.keys() - {"content-type"}
    )


def _modified(attributes: Attributes, now: float) -> float:
    """A file's own time, as far as a tar can tell it."""
    try:
        return max(0.0, float(attributes.metadata[_MTIME]))
    except (KeyError, ValueError):
        return now
