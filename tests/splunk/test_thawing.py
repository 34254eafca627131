"""Archived buckets are asked for, and not read before all of them can be."""

from __future__ import annotations

from typing import Any, cast

from bucketline.engines.splunk.archive import scan
from bucketline.engines.splunk.thawing import ready
from bucketline.flow.drive import blocking
from bucketline.model import Entry, Found
from bucketline.stores.base import Flow, Store

KEYS = ("web/db_2_1_0/rawdata/journal.zst", "web/db_2_1_0/rawdata/deletes/a")


class Frozen:
    """A place whose thaws take until somebody says so."""

    def __init__(self) -> None:
        self.frozen = set(KEYS)
        self.asked: list[tuple[str, int, str]] = []

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        yield from ()
        return Found(Entry(key, 1), archived=key in self.frozen)

    def restore_object(self, key: str, *, days: int, speed: str) -> Flow[Any]:
        yield from ()
        self.asked.append((key, days, speed))


def test_a_bucket_waits_until_all_of_it_is_thawed() -> None:
    place = Frozen()
    bucket = scan([Entry(key, 1, tier="DEEP_ARCHIVE") for key in KEYS], "").buckets[0]

    def is_ready() -> bool:
        return blocking(ready(cast("Store", place), bucket, 3, "Bulk"))

    assert not is_ready()
    assert sorted(place.asked) == sorted((key, 3, "Bulk") for key in KEYS)
    place.frozen.discard(KEYS[0])
    assert not is_ready()
    place.frozen.clear()
    place.asked.clear()
    assert is_ready()
    assert place.asked == []
