"""Links that go bad without a word: stalls, big packets that vanish, several networks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import processes
from faults import kinds
from faults.proxy import Exchange, Fault, FaultProxy
from faults.syncing import Bodies, Done, Job, Pair, client_of, manifest, mixed_objects, pair
from servers import ACCESS_KEY, SECRET_KEY

_SMALL = 1_400  # Bytes: what a tunnel within a tunnel may still carry.
_FAULTS_MAX = 10  # So many of twenty open a breaker,
_ROW = 5  # or so many in a row.
_BUCKETS = ("linked-up", "linked-down")
_OBJECTS = "^/linked-[a-z]*/[^?]"
# Where small ones pass between them, big ones that vanish need not be five in a row.
BIG = {f"{number:02}": b"%d" % number * (2 * _SMALL) for number in range(60)}


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(120, 6, multipart=2)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(bodies)
        yield both


@pytest.fixture
def doors(servers: Pair) -> Iterator[list[FaultProxy]]:
    with ExitStack() as stack:
        yield [stack.enter_context(FaultProxy(servers.target.url)) for _ in range(2)]


class Lost:
    """Loses big answers; a link beside it may wait until so many are lost."""

    __name__ = "lost"

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Condition()

    def __call__(self, exchange: Exchange) -> None:
        with self._lock:
            self._count -= 1
            self._lock.notify_all()
        kinds.swallow(_SMALL)(exchange)

    def waited_for(self, exchange: Exchange) -> None:
        with self._lock:
            assert self._lock.wait_for(lambda: self._count <= 0, timeout=60)
        exchange.send(exchange.forward())

    def strike(self, doors: list[FaultProxy], method: str) -> None:
        """At the first door; at the second, nobody is quick enough to take all meanwhile."""
        doors[0].add(self, method=method, path=_OBJECTS)
        doors[1].add(self.waited_for, method=method, path=_OBJECTS)


def opened(done: Done, side: str, door: FaultProxy) -> dict[str, Any]:
    ends = [e for e in done.summary["endpoints"] if (e["side"], e["endpoint"]) == (side, door.url)]
    found: dict[str, Any] = ends[0]
    return found


def assert_was_shut(ill: dict[str, Any]) -> None:
    """Of a link that loses what it is given, no more than opens a breaker was asked for.

    The other one may have taken all that was left before the silent ones were given up; then
    there was nothing to open for.
    """
    assert ill["faults"] >= 1
    assert ill["times_opened"] >= 1 or ill["faults"] < _FAULTS_MAX


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [kinds.stall, kinds.stall_in_body], ids=["stall", "stall-in-body"]
)
def test_uploads_over_a_link_that_falls_silent_go_over_the_other_one(
    fault: Fault, servers: Pair, bodies: Bodies, doors: list[FaultProxy], tmp_path: Path
) -> None:
    bucket = f"up-{tmp_path.name[-30:].strip('_').replace('_', '-')}"
    servers.make_target(bucket)
    doors[0].add(fault, method="PUT")
    urls = tuple(door.url for door in doors)

    job = Job(servers, tmp_path, bucket, targets=urls, words=("--workers", "16"))
    done = job.run()
    doors[0].heal()

    assert (done.code, done.summary["done"]) == (0, len(bodies)), done.errors
    assert servers.held(bucket) == manifest(bodies)
    assert_was_shut(opened(done, "target", doors[0]))
    assert opened(done, "target", doors[1])["faults"] == 0


@pytest.mark.slow
def test_uploads_over_a_link_that_loses_big_packets_go_over_the_other_one(
    servers: Pair, doors: list[FaultProxy], tmp_path: Path
) -> None:
    servers.fill(BIG, "all-big")
    servers.make_target(_BUCKETS[0])
    Lost(_ROW).strike(doors, "PUT")
    urls = tuple(door.url for door in doors)

    words = ("--workers", "16")
    done = Job(servers, tmp_path, _BUCKETS[0], "all-big", targets=urls, words=words).run()
    doors[0].heal()

    assert (done.code, done.summary["done"]) == (0, len(BIG)), done.errors
    assert servers.held(_BUCKETS[0]) == manifest(BIG)
    assert opened(done, "target", doors[0])["times_opened"] >= 1
    assert opened(done, "target", doors[1])["faults"] == 0


@pytest.mark.slow
def test_downloads_over_a_link_that_loses_big_packets_go_over_the_other_one(
    servers: Pair, doors: list[FaultProxy], tmp_path: Path
) -> None:
    bodies, bucket = BIG, _BUCKETS[1]
    servers.make_target(bucket)
    client = client_of(servers.target)
    for key, body in bodies.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    Lost(_ROW).strike(doors, "GET")
    folder = tmp_path / "folder"
    folder.mkdir()
    command = ("sync", f"two:{bucket}/", str(folder), "--workers", "16")
    urls = tuple(door.url for door in doors)

    done = Job(servers, tmp_path, bucket, instead=command, targets=urls).run()
    doors[0].heal()

    assert (done.code, done.summary["done"]) == (0, len(bodies)), done.errors
    assert {key: (folder / key).read_bytes() for key in bodies} == dict(bodies)
    assert opened(done, "source", doors[0])["times_opened"] >= 1


# Two networks that lead to one server, of which the second carries small packets only: the server
# announces that it takes large ones, its link drops them, and nobody tells.
_NETWORKS = """\
set -e
ip link set lo up
unshare --net sleep 600 &
server=$!
until [ "$(readlink /proc/$server/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
there() { nsenter --target $server --net "$@"; }
there ip link set lo up
for n in 1 2; do
    ip link add near$n type veth peer name far$n netns $server
    ip address add 10.77.$n.1/24 dev near$n
    ip link set near$n gso_max_segs 1 up
    there ip address add 10.77.$n.2/24 dev far$n
    there ip link set far$n up
done
there ip link set far2 mtu 600
there ip route change 10.77.2.0/24 dev far2 proto kernel scope link src 10.77.2.2 advmss 1460
there "$RCLONE" serve s3 :memory: --addr 0.0.0.0:9000 --auth-key "$KEYS" 2>/dev/null &
until there "$PYTHON" -c 'import socket; socket.create_connection(("10.77.1.2", 9000))' 2>/dev/null
do :; done
exec "$@"
"""
_CONFIG = """\
remotes:
  there:
    endpoints:
      - {url: http://10.77.1.2:9000, source_address: near1}
      - {url: http://10.77.2.2:9000, source_address: 10.77.2.1}
    region: us-east-1
    idle_timeout_seconds: 2
    connect_timeout_seconds: 5
"""
_PROGRAM = """\
import sys
from bucketline.cli import main
from bucketline.config import load
from bucketline.settings import environment
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.s3 import S3Store
from dataclasses import replace
from pathlib import Path
remote = load(Path(sys.argv[1]), environment()).remotes["there"]
one = replace(remote, keys=environment().keys, endpoints=remote.endpoints[:1],
    source_addresses=remote.source_addresses[:1])
store = S3Store(one, "bkt", clock=SystemClock())
blocking(store.create_bucket())
code = main(["--config", sys.argv[1], "--json", "--progress", "none", "sync", sys.argv[2],
    "there:bkt/", "--workers", "16"])
for path in Path(sys.argv[2]).iterdir():
    assert blocking(store.read(path.name)).body == path.read_bytes(), path.name
sys.exit(code)
"""


@pytest.mark.slow
def test_a_network_that_loses_big_packets_is_left_for_the_other_one(tmp_path: Path) -> None:
    _need_networks()
    folder = tmp_path / "folder"
    folder.mkdir()
    sizes = [100] * 20 + [50_000] * 40 + [3 << 20] * 4
    for number, size in enumerate(sizes):
        (folder / f"{number}").write_bytes(bytes([number]) * size)
    (tmp_path / "config.yaml").write_text(_CONFIG)
    variables = {
        "RCLONE": str(processes.find("rclone")),
        "PYTHON": sys.executable,
        "KEYS": f"{ACCESS_KEY},{SECRET_KEY}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "HOME": str(tmp_path),
        "BUCKETLINE_STATE": str(tmp_path / "state"),
    }
    words = [sys.executable, "-c", _PROGRAM, str(tmp_path / "config.yaml"), str(folder)]
    alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    ran = subprocess.run(
        [*alone, "sh", "-c", _NETWORKS, "networks", *words],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout.splitlines()[-1])
    good, bad = summary["endpoints"]
    assert (summary["done"], good["endpoint"], bad["endpoint"]) == (
        len(sizes),
        "http://10.77.1.2:9000 from near1",
        "http://10.77.2.2:9000 from 10.77.2.1",
    )
    assert good["faults"] == 0
    assert bad["times_opened"] >= 1
    assert bad["requests"] > bad["faults"] > 0  # Small ones did pass.


def _need_networks() -> None:
    tried = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "ip", "link", "add", "v0"]
    words = [*tried, "type", "veth", "peer", "name", "v1"]
    try:
        ran = subprocess.run(words, capture_output=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"needs {error.filename}")
    if ran.returncode:
        pytest.skip("needs root, to make networks of its own")
