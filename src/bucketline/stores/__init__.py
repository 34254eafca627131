"""Places where bytes live; `open_store` is the only code that names a concrete one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bucketline.clock import Clock
from bucketline.settings import Location
from bucketline.stores.base import Store

if TYPE_CHECKING:
    from bucketline.stores.local import HashMemory

__all__ = ["open_store"]


def open_store(location: Location, *, clock: Clock, hashes: HashMemory | None = None) -> Store:
    """The store that holds `location`, each imported only when it is used; folders use `hashes`."""
    if location.remote is not None:
        from bucketline.stores.s3 import S3Store

        return S3Store(location.remote, location.bucket, clock=clock)
    from bucketline.stores.local import LocalStore

    return LocalStore(location.folder, hashes, clock=clock)
