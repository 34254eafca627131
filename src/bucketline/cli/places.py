"""Opens the places that a person pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bucketline.cli.invocation import Invocation
from bucketline.cli.packing import packed, packing
from bucketline.cli.sanity import resolved, resolved_target
from bucketline.clock import SystemClock
from bucketline.errors import DiskError, UsageError, printable
from bucketline.flow.compare.sides import Listed, Side
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.look.listing import Caller
from bucketline.flow.report.log_file import JSON, Shelf
from bucketline.model import PLAIN
from bucketline.settings import Location, as_folder
from bucketline.stores import open_store
from bucketline.stores.base import Store
from bucketline.stores.batching import Batching
from bucketline.stores.memory import MemoryStore
from bucketline.stores.throttle import Capped, Rate, Throttled, TokenBucket
from bucketline.stores.wrap import Retrying
from bucketline.timetable import Timetable

if TYPE_CHECKING:
    from bucketline.flow.look.inventory import Place

MANIFEST = "manifest.json"
_LOG_ATTEMPTS = 3


def hash_memory(invocation: Invocation) -> Hashes:
    """What is known of files by their content; to be closed."""
    return Hashes.of(invocation.state_folder, SystemClock())


def open_place(location: Location, hashes: Hashes) -> Side:
    """A side to look at."""
    place = resolved(location)
    return Side(_opened(place, hashes), place.prefix)


def open_to_read(
    location: Location, hashes: Hashes, rates: Timetable | None, packed_in: Sequence[str] = ()
) -> Store:
    """A place whose objects are read, not faster than that; also from archives in these places."""
    store = open_place(location, hashes).store
    if packed_in:
        store = packing(store, packed_in)
    if rates is None:
        return store
    clock = SystemClock()
    capped = Capped(store, rates.rate, clock)
    return Throttled(capped, bandwidth=TokenBucket(rates.rate, clock))


def open_sides(
    source: Location, target: Location, hashes: Hashes, *, packs: bool = False
) -> tuple[Side, Side]:
    """Both sides, to be looked at only; a folder that is not there yet looks empty."""
    place = resolved_target(source, target)
    if place.remote is None and not Path(place.folder).exists():
        return open_place(source, hashes), Side(MemoryStore(), place.prefix)
    here, there = open_place(source, hashes), Side(_opened(place, hashes), place.prefix)
    return (packed(here, source), packed(there, place)) if packs else (here, there)


@dataclass
class Share:
    """Among how many processes a limit of bytes is shared; may change at any time."""

    count: int = 1


def open_for_moves(
    source: Location,
    target: Location,
    hashes: Hashes,
    rates: Timetable | None,
    share: Share | None = None,
    *,
    packs: bool = False,
) -> tuple[Side, Side]:
    """Both sides; the limit counts what is read from the source, each byte once."""
    place = resolved_target(source, target)
    if place.remote is None:
        _make_folder(Path(place.folder))
    here = open_place(source, hashes)
    there = Side(_opened(place, hashes), place.prefix)
    if place.remote is not None:
        there = replace(there, store=Batching(there.store))
    if rates is not None:
        clock, rate = SystemClock(), _share_of(rates, share or Share())
        capped = Capped(here.store, rate, clock)
        store = Throttled(capped, bandwidth=TokenBucket(rate, clock))
        here = replace(here, store=store)
        there = replace(there, store=Capped(there.store, rate, clock))
    return (packed(here, source), packed(there, place)) if packs else (here, there)


def open_shelf(location: Location) -> Shelf:
    """Where logs are kept; gives up soon, since a log can wait."""
    prefix = location.prefix
    if location.remote is None:
        _make_folder(Path(location.folder))
    else:
        prefix = as_folder(prefix)
    store = Retrying(open_store(location, clock=SystemClock()), attempts=_LOG_ATTEMPTS)
    return Shelf(store, prefix, PLAIN if location.remote is None else JSON)


def from_inventory(
    side: Side,
    source: Location,
    inventory: Location | None,
    hashes: Hashes,
    *,
    keep_versions: bool = False,
) -> Side:
    """The source, told by an inventory instead of its listing, if there is one."""
    if inventory is None:
        return side
    from bucketline.flow.look.inventory import Inventory

    place = inventory_place(inventory, hashes)

    def told(prefix: str, drive: Caller, scratch: str | None) -> Listed:
        return Inventory(
            place, source.bucket, prefix, drive, scratch=scratch, keep_versions=keep_versions
        )

    return replace(side, told=told)


def inventory_made(inventory: Location | None, hashes: Hashes, drive: Caller) -> float | None:
    """When it was; None = there is none."""
    if inventory is None:
        return None
    from bucketline.flow.look.inventory import made

    return drive.call(made(inventory_place(inventory, hashes)))


def inventory_place(inventory: Location, hashes: Hashes) -> Place:
    """Keys of its files count from the bucket's root, which a download may have left behind."""
    from bucketline.flow.look.inventory import Place

    text = inventory.prefix if inventory.remote else inventory.folder
    is_folder = text.endswith("/") if inventory.remote else Path(text).is_dir()
    path = PurePosixPath(text, MANIFEST) if is_folder else PurePosixPath(text)
    if path.name != MANIFEST:
        shown = printable(inventory.text)
        raise UsageError(f"{shown}: is no inventory; name its {MANIFEST}, or the folder of it")
    if inventory.remote:
        store = _opened(replace(inventory, prefix=""), hashes)
        return Place(store, text + MANIFEST if is_folder else text, [store])
    roots = [_opened(replace(inventory, folder=str(up)), hashes) for up in path.parents]
    return Place(roots[0], MANIFEST, roots)


def _share_of(rates: Timetable, share: Share) -> Rate:
    def rate(now: float) -> float | None:
        whole = rates.rate(now)
        return None if whole is None else whole / share.count

    return rate


def _opened(place: Location, hashes: Hashes) -> Store:
    return Retrying(open_store(place, clock=SystemClock(), hashes=hashes))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{folder}: is no folder; choose another target") from None
    except OSError as error:
        raise DiskError(f"{folder}: cannot be made ({error.strerror}); check the target") from None
