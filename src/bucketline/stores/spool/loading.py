"""What volumes hold, read anew: sidecars and uploads taken in, and what nobody needs swept away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bucketline.errors import Broken, NotFound
from bucketline.stores.base import Flow, Together
from bucketline.stores.spool import names
from bucketline.stores.spool.names import Named
from bucketline.stores.spool.sidecar import PartFile, Sidecar, growing, unpacked
from bucketline.stores.spool.store import Spool
from bucketline.stores.spool.volume import Volume

_AT_ONCE = 16


@dataclass(slots=True)
class Found:
    """What came out."""

    damaged: list[str] = field(default_factory=list)  # Sidecars and markers, as folder and name.
    swept: int = 0  # Files that belonged to nothing any more.


def load(spool: Spool) -> Flow[Found]:
    """Take in what volumes hold that came since the last time; call it again and again."""
    found = Found()
    fresh = [one for one in spool.shelves.usable if not one.is_known]
    if not fresh:
        return found
    files: dict[str, list[tuple[str, int, Named]]] = {}
    for volume in fresh:
        spool.index.forget(volume.identity)
        files[volume.identity] = yield from _files(spool, volume)
    for volume in fresh:
        mine = files[volume.identity]
        flows = [_take_in(spool, volume, name, one, found) for name, _, one in mine if not one.md5]
        for first in range(0, len(flows), 1024):
            yield Together(flows[first : first + 1024], width=_AT_ONCE)
    for volume in fresh:
        _count_parts(spool, volume, files[volume.identity])
        volume.is_known = True
    spool.index.in_order()
    yield from _end_staged(spool)
    if spool.shelves.are_all_known:  # Else a volume that is away may tell what they are of.
        for volume in fresh:
            yield from _sweep(spool, volume, files[volume.identity], found)
    return found


def clear(spool: Spool) -> Flow[None]:
    """Remove everything, whether it is staged, under way or damaged."""
    for volume in spool.shelves.usable:
        files = yield from _files(spool, volume)
        sidecars = [(name, 0) for name, _, one in files if not one.generation]
        rest = [(name, size) for name, size, one in files if one.generation]
        for some in (sidecars, rest):  # Without its sidecar, nothing is staged any more.
            for first in range(0, len(some), 1000):
                yield from spool.shelves.remove(volume.identity, some[first : first + 1000])
        spool.index.forget(volume.identity)


def _files(spool: Spool, volume: Volume) -> Flow[list[tuple[str, int, Named]]]:
    files = yield from spool.shelves.files(volume)
    told = ((name, size, names.named(name)) for name, size in files)
    return [(name, size, one) for name, size, one in told if one is not None]


def _take_in(spool: Spool, volume: Volume, name: str, one: Named, found: Found) -> Flow[None]:
    """A sidecar or a marker of an upload."""
    try:
        text = (yield from spool.shelves.on(volume, volume.store.read(name))).body
        if one.is_begin:
            upload = growing(text, volume.identity)
            if not upload.origin.is_unproven:  # Nobody goes on with one that is.
                spool.index.begin(upload)
            return
        sidecar: Sidecar = unpacked(text)
    except NotFound:
        return
    except Broken:
        found.damaged.append(f"{volume.folder}: {name}")
        return
    if not spool.shelves.are_named(sidecar.volumes):  # Some of it was given up with its volume.
        return
    older = spool.index.put(sidecar, volume.identity, is_old=True)
    if older is not None:  # Whichever of the two it is: it must not come back one day.
        stale = names.sidecar(names.of_key(sidecar.key))
        yield from spool.shelves.remove(older.volume, [(stale, 0)])


def _count_parts(spool: Spool, volume: Volume, files: Sequence[tuple[str, int, Named]]) -> None:
    """Give each upload its parts, and the volume's books what it holds."""
    staged = {one.generation for one in spool.index.all()}
    for name, size, one in files:
        if not one.md5:
            continue
        spool.shelves.counted(volume, size)
        if one.generation not in staged:
            part = PartFile(volume.identity, name, size, one.md5)
            spool.index.add_part(one.generation, one.number, part)


def _end_staged(spool: Spool) -> Flow[None]:
    """Uploads that became objects right before a crash: their markers say nothing any more."""
    staged = {one.generation for one in spool.index.all()}
    for one in spool.index.all_growing():
        if one.generation in staged:
            marker = names.begin(names.of_key(one.key), one.generation)
            yield from spool.shelves.remove(one.volume, [(marker, 0)])
            spool.index.end(one.generation)


def _sweep(
    spool: Spool, volume: Volume, files: Sequence[tuple[str, int, Named]], found: Found
) -> Flow[None]:
    """Remove what is of no staged object and of no upload."""
    generations = {one.generation for one in spool.index.all_growing()}
    generations |= {one.generation for one in spool.index.all()}
    if found.damaged:  # What a damaged sidecar was of, its parts alone tell: they are kept.
        return
    stale = [(name, size) for name, size, one in files if _is_stale(one, generations)]
    for first in range(0, len(stale), 1000):
        yield from spool.shelves.remove(volume.identity, stale[first : first + 1000])
    found.swept += len(stale)


def _is_stale(one: Named, generations: set[str]) -> bool:
    return bool(one.generation) and one.generation not in generations
