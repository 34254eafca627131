"""After a set-up, both S3 services of a device carry data both ways, by sync and by relay."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
import trustme

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.s3 import S3Store
from edge import fronts
from edge.fronts import Front
from edge.standing_in import Bench
from servers import ACCESS_KEY, SECRET_KEY, SERVERS, Endpoint

Opening = Callable[[str], AbstractContextManager[Front]]
FRONTS: dict[str, tuple[str, Opening]] = {
    "adapter": ("s3", fronts.adapter),
    "adapter-1000": ("s3", partial(fronts.adapter, cap=1_000)),
    "storage": ("s3-snow", fronts.storage),
}
BIG = 17 << 20
_ALL = bool(os.environ.get("BUCKETLINE_SOAK"))
_MANY = {"adapter": 1_200, "adapter-1000": 900, "storage": 1_200}
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


def bodies_of(count: int, *, seed: int = 1) -> dict[str, bytes]:
    dice = Random(seed)
    small = {f"d/ö {n:04}+": dice.randbytes(100 + n % 50) for n in range(count)}
    return small | {"z": dice.randbytes(BIG), "empty": b""}


class Table:
    """A device whose remote is written, and a far store; both are on one server."""

    def __init__(self, here: Path, server: Endpoint, front: Front, service: str) -> None:
        self.front = front
        self.server = server
        self.bench = Bench(here, server)
        self.bench.change(services={service: at(front.url)}, pem=front.pem)
        self.carried, self.home = (
            S3Store(server.remote(), name, clock=SystemClock()) for name in ("carried", "home")
        )
        for store in (self.carried, self.home):
            blocking(store.create_bucket())
        self.bench.edge("add-remote")

    def call(self, *words: str) -> str:
        """A command that must end well; what it said."""
        ended = self.bench.call(*words, variables=KEYS)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def sync(self, source: str, target: str, *words: str) -> dict[str, object]:
        said = self.call("sync", source, target, "--json", *words)
        told: dict[str, object] = json.loads(said.splitlines()[-1])
        return told

    def relay(self, *words: str) -> None:
        volume = self.bench.here / "volume"
        volume.mkdir(exist_ok=True)
        self.call("relay", "run", *words, "--volume", str(volume), "--once")


@contextmanager
def table(here: Path, kind: str) -> Iterator[Table]:
    service, opening = FRONTS[kind]
    with SERVERS["moto"].running(here / "server") as server, opening(server.url) as front:
        yield Table(here, server, front, service)


def held_by(store: S3Store, bodies: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    return {key: bytes(blocking(store.read(f"{prefix}{key}")).body) for key in bodies}


def write_all(folder: Path, bodies: Mapping[str, bytes]) -> None:
    for name, body in bodies.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FRONTS)
def test_a_sync_there_and_back_brings_every_byte(tmp_path: Path, kind: str) -> None:
    bodies, changed = bodies_of(_MANY[kind] if _ALL else 150), Random(9).randbytes(BIG)
    source, target = tmp_path / "source", tmp_path / "target"
    write_all(source, bodies)
    with table(tmp_path, kind) as desk:
        there = desk.sync(str(source), "edge-1:carried/in/")
        again = desk.sync(str(source), "edge-1:carried/in/")
        (source / "z").write_bytes(changed)  # To begin an upload deletes what stands there.
        once_more = desk.sync(str(source), "edge-1:carried/in/")
        back = desk.sync("edge-1:carried/in/", str(target))
        dropped = desk.front.dropped

    found = {str(one.relative_to(target)): one for one in target.rglob("*") if one.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == bodies | {"z": changed}
    assert [one["done"] for one in (there, again, once_more, back)] == [
        *(len(bodies), 0, 1, len(bodies))
    ]
    assert not dropped


@pytest.mark.slow
@pytest.mark.parametrize("kind", FRONTS)
def test_a_sync_between_it_and_another_service_brings_every_byte(tmp_path: Path, kind: str) -> None:
    bodies = bodies_of(60)
    with table(tmp_path, kind) as desk:
        for key, body in bodies.items():
            blocking(desk.home.write(f"out/{key}", body))
        desk.sync("s3://home/out/", "edge-1:carried/in/", "--source-endpoint-url", desk.server.url)
        desk.sync("edge-1:carried/in/", "s3://home/in/", "--target-endpoint-url", desk.server.url)

        assert held_by(desk.carried, bodies, "in/") == bodies
        assert held_by(desk.home, bodies, "in/") == bodies


@pytest.mark.slow
@pytest.mark.parametrize("kind", FRONTS)
def test_a_relay_delivers_every_byte_either_way(tmp_path: Path, kind: str) -> None:
    bodies = bodies_of(40)
    with table(tmp_path, kind) as desk:
        for key, body in bodies.items():
            blocking(desk.home.write(f"out/{key}", body))
        far = desk.server.url
        desk.relay("s3://home/out/", "edge-1:carried/in/", "--source-endpoint-url", far)
        desk.relay("edge-1:carried/in/", "s3://home/in/", "--target-endpoint-url", far)

        assert held_by(desk.carried, bodies, "in/") == bodies
        assert held_by(desk.home, bodies, "in/") == bodies


@pytest.mark.slow
@pytest.mark.parametrize("service", ["s3", "s3-snow"])
def test_a_device_that_takes_few_connections_is_given_no_more(tmp_path: Path, service: str) -> None:
    opening = fronts.adapter if service == "s3" else fronts.storage
    bodies = bodies_of(60)
    write_all(tmp_path / "source", bodies)
    with (
        SERVERS["moto"].running(tmp_path / "server") as server,
        opening(server.url, connections=6) as front,
    ):
        desk = Table(tmp_path, server, front, service)
        told = desk.sync(str(tmp_path / "source"), "edge-1:carried/in/")

        assert held_by(desk.carried, bodies, "in/") == bodies
    assert front.dropped  # It had to be learnt,
    assert '"times_opened": 0' in json.dumps(told)  # and was not taken for an outage.


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["adapter", "storage"])
def test_small_objects_reach_it_in_archives(tmp_path: Path, kind: str) -> None:
    bodies = {name.replace("ö", "o"): body for name, body in bodies_of(120).items()}
    write_all(tmp_path / "source", bodies)
    with table(tmp_path, kind) as desk:
        words = (str(tmp_path / "source"), "edge-1:carried/in/", "--batch-tar")
        there = desk.sync(*words)
        again = desk.sync(*words)
        back = desk.sync("edge-1:carried/in/", str(tmp_path / "target"), "--batch-tar")
        keys = [one.key for one in blocking(desk.carried.page("in/")).entries]

    found = {name: (tmp_path / "target" / name).read_bytes() for name in bodies}
    assert found == bodies
    assert [one["done"] for one in (there, again, back)] == [len(bodies), 0, len(bodies)]
    assert len(keys) < 5  # An archive or two, and what is large or empty.


@pytest.mark.slow
def test_what_a_device_keeps_back_is_said(tmp_path: Path) -> None:
    with table(tmp_path, "adapter-1000") as desk:
        for number in range(1_100):
            blocking(desk.carried.write(f"in/{number:04}", b"x"))

        ended = desk.bench.call("sync", "edge-1:carried/in/", str(tmp_path / "target"))

    assert "1,000" in ended.stdout + ended.stderr


@pytest.mark.slow
def test_no_more_connections_are_made_than_a_device_takes(tmp_path: Path) -> None:
    bodies = bodies_of(200)
    write_all(tmp_path / "source", bodies)
    with (
        SERVERS["moto"].running(tmp_path / "server") as server,
        fronts.adapter(server.url, connections=12) as front,
    ):
        desk = Table(tmp_path, server, front, "s3")
        config = desk.bench.home / ".config" / "bucketline" / "config.yaml"
        config.write_text(config.read_text() + "    connections: 8\n")
        desk.sync(str(tmp_path / "source"), "edge-1:carried/in/", "--workers", "64")

        assert held_by(desk.carried, bodies, "in/") == bodies
        assert not front.dropped


@pytest.mark.slow
def test_a_certificate_that_is_not_the_devices_stops_it(tmp_path: Path) -> None:
    with table(tmp_path, "storage") as desk:
        other = trustme.CA().cert_pem.bytes()
        (desk.bench.folder / "ca-bundle.pem").write_bytes(other)

        ended = desk.bench.call("ls", "edge-1:carried/")

    assert ended.returncode == 5
    assert len(ended.stderr.splitlines()) == 1
    assert "certificate" in ended.stderr


def at(url: str) -> dict[str, object]:
    """What the client tells of a service there."""
    parts = urlsplit(url)
    endpoint = {
        "Protocol": parts.scheme,
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


def test_an_appliance_that_is_not_trusted_is_told_where_its_certificate_belongs(
    tmp_path: Path, moto: Endpoint
) -> None:
    with fronts.storage(moto.url) as front:
        bench = Bench(tmp_path, moto)
        bench.settings(f"provider: s3\nendpoint_url: '{front.url}'\n")
        keys = bench.folder / "keys.yaml"
        keys.write_text(f"aws_access_key_id: {ACCESS_KEY}\naws_secret_access_key: {SECRET_KEY}\n")
        keys.chmod(0o600)

        refused = bench.edge("setup", code=5)
        (bench.folder / "ca-bundle.pem").write_text(front.pem)
        bench.edge("setup")

    assert f"put its certificate into {bench.folder}/ca-bundle.pem" in refused.stderr
