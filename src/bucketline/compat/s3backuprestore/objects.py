"""All keys of a bucket, and a bucket emptied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any, cast

from bucketline.clock import SystemClock
from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.cw import put_metric
from bucketline.engines.backup import RESERVED
from bucketline.errors import StoreError
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.look.listing import Listing
from bucketline.stores.base import Store

_TELL_SECONDS = 30.0
_AT_ONCE = 1_000


def get_objects(
    bucket: str,
    config: Config | None = None,
    cw_metric_name: str | None = None,
    objects_count: int | None = None,
) -> list[str]:
    """Every key, or the first so many. Raises when the listing does not come to its proper end."""
    metric, clock = cw_metric_name or f"ObjectsIn{bucket}", SystemClock()
    keys: list[str] = []
    told = clock.monotonic()
    with closing(open_drive()) as drive:
        found = (key for key in _keys(_store(bucket, config), drive) if _is_an_object(key))
        for key in islice(found, objects_count):
            keys.append(key)
            if config is not None and clock.monotonic() - told >= _TELL_SECONDS:
                told = clock.monotonic()
                put_metric(metric, len(keys), config=config)
    if config is not None:
        put_metric(metric, len(keys), config=config)
    return keys


def delete_objects(
    bucket: str,
    config: Config | None = None,
    with_versions: bool = False,  # noqa: FBT001, FBT002 - As it was.
) -> bool:
    """Delete everything in the bucket, with every version if it is said. Whether all went."""
    store = _store(bucket, config)
    with closing(open_drive()) as drive:
        try:
            failed: dict[str, Exception] = {}
            for keys in _batches(_keys(store, drive)):
                failed |= drive.call(store.delete_many(keys))
            if with_versions:
                _delete_versions(cast("Any", store), drive)
        except StoreError:
            return False
    return not failed


def _delete_versions(store: Any, drive: Drive) -> None:
    token = ""
    while True:
        page = drive.call(store.versions(token=token))
        for one in page.versions:
            drive.call(store.delete(one.entry.key, version=one.entry.version or "null"))
        token = page.token
        if not token:
            return


def _store(bucket: str, config: Config | None) -> Store:
    return (config or Config(bucket)).store(bucket)


def _keys(store: Store, drive: Drive) -> Iterator[str]:
    return (entry.key for entry in Listing(store, "", drive).entries())


def _is_an_object(key: str) -> bool:
    """And no part of the catalogue that `bucketline backup` keeps in a backup."""
    return not key.startswith(RESERVED)


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := [*islice(keys, _AT_ONCE)]:
        yield batch
