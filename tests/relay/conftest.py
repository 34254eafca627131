"""Two servers of a module's own that hold its `bodies`, and a relay between them that is new."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.syncing import Bodies, Pair, pair
from relay.jobs import RelayJob

_COUNTED = iter(range(10_000))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


@pytest.fixture
def fresh(servers: Pair, tmp_path: Path) -> RelayJob:
    """Two volumes, and a target of its own."""
    bucket = f"target-{next(_COUNTED)}-{os.getpid()}"
    servers.make_target(bucket)
    for proxy in (servers.source_proxy, servers.target_proxy):
        proxy.heal()
        proxy.forget()
    volumes = (tmp_path / "one", tmp_path / "two")
    return RelayJob(servers, tmp_path / "state", bucket, volumes=volumes)
