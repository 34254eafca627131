"""After a set-up, both S3 services of a device carry data both ways."""

from __future__ import annotations

from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.s3 import S3Store
from edge import fronts
from edge.standing_in import Bench
from servers import ACCESS_KEY, SECRET_KEY, SERVERS

FRONTS = {"s3": fronts.adapter, "s3-snow": fronts.storage}
BIG = 17 << 20


@pytest.mark.slow
@pytest.mark.parametrize("service", FRONTS)
def test_a_sync_there_and_back_brings_every_byte(tmp_path: Path, service: str) -> None:
    dice = Random(1)
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    bodies = {f"f-{n:03}": dice.randbytes(100 + n) for n in range(60)} | {"z": dice.randbytes(BIG)}
    for name, body in bodies.items():
        (source / name).write_bytes(body)
    with (
        SERVERS["rclone"].running(tmp_path / "server") as server,
        FRONTS[service](server.url) as front,
    ):
        bench = Bench(tmp_path, server)
        bench.change(services={service: at(front.url)})
        blocking(S3Store(server.remote(), "carried", clock=SystemClock()).create_bucket())
        bench.edge("add-remote")

        there = bench.call("sync", str(source), "edge-1:carried/in/")
        again = bench.call("sync", str(source), "edge-1:carried/in/", "--json")
        back = bench.call("sync", "edge-1:carried/in/", str(target))

    assert there.returncode == 0, there.stdout + there.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert '"done":0' in again.stdout.replace(" ", "")
    assert back.returncode == 0, back.stdout + back.stderr
    assert {path.name: path.read_bytes() for path in target.iterdir()} == bodies


def at(url: str) -> dict[str, object]:
    """What the client tells of a service there."""
    parts = urlsplit(url)
    endpoint = {
        "Protocol": "http",
        "Host": parts.hostname,
        "Port": parts.port,
        "Description": "S3 object & bucket API",
        "Status": {"State": "ACTIVE"},
    }
    control = {**endpoint, "Port": 1, "Description": "S3 bucket API"}
    room = {"Name": "S3 Storage", "Unit": "Byte", "Used": 1, "Available": 2}
    return {
        "Status": {"State": "ACTIVE"},
        "Autostart": True,
        "ServiceCapacities": [room],
        "Endpoints": [control, endpoint],
    }


@pytest.mark.slow
@pytest.mark.parametrize("service", FRONTS)
def test_a_relay_from_the_device_delivers_every_byte(tmp_path: Path, service: str) -> None:
    dice = Random(2)
    bodies = {f"in/{n:03}": dice.randbytes(100 + n) for n in range(40)}
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    (tmp_path / "volume").mkdir()
    with (
        SERVERS["rclone"].running(tmp_path / "server") as server,
        FRONTS[service](server.url) as front,
    ):
        bench = Bench(tmp_path, server)
        bench.change(services={service: at(front.url)})
        carried, home = (
            S3Store(server.remote(), name, clock=SystemClock()) for name in ("carried", "home")
        )
        for store in (carried, home):
            blocking(store.create_bucket())
        for key, body in bodies.items():
            blocking(carried.write(key, body))
        bench.edge("add-remote")

        words = ("--target-endpoint-url", server.url, "--volume", str(tmp_path / "volume"))
        ended = bench.call(
            "relay", "run", "edge-1:carried/", "s3://home/", *words, "--once", variables=keys
        )
        held = {key: bytes(blocking(home.read(key)).body) for key in bodies}

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert held == bodies
