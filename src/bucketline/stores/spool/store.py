"""The spool of a relay as a store: objects staged on the volumes of an edge box.

A key is in no file's name: any legal key fits. An object exists once its sidecar does, which is
written last and goes first. What the volumes hold is the truth; the index only remembers it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, islice

from bucketline.clock import Clock, SystemClock
from bucketline.errors import (
    Away,
    Broken,
    Changed,
    Conflict,
    NotFound,
    StoreError,
    Unholdable,
)
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
    Together,
)
from bucketline.stores.digests import MD5
from bucketline.stores.spool import names
from bucketline.stores.spool.index import Index, Staged
from bucketline.stores.spool.reading import sidecar_of, stretch
from bucketline.stores.spool.shelves import Shelves
from bucketline.stores.spool.sidecar import Origin, PartFile, Sidecar
from bucketline.stores.spool.uploads import Uploads
from bucketline.stores.spool.volume import Volume

_SIDECARS_KEPT = 64  # Of objects that are read in ranges.
_KEY_BYTES_MAX = 1024
_READ_AT_ONCE = 4


class Spool:
    """Staged objects on any number of volumes. One process has them; any of its threads may ask."""

    name = "spool:"

    def __init__(
        self, volumes: Sequence[Volume], *, clock: Clock | None = None, page_size: int = 1000
    ) -> None:
        self.clock = clock or SystemClock()
        self.shelves = Shelves(volumes, self.clock)
        self.index = Index()
        self.page_size = page_size
        self.able = Abilities(tags=True, conditional_write=True, part_size_min=1)
        self._origins: dict[str, Origin] = {}
        self._sidecars: OrderedDict[str, Sidecar] = OrderedDict()
        self._uploads = Uploads(self)

    def close(self) -> None:
        """Let others have the volumes."""
        for volume in self.shelves.all:
            volume.close()

    def expect(self, key: str, origin: Origin) -> None:
        """What is written under this key next comes from there."""
        self._origins[key] = origin

    def origin(self, key: str) -> Origin:
        """Where what is written now comes from."""
        return self._origins.get(key, Origin())

    def came(self, key: str) -> None:
        """It was written, or was not: what was expected and promised is void."""
        self._origins.pop(key, None)
        self.shelves.give_back(key)

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        yield from ()
        keys = self.index.keys(prefix, token or after)
        entries = [one.entry for key in keys if (one := self.index.get(key))]
        if not self.shelves.are_all_known:
            raise Away("a volume is away: what is staged is not known in full", store=self.name)
        chosen = list(islice(entries, self.page_size))
        return Page(chosen, chosen[-1].key if len(entries) > len(chosen) else "")

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        return (yield from self.sidecar(self._there(key, version))).found()

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        staged = self._there(key, version)
        if etag and etag != staged.entry.pin:
            raise Changed("another object is staged by now", store=self.name, key=key)
        sidecar = yield from self.sidecar(staged)
        end = sidecar.size if size is None else min(sidecar.size, start + size)
        ends = accumulate(part.size for part in sidecar.parts)
        flows = [
            stretch(self.shelves, sidecar, part, start - first, end - first)
            for part, last in zip(sidecar.parts, ends, strict=True)
            if (first := last - part.size) < end and last > start
        ]
        if len(flows) == 1:
            return Piece(sidecar.found(), (yield from flows[0]))
        bodies: list[bytes] = yield Together(flows, width=_READ_AT_ONCE)
        return Piece(sidecar.found(), b"".join(bodies))

    def write(
        self,
        key: str,
        body: bytes,
        *,
        attributes: Attributes = PLAIN,
        md5: bytes = b"",
        checksum: Checksum | None = None,  # noqa: ARG002
        if_absent: bool = False,
    ) -> Flow[Receipt]:
        self.check(key)
        if if_absent and self.index.get(key) is not None:
            raise Conflict("there is an object of that name", store=self.name, key=key)
        digest = md5 or (yield from MD5.of(body))
        generation = self.index.generation(self.clock.now())
        name = names.part(names.of_key(key), generation, 1, digest.hex())
        volume = yield from self.shelves.put(key, name, body, digest)
        part = PartFile(volume.identity, name, len(body), digest.hex())
        now, origin = self.clock.now(), self.origin(key)
        return (
            yield from self.stage(
                Sidecar(
                    *(key, len(body), digest.hex(), generation, now, (part,), attributes, origin)
                )
            )
        )

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        staged = None if version else self.index.get(key)
        if staged is not None:
            yield from self.remove(staged)

    def delete_many(self, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
        failed: dict[str, Exception] = {}
        for key in keys:
            try:
                yield from self.delete(key)
            except StoreError as error:
                failed[key] = error
        return failed

    def tags(self, key: str, *, version: str = "") -> Flow[dict[str, str]]:
        return dict((yield from self.stat(key, version=version)).attributes.tags)

    def begin(
        self,
        key: str,
        size: int,
        *,
        attributes: Attributes = PLAIN,
        algorithm: str = "",  # noqa: ARG002
    ) -> Flow[str]:
        return (yield from self._uploads.begin(key, size, attributes))

    def part(
        self,
        key: str,
        upload: str,
        number: int,
        body: bytes,
        *,
        offset: int,  # noqa: ARG002
        md5: bytes = b"",
        checksum: Checksum | None = None,  # noqa: ARG002
    ) -> Flow[Receipt]:
        return (yield from self._uploads.part(key, upload, number, body, md5))

    def finish(
        self,
        key: str,
        upload: str,
        etags: Sequence[str],
        *,
        sums: Sums | None = None,  # noqa: ARG002
    ) -> Flow[Receipt]:
        return (yield from self._uploads.finish(key, upload, etags))

    def abandon(self, key: str, upload: str) -> Flow[None]:
        yield from self._uploads.abandon(key, upload)

    def list_parts(self, key: str, upload: str) -> Flow[list[Part]]:
        yield from ()
        return self._uploads.held(key, upload)

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        yield from ()
        return [
            OpenUpload(one.key, one.generation, one.begun)
            for one in self.index.all_growing()
            if (one.key == prefix if is_key else one.key.startswith(prefix))
        ]

    def first_part(self, entry: Entry) -> Flow[int]:
        """The size of its first part: whoever makes parts alike makes the same etag."""
        sidecar = yield from self.sidecar(self._there(entry.key))
        return sidecar.parts[0].size if len(sidecar.parts) > 1 else 0

    def stage(self, sidecar: Sidecar) -> Flow[Receipt]:
        """Its bytes are there: from now on it is staged, and what it replaces goes."""
        other = self.index.get(sidecar.key)
        files = {} if other is None else (yield from self._files(other))
        yield from self._write_sidecar(sidecar)
        self.index.put(sidecar, sidecar.volumes[0])
        name = names.sidecar(names.of_key(sidecar.key))
        for identity, some in files.items():
            rest = [] if identity in sidecar.volumes else [(name, 0)]
            yield from self.shelves.remove(identity, rest + some)
        return Receipt(sidecar.etag)

    def restate(self, key: str, origin: Origin) -> Flow[None]:
        """It came from another state of its source than was expected."""
        sidecar = replace((yield from self.sidecar(self._there(key))), origin=origin)
        yield from self._write_sidecar(sidecar)
        self.index.restate(key, sidecar.generation, origin)

    def remove(self, staged: Staged) -> Flow[None]:
        """Its sidecar first: then it is staged no more, whatever comes between."""
        files = yield from self._files(staged)
        name = names.sidecar(names.of_key(staged.entry.key))
        for identity in files:
            yield from self.shelves.remove(identity, [(name, 0)])
        for identity, some in files.items():
            yield from self.shelves.remove(identity, some)
        self._sidecars.pop(staged.generation, None)
        self.index.drop(staged.entry.key, staged.generation)

    def sidecar(self, staged: Staged) -> Flow[Sidecar]:
        """All that is known of it. Raises `Broken` where that is damaged or gone, `Away`."""
        kept = self._sidecars.get(staged.generation)
        if kept is not None:
            return kept
        sidecar = yield from sidecar_of(self.shelves, staged)
        if sidecar.generation != staged.generation:
            raise Changed("another object is staged by now", store=self.name, key=sidecar.key)
        if len(sidecar.parts) > 1:
            self._sidecars[staged.generation] = sidecar
            while len(self._sidecars) > _SIDECARS_KEPT:
                self._sidecars.popitem(last=False)
        return sidecar

    def check(self, key: str) -> None:
        """Raises `Unholdable`."""
        try:
            size = len(key.encode())
        except UnicodeEncodeError:
            raise Unholdable("the key is not text", store=self.name, key=key) from None
        if not 0 < size <= _KEY_BYTES_MAX:
            raise Unholdable("a key has 1 to 1,024 bytes", store=self.name, key=key)

    def _there(self, key: str, version: str = "") -> Staged:
        staged = None if version else self.index.get(key)
        if staged is not None:
            return staged
        if not self.shelves.are_all_known:
            raise Away("a volume is away, which may hold it", store=self.name, key=key)
        raise NotFound("no such object is staged", store=self.name, key=key)

    def _write_sidecar(self, sidecar: Sidecar) -> Flow[None]:
        """On each volume that holds some of it, which can then tell of it alone; the first last."""
        name, text = names.sidecar(names.of_key(sidecar.key)), sidecar.packed()
        for identity in reversed(sidecar.volumes):
            volume = self.shelves.of(identity)
            yield from self.shelves.write(volume, sidecar.key, name, text, MD5.digest(text))
        self._sidecars.pop(sidecar.generation, None)

    def _files(self, staged: Staged) -> Flow[dict[str, list[tuple[str, int]]]]:
        """Its parts, with their sizes, by volume."""
        found: dict[str, list[tuple[str, int]]] = {}
        try:
            for part in (yield from self.sidecar(staged)).parts:
                found.setdefault(part.volume, []).append((part.name, part.size))
        except (Broken, NotFound):  # Damaged: the parts tell by their names what they are of.
            start = names.parts_of(names.of_key(staged.entry.key), staged.generation)
            for volume in self.shelves.usable:
                found[volume.identity] = yield from self.shelves.files(volume, start)
        return found
