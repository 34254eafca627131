"""The volumes of a spool as one: where something goes, where it lies, what to do without one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import TypeVar

from bucketline.clock import Clock
from bucketline.errors import (
    Away,
    Broken,
    Denied,
    DiskFault,
    NoBucket,
    NoRoom,
    NotFound,
    StoreError,
)
from bucketline.stores.base import Flow
from bucketline.stores.spool import names
from bucketline.stores.spool.room import names_needed, needed
from bucketline.stores.spool.volume import Volume, VolumeState

T = TypeVar("T")

_USUAL = 1 << 20  # Bytes on their way to a volume that make no difference.


class Shelves:
    """All volumes. One that fails is left alone, and nothing is concluded from its silence."""

    def __init__(self, volumes: Sequence[Volume], clock: Clock) -> None:
        self.all = list(volumes)
        self._clock = clock
        self._by_name = {one.identity: one for one in self.all}
        self._lock = threading.Lock()  # Of all books.

    @property
    def usable(self) -> list[Volume]:
        return [one for one in self.all if one.look()]

    @property
    def are_all_known(self) -> bool:
        """Whether what each of them holds has been read: only then is what is missing not there."""
        return all(one.is_usable and one.is_known for one in self.all)

    @property
    def states(self) -> list[VolumeState]:
        with self._lock:
            for one in self.usable:
                one.measure()
            return [one.state for one in self.all]

    def of(self, identity: str) -> Volume:
        """The volume of that name; raises `Away` while it is not there."""
        volume = self._by_name.get(identity)
        if volume is None or not volume.look():
            folder = volume.folder if volume else f"of name {identity}"
            why = volume.reason if volume else "it was not named with --volume"
            raise Away(f"volume {folder}: {why}; what it holds waits for it", store="spool:")
        return volume

    def promise(self, key: str, size: int, part_size: int) -> bool:
        """Keep room for an object: on one volume, or on several if it fits on none alone."""
        with self._lock:
            self._give_back(key)
            volumes = self.usable
            for one in volumes:
                one.measure()
            parts = max(1, -(-size // part_size))
            room = needed(size, parts)
            for one in sorted(volumes, key=self._rank, reverse=True):
                if one.room.promise(key, room, parts):
                    return True
            if any(room <= one.room.ever for one in volumes):
                return False  # It will fit on one, once something has gone.
            return self._promise_on_several(key, size, part_size, volumes)

    def can_ever_hold(self, size: int, part_size: int, *, is_alone: bool = False) -> bool:
        """Whether it fits, on one or on several, once nothing else is staged; or alone there."""
        step = needed(part_size)
        rooms = [one.room.most if is_alone else one.room.ever for one in self.all]
        most, parts = max(rooms, default=0), sum(room // step for room in rooms)
        return needed(size, -(-size // part_size)) <= most or size <= parts * part_size

    def are_named(self, identities: Iterable[str]) -> bool:
        """Whether none of these volumes is given up."""
        return all(one in self._by_name for one in identities)

    def give_back(self, key: str) -> None:
        """What is left of a promise."""
        with self._lock:
            self._give_back(key)

    def freed(self, identity: str, size: int) -> None:
        volume = self._by_name.get(identity)
        if volume is not None:
            with self._lock:
                volume.room.freed(size)

    def counted(self, volume: Volume, size: int) -> None:
        """So many bytes were found there."""
        with self._lock:
            volume.room.own += size

    def put(self, key: str, name: str, body: bytes, md5: bytes) -> Flow[Volume]:
        """A file of the object, durable, on a volume that has room; where it is."""
        tried: list[Volume] = []
        while True:
            volume = self._choose(key, len(body), tried)
            try:
                yield from self.write(volume, key, name, body, md5)
            except Away:
                tried.append(volume)
                if len(tried) == len(self.all):
                    raise
                continue
            return volume

    def write(self, volume: Volume, key: str, name: str, body: bytes, md5: bytes) -> Flow[None]:
        """A file of the object on that volume, durable."""
        began = self._clock.monotonic()
        yield from self.on(volume, volume.store.write(name, body, md5=md5))
        volume.took(len(body), self._clock.monotonic() - began)
        with self._lock:
            volume.room.use(key, len(body))
            if names.is_part(name):
                volume.room.own += len(body)

    def remove(self, identity: str, names: Sequence[tuple[str, int]]) -> Flow[None]:
        """Files of a volume, with their sizes. Gone already is a success."""
        volume = self.of(identity)
        told = yield from self.on(volume, volume.store.delete_many([name for name, _ in names]))
        for error in told.values():
            raise volume.failed(error) if isinstance(error, StoreError) else error
        self.freed(identity, sum(size for _, size in names))

    def files(self, volume: Volume, start: str = "") -> Flow[list[tuple[str, int]]]:
        """What lies on a volume under names that begin so, with sizes."""
        found: list[tuple[str, int]] = []
        token = ""
        while True:
            page = yield from self.on(volume, volume.store.page(start, token=token))
            found += [(entry.key, entry.size) for entry in page.entries]
            token = page.token
            if not token:
                return found

    def on(self, volume: Volume, flow: Flow[T]) -> Flow[T]:
        """What `flow` brings; a volume that fails in it is left alone from then on."""
        try:
            return (yield from flow)
        except NoRoom as error:
            with self._lock:
                volume.measure()
                volume.room.refuse()
            said = f"volume {volume.folder}: {error.message}"
            raise Away(f"{said}; what is staged must be sent first", store="spool:") from error
        except (DiskFault, NoBucket, Denied) as error:
            raise volume.failed(error) from error
        except (NotFound, Broken) as error:  # By its file, or because the disk has gone?
            if volume.look(at_once=True):
                raise
            raise volume.failed(StoreError(volume.reason)) from error

    def _choose(self, key: str, size: int, tried: Sequence[Volume]) -> Volume:
        """Where these bytes of the object go; raises `Away` when there is no room now."""
        with self._lock:
            volumes = [one for one in self.usable if one not in tried]
            kept = [one for one in volumes if one.room.kept_for(key) >= max(size, 1)]
            if kept:
                return max(kept, key=self._rank)
            for one in volumes:
                one.measure()
            for one in sorted(volumes, key=self._rank, reverse=True):
                if one.room.left >= needed(size):
                    return one
        why = "no volume has room now; what is staged must be sent first"
        raise Away(why if volumes else "no volume is there", store="spool:")

    def _rank(self, volume: Volume) -> tuple[bool, float]:
        """By free space, speed, and what is on its way there already: disks work side by side.

        What is not measured yet is taken for the quickest.
        """
        quickest = max((one.write_speed for one in self.all), default=0.0)
        room, speed = volume.room, volume.write_speed or quickest or 1.0
        return not room.is_shut, room.left * speed / (room.promised + _USUAL)

    def _give_back(self, key: str) -> None:
        for one in self.all:
            one.room.give_back(key)

    def _promise_on_several(
        self, key: str, size: int, part_size: int, volumes: Sequence[Volume]
    ) -> bool:
        """Whole parts on each: what is left on a volume beside them is of no use."""
        step, left = needed(part_size), -(-size // part_size)
        shares: list[tuple[Volume, int]] = []
        for one in sorted(volumes, key=self._rank, reverse=True):
            names = max(0, one.room.names_left - names_needed(0))
            count = min(left, one.room.left // step, names)
            if count:
                shares.append((one, count))
                left -= count
        if left:
            return False
        for one, count in shares:
            one.room.promise(key, count * step, count)
        return True
