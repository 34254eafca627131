"""A folder as a store.

A key is a path below the root. What no file can stand for is refused by name: `Unholdable` when it
comes as a key, an entry of `refused` when a listing meets it as a file (a name that is not UTF-8, a
device, a link out of the root). Links to files within the root are read as files; links to folders
are not entered; nothing is ever written through a link: it is replaced.
Empty folders do not count: they go with their last file, and give way to a file of their name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from bucketline.clock import Clock, SystemClock
from bucketline.errors import NotFound, StoreError, Unholdable
from bucketline.model import PLAIN, Attributes, Checksum, Entry, Found
from bucketline.stores.base import (
    Abilities,
    Flow,
    OpenUpload,
    Page,
    Part,
    Piece,
    Receipt,
    Sums,
    Work,
)
from bucketline.stores.digests import VOUCHED
from bucketline.stores.local import read as reading
from bucketline.stores.local.attributes import HashMemory, entry, known_etags
from bucketline.stores.local.paths import why_unholdable
from bucketline.stores.local.proven import Told
from bucketline.stores.local.retouch import retouch
from bucketline.stores.local.sync import Group
from bucketline.stores.local.upload import Parts, Uploads
from bucketline.stores.local.walk import Notices, Walk
from bucketline.stores.local.write import Place, Put, Removal, clear_away

_WALKS_MAX = 16
_LARGE = 256 << 10  # From here on a file is written and flushed without making others wait.
# Those that can be made piece by piece.
_ANSWERS = frozenset(name for name, one in VOUCHED.items() if one.combine)


class LocalStore:
    """The files below `root`. All its work is `Work`; it is safe in any number of threads."""

    def __init__(
        self,
        root: str,
        hashes: HashMemory | None = None,
        *,
        page_size: int = 1000,
        clock: Clock | None = None,
    ) -> None:
        self._place = Place(root, hashes, clock or SystemClock())
        self.name = self._place.name
        self.page_size = page_size
        self.notices = Notices()
        self._able = Abilities(
            etag_is_md5=hashes is not None,
            tags=True,
            is_folder=True,
            vouches_for_parts=True,
            conditional_write=True,
            answers=_ANSWERS,
            part_size_min=1,
        )
        self._group = Group()
        self._uploads = Uploads(self._place)
        self._walks: dict[tuple[str, str], Walk] = {}

    @property
    def able(self) -> Abilities:
        if not self._place.keeps_attributes and self._able.metadata:
            self._able = replace(self._able, metadata=False, tags=False)
        return self._able

    @property
    def refused(self) -> Mapping[str, str]:
        """What listings met that can be no object: its path -> why."""
        return self.notices.refused

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        page: Page = yield Work(lambda: self._page(prefix, token, after), "page", prefix)
        return page

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        self._expect_no_version(key, version)
        found: Found = yield Work(lambda: reading.look(self._place, key), "stat", key)
        return found

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        self._expect_no_version(key, version)
        call = partial(reading.read, self._place, key, start, size, etag)
        if size is None:
            brief = partial(reading.read_if_small, self._place, key, start, etag)
            small: Piece | None = yield Work(brief, "read", key, is_brief=True)
            if small is not None:
                return small
        piece: Piece = yield Work(call, "read", key)
        return piece

    def remember(self, entry: Entry, etag: str) -> None:
        """The bytes that were read of this file have this etag: listings will tell it."""
        reading.learn(self._place, entry, etag)

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
        put = Put(self._place, self._checked(key), attributes)
        put.if_absent = if_absent
        put.fill(body, Told(md5, checksum))
        if len(body) >= _LARGE:
            yield Work(put.write_alone, "fill", key)
        return (yield from self._settle(put, "write"))

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        errors = yield from self.delete_many([] if version else [key])
        for error in errors.values():
            raise error

    def delete_many(self, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
        removals = [
            Removal(self._place, key) for key in keys if not why_unholdable(key, len(self.name))
        ]
        for removal in removals:
            self._group.join(removal)
        if removals:
            yield Work(lambda: self._removed(removals), "delete", removals[0].key)
        return {one.key: one.error for one in removals if one.error is not None}

    def tags(self, key: str, *, version: str = "") -> Flow[dict[str, str]]:
        found = yield from self.stat(key, version=version)
        return dict(found.attributes.tags)

    def retouch(
        self, key: str, attributes: Attributes, there: Found, *, part_size: int
    ) -> Flow[Receipt]:
        """Other attributes for a file whose bytes stay."""
        del part_size
        call = partial(retouch, self._place, self._checked(key), attributes, there)
        receipt: Receipt = yield Work(call, "retouch", key)
        return receipt

    def begin(
        self,
        key: str,
        size: int,
        *,
        attributes: Attributes = PLAIN,
        algorithm: str = "",  # noqa: ARG002
    ) -> Flow[str]:
        put = Put(self._place, self._checked(key), attributes)
        upload: str = yield Work(lambda: self._uploads.begin(put, size), "begin", key)
        return upload

    def part(
        self,
        key: str,
        upload: str,
        number: int,
        body: bytes,
        *,
        offset: int,
        md5: bytes = b"",
        checksum: Checksum | None = None,
    ) -> Flow[Receipt]:
        parts = self._uploads.get(key, upload)
        call = partial(parts.write, number, body, offset, Told(md5, checksum))
        receipt: Receipt = yield Work(call, "part", key)
        return receipt

    def finish(
        self,
        key: str,
        upload: str,
        etags: Sequence[str],
        *,
        sums: Sums | None = None,
    ) -> Flow[Receipt]:
        if done := self._uploads.finished.get(upload):
            return done
        parts = self._uploads.get(key, upload)
        try:
            yield Work(lambda: parts.close(etags, sums), "fill", key)
            receipt = yield from self._settle(parts.put, "finish")
        except StoreError:
            if parts.put.error is not None:
                self._uploads.abandon(key, upload)
            raise
        self._uploads.end(upload, receipt)
        return receipt

    def abandon(self, key: str, upload: str) -> Flow[None]:
        yield Work(lambda: self._uploads.abandon(key, upload), "abandon", key)

    def list_parts(self, key: str, upload: str) -> Flow[list[Part]]:
        if not self._uploads.is_under_way(upload):
            left: Parts = yield Work(lambda: self._uploads.reopened(key, upload), "list_parts", key)
            try:
                # One by one: they are large, and a run may want to end.
                for number in left.numbers:
                    yield Work(partial(left.recheck, number), "recheck", key)
            except BaseException:
                left.put.leave()
                raise
            self._uploads.take_over(upload, left)
        return self._uploads.get(key, upload).held()

    def held_part(self, key: str, upload: str, number: int) -> Flow[bytes]:
        """What has come of it."""
        parts = self._uploads.get(key, upload)
        body: bytes = yield Work(partial(parts.body, number), "held_part", key)
        return body

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        ours = self._uploads.under_way(prefix, is_key=is_key)
        if not is_key:
            return ours
        others: list[OpenUpload] = yield Work(lambda: self._uploads.untold(prefix), "list", prefix)
        return ours + others

    def _settle(self, put: Put, name: str) -> Flow[Receipt]:
        self._group.join(put)
        yield Work(lambda: self._settled(put), name, put.key, is_shared=True)
        return put.receipt

    def _settled(self, put: Put) -> None:
        if self.notices.leftovers:
            leftovers, self.notices.leftovers = self.notices.leftovers, set()
            clear_away(self._place, leftovers)
        self._group.settle(put)

    def _removed(self, removals: Sequence[Removal]) -> None:
        for removal in removals:
            with suppress(StoreError):  # Kept with the removal.
                self._group.settle(removal)

    def _checked(self, key: str) -> str:
        if why := why_unholdable(key, len(self.name)):
            raise Unholdable(f"a folder cannot hold this key: {why}", store=self.name, key=key)
        return key

    def _expect_no_version(self, key: str, version: str) -> None:
        if version:
            raise NotFound("a folder keeps no versions", store=self.name, key=key)

    def _page(self, prefix: str, token: str, after: str) -> Page:
        """Goes on with the walk that gave the token; without it, one starts behind the token."""
        walk = self._walks.pop((prefix, token), None) if token else None
        if not token:
            self._place.folders.forget()
            if not after:
                self.notices.begin(prefix)
        if walk is None:
            walk = Walk(self._place.root, prefix, token or after, self.notices)
        keys, files = walk.files(self.page_size)
        entries = list(map(entry, keys, files, known_etags(files, self._place.hashes)))
        if len(entries) < self.page_size:
            return Page(entries, "")
        token = entries[-1].key
        while len(self._walks) >= _WALKS_MAX:  # Of listings that nobody went on with.
            self._walks.pop(next(iter(self._walks)), None)
        self._walks[prefix, token] = walk
        return Page(entries, token)
