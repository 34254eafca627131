"""A place for each test of a contract: empty, its own, and of every kind in the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.settings import Remote, Secret
from bucketline.stores.base import Store
from bucketline.stores.local import LocalStore, ShortMemory
from bucketline.stores.memory import MemoryStore
from bucketline.stores.s3.store import S3Store
from servers import Endpoint, Park
from spools import spool_on


def open_bucket(remote: Remote, bucket: str) -> S3Store:
    return S3Store(remote, bucket, clock=SystemClock())


@pytest.fixture
def store(server: str, park: Park, tmp_path: Path) -> Store:
    """An empty store on each row of the table."""
    if server == "memory":
        return MemoryStore()
    if server == "local":
        folder = tmp_path / "store"
        folder.mkdir()
        return LocalStore(str(folder), ShortMemory())
    if server == "spool":
        return spool_on(tmp_path, ("one", "two"))
    return new_bucket(park.endpoint(server))


@pytest.fixture
def endpoint(s3_server: str, park: Park) -> Endpoint:
    return park.endpoint(s3_server)


@pytest.fixture
def bucket(endpoint: Endpoint) -> S3Store:
    """An empty bucket on each real server."""
    return new_bucket(endpoint)


@pytest.fixture
def lockable(endpoint: Endpoint) -> S3Store:
    """One whose objects can be locked."""
    return new_bucket(endpoint, lock=True)


def new_bucket(endpoint: Endpoint, *, lock: bool = False) -> S3Store:
    made = open_bucket(endpoint.remote(), f"contract-{uuid4().hex}")
    blocking(made.create_bucket(lock=lock))
    return made


def with_keys(remote: Remote, access_key: str, secret_key: str) -> Remote:
    """The same service, another who asks."""
    assert remote.keys is not None
    keys = replace(remote.keys, access_key=access_key, secret_key=Secret(secret_key))
    return replace(remote, keys=keys)
