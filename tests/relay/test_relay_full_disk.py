"""The disk with a relay's ledgers is full: it says so and ends; nothing is lost or moved twice."""

from __future__ import annotations

from pathlib import Path

import pytest

import disks
from faults.proxy import Exchange
from faults.syncing import Bodies, manifest, mixed_objects
from relay.jobs import RelayJob, adds_up

pytestmark = [disks.needs_root, pytest.mark.slow]


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(150, 9)


def fill(folder: Path) -> Path:
    """To the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4_096))
        except OSError:
            pass
    return ballast


@pytest.mark.parametrize("side", ["source", "target"])
def test_ledgers_on_a_full_disk(side: str, fresh: RelayJob, bodies: Bodies, tmp_path: Path) -> None:
    with disks.tmpfs(tmp_path / "state" / "ledgers", 2) as folder:
        proxy = fresh.pair.source_proxy if side == "source" else fresh.pair.target_proxy

        def full(exchange: Exchange) -> None:
            fill(folder)
            exchange.send(exchange.forward())

        proxy.add(full, nth=60, times=1)
        ended = fresh.run()
        proxy.heal()
        assert ended.code == 6, ended.errors
        assert "disk is full; make room and run again" in ended.errors
        assert "Traceback" not in ended.errors
        (folder / "ballast").unlink()
        fetched, delivered = fresh.proven_by("fetch"), fresh.proven_by("forward")
        assert delivered <= fresh.pair.keys(fresh.bucket)
        for one in (fresh.pair.source_proxy, fresh.pair.target_proxy):
            one.forget()

        done = fresh.run()

        assert done.code == 0, done.errors
        assert adds_up(done)
        got = {seen.key for seen in fresh.pair.source_proxy.seen("GET")}
        assert got & fetched == set()
        assert {seen.key for seen in fresh.pair.target_proxy.seen("PUT")} & delivered == set()
        assert fresh.pair.held(fresh.bucket) == manifest(bodies)
        assert fresh.staged_files() == []
