"""Bytes of a staged object, none of which goes out unless it is sound."""

from __future__ import annotations

from bucketline.errors import Broken, Mismatch, NotFound
from bucketline.stores.base import Flow
from bucketline.stores.digests import MD5
from bucketline.stores.spool import names
from bucketline.stores.spool.index import Staged
from bucketline.stores.spool.shelves import Shelves
from bucketline.stores.spool.sidecar import PartFile, Sidecar, unpacked
from bucketline.stores.spool.volume import Volume


def stretch(
    shelves: Shelves, sidecar: Sidecar, part: PartFile, start: int, end: int
) -> Flow[bytes]:
    """Some bytes of a part, which is read whole: only so its hash can show that it is sound."""
    volume = shelves.of(part.volume)
    try:
        body = (yield from shelves.on(volume, volume.store.read(part.name))).body
    except NotFound:
        raise _rotten(sidecar, volume, "a part of it is gone from") from None
    if len(body) != part.size or (yield from MD5.of(body)).hex() != part.md5:
        raise _rotten(sidecar, volume, "its bytes have changed on")
    start, end = max(0, start), min(part.size, end)
    return body if (start, end) == (0, part.size) else body[start:end]


def sidecar_of(shelves: Shelves, staged: Staged) -> Flow[Sidecar]:
    """What lies beside it. Raises `Broken` where that is damaged or gone, `Away`."""
    volume, key = shelves.of(staged.volume), staged.entry.key
    name = names.sidecar(names.of_key(key))
    try:
        return unpacked((yield from shelves.on(volume, volume.store.read(name))).body)
    except (Broken, NotFound) as error:
        said = f"what tells of it on the volume {volume.folder} is damaged or gone"
        raise Broken(said, store="spool:", key=key) from error


def _rotten(sidecar: Sidecar, volume: Volume, said: str) -> Mismatch:
    where = f"{said} the volume {volume.folder} since it was staged"
    return Mismatch(where, store="spool:", key=sidecar.key)
