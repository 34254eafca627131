"""The world as it is: archive, SmartStore, Splunk and its folders, looked at together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bucketline.clock import Clock
from bucketline.engines.splunk.archive import Holdings, scan
from bucketline.engines.splunk.choosing import Choice
from bucketline.engines.splunk.planning import (
    Planned,
    clash,
    is_local,
    retention_trap,
    size_trap,
)
from bucketline.engines.splunk.receipts import doubts
from bucketline.engines.splunk.remote import Held, SmartStore
from bucketline.engines.splunk.rest import Index, Splunk
from bucketline.engines.splunk.taken import Folders, by_folder, by_receipt, folders
from bucketline.flow.drive import Drive
from bucketline.flow.look.listing import Listing
from bucketline.stores.base import Store, together

Over = Callable[[Planned], bool]  # Whether it ended, and nothing is to be done about it.
_WIDTH = 16
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Place:
    """A store, and the prefix that counts in it."""

    store: Store
    prefix: str


@dataclass(slots=True)
class World:
    """What can be looked at; a plan needs the archive alone."""

    archive: Place
    drive: Drive
    clock: Clock
    smartstore: Place | None = None
    splunk: Splunk | None = None
    local: str = ""  # Where indexes are, if Splunk cannot be asked.


@dataclass(slots=True)
class Seen:
    """What was found."""

    holdings: Holdings
    planned: list[Planned] = field(default_factory=list)
    indexes: dict[str, Index] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def guid(self) -> str:
        return str(self.info.get("guid", ""))


def never(_one: Planned) -> bool:
    return False


def look(world: World, choice: Choice, is_over: Over = never) -> Seen:
    """Changes nothing."""
    call = world.drive.call
    listing = Listing(world.archive.store, world.archive.prefix, world.drive)
    seen = Seen(scan(listing.entries(), world.archive.prefix))
    if world.splunk is not None:
        seen.info = call(world.splunk.info())
        seen.indexes = call(world.splunk.indexes())
    wanted = choice.among(seen.holdings.buckets)
    for bucket in wanted:
        one = Planned(bucket, bucket.name.bid(bucket.index, seen.guid), flaw=bucket.flaw)
        index = seen.indexes.get(bucket.index)
        if world.smartstore is not None:  # What is thawed stays until a person removes it.
            one.trap = retention_trap(bucket, index, world.clock.now())
        one.is_local = is_local(_homes(world, index, bucket.index), one.names(seen.guid))
        seen.planned.append(one)
    clash(seen.planned)
    _find_receipts(world, seen)
    _find_taken(world, seen)
    _cut(seen, choice.limit, is_over)
    if world.smartstore is not None:
        _warn(seen)
    return seen


def smartstore_of(world: World, index_name: str, index: Index | None) -> SmartStore:
    """Where an index's buckets are in SmartStore."""
    assert world.smartstore is not None
    path = index.remote_path if index is not None else ""
    below = path.partition("/")[2] if path.startswith("volume:") else index_name
    below = (below or index_name).replace("$_index_name", index_name).strip("/")
    return SmartStore(world.smartstore.store, f"{world.smartstore.prefix}{below}/db/")


def _homes(world: World, index: Index | None, name: str) -> list[str]:
    if index is not None:
        return [index.home, index.cold, index.thawed]
    return [f"{world.local}/{name}/db"] if world.local else []


def _find_receipts(world: World, seen: Seen) -> None:
    if world.smartstore is None:
        return
    for at in range(0, len(seen.planned), _BATCH):
        batch = seen.planned[at : at + _BATCH]
        flows = [
            smartstore_of(world, one.bucket.index, seen.indexes.get(one.bucket.index)).look(one.bid)
            for one in batch
        ]
        for one, held in zip(batch, world.drive.call(together(flows, _WIDTH)), strict=True):
            if held is not None:
                _believe(one, held)


def _believe(one: Planned, held: Held) -> None:
    """As far as a receipt alone can tell: what it names is looked at before evictions."""
    one.has_receipt = True
    if held.receipt is None:
        one.doubt = held.flaw
        return
    one.flaw = one.flaw or by_receipt(one.bucket.name, held.receipt)
    one.doubt = "; ".join(doubts(held.receipt, one.bid, "", None))


def _find_taken(world: World, seen: Seen) -> None:
    there: dict[str, Folders] = {}
    for one in seen.planned:
        name = one.bucket.index
        if name not in there:
            there[name] = folders(_homes(world, seen.indexes.get(name), name), seen.guid)
        one.flaw = one.flaw or by_folder(one.bid, one.names(seen.guid), there[name])


def _cut(seen: Seen, limit: int | None, is_over: Over) -> None:
    """So many of those that need anything; the others cost nothing, nor do those that a person must
    look at first: else the same few would be all that later runs come to.
    """
    if limit is None:
        return
    able = [one for one in seen.planned if one.is_wanted and not is_over(one)]
    late = {id(one) for one in able[limit:]}
    seen.planned = [one for one in seen.planned if id(one) not in late]


def _warn(seen: Seen) -> None:
    by_index: dict[str, list[Planned]] = {}
    for one in seen.planned:
        by_index.setdefault(one.bucket.index, []).append(one)
    for name, planned in sorted(by_index.items()):
        if trap := size_trap(planned, seen.indexes.get(name)):
            seen.warnings.append(f"{name}: {trap}")


def statuses(seen: Seen) -> dict[str, list[tuple[str, str]]]:
    """As bucket_structure.json has them."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in seen.planned:
        found.setdefault(one.bucket.index, []).append((one.bucket.name.text, one.status))
    return found


def wanted(seen: Seen) -> Iterator[Planned]:
    return (one for one in seen.planned if one.is_wanted)
