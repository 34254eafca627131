"""Places where bytes live; `open_store` is the only code that names a concrete one."""

from __future__ import annotations

from bucketline.clock import Clock
from bucketline.settings import Location
from bucketline.stores.base import Store

__all__ = ["open_store"]


def open_store(location: Location, *, clock: Clock) -> Store:
    """The store that holds `location`. Each is imported only when it is used."""
    if location.remote is not None:
        from bucketline.stores.s3 import S3Store

        return S3Store(location.remote, location.bucket, clock=clock)
    from bucketline.stores.local import LocalStore

    return LocalStore(location.folder)
