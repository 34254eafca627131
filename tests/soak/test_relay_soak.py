"""Half an hour of a relay on bad links: they flap, a volume comes and goes, objects keep coming.

Only by `./test soak`; BUCKETLINE_SOAK_SECONDS makes it shorter.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import disks
from faults.proxy import FaultProxy
from faults.syncing import MIB, SOURCE, Pair, client_of, manifest, mixed_objects, pair
from relay.jobs import RelayJob, adds_up

_SECONDS = float(os.environ.get("BUCKETLINE_SOAK_SECONDS", "1800"))
_FLAP, _VOLUME, _ARRIVAL = 20.0, 45.0, 2.0  # Seconds between two of each.
_SIZES = (0, 100, 4_096, 70_000, 2 * MIB, 11 * MIB)

pytestmark = [
    disks.needs_root,
    pytest.mark.skipif(not os.environ.get("BUCKETLINE_SOAK"), reason="takes half an hour"),
    pytest.mark.timeout(_SECONDS + 900),
]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path / "servers") as both:
        yield both


class Trouble:
    """What happens meanwhile, each in its own rhythm."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.counts: dict[str, int] = {}
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def every(self, seconds: float, name: str, deed: Callable[[], None]) -> None:
        def work() -> None:
            try:
                while not self.over.wait(seconds):
                    deed()
                    self.counts[name] = self.counts.get(name, 0) + 1
            except BaseException as error:
                self.errors.append(error)
                raise

        self._threads.append(threading.Thread(target=work, name=name))
        self._threads[-1].start()

    def end(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()


class Flapping:
    """A link that is there and not there."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy
        self._is_up = True

    def __call__(self) -> None:
        (self._proxy.go_away if self._is_up else self._proxy.come_back)()
        self._is_up = not self._is_up

    def up(self) -> None:
        if not self._is_up:
            self()


class Coming:
    """A volume that is plugged in and out."""

    def __init__(self, folder: Path, image: Path) -> None:
        self._folder, self._image = folder, image
        self._is_in = True

    def __call__(self) -> None:
        if self._is_in:
            disks.run("umount", "-l", str(self._folder))
        else:
            disks.run("mount", "-o", "loop", str(self._image), str(self._folder))
        self._is_in = not self._is_in

    def plug_in(self) -> None:
        if not self._is_in:
            self()


def troubled(job: RelayJob, volume: Coming, arrive: Callable[[], None]) -> Trouble:
    """All of it, for as long as the test lasts; at the end every link is up and every volume in."""
    pair, trouble = job.pair, Trouble()
    links = [Flapping(pair.source_proxy), Flapping(pair.target_proxy)]
    trouble.every(_ARRIVAL, "arrivals", arrive)
    trouble.every(_FLAP, "source flaps", links[0])
    trouble.every(_FLAP * 1.3, "target flaps", links[1])
    trouble.every(_VOLUME, "volume changes", volume)
    trouble.over.wait(_SECONDS)
    trouble.end()
    for link in links:
        link.up()
    volume.plug_in()
    return trouble


def all_arrive(job: RelayJob, process: subprocess.Popen[bytes], bodies: dict[str, bytes]) -> None:
    deadline = time.monotonic() + 300
    while len(job.pair.keys("soak")) < len(bodies) and process.poll() is None:
        assert time.monotonic() < deadline, f"{len(job.pair.keys('soak'))} of {len(bodies)}"
        threading.Event().wait(1)


def test_a_relay_on_bad_links_ends_complete(servers: Pair, tmp_path: Path) -> None:
    dice, bodies = random.Random(7), mixed_objects(200, 7)
    servers.fill(bodies)
    servers.make_target("soak")
    client, image = client_of(servers.source), tmp_path / "image"

    def arrive() -> None:
        key, body = f"later/{len(bodies)}", dice.randbytes(dice.choice(_SIZES))
        client.put_object(Bucket=SOURCE, Key=key, Body=body)
        bodies[key] = body

    with (
        disks.tmpfs(tmp_path / "one", 96) as one,
        disks.ext4(tmp_path / "two", image, 96) as two,
        disks.tmpfs(tmp_path / "three", 64) as three,
    ):
        said = ("--every", "5s")
        job = RelayJob(servers, tmp_path / "state", "soak", volumes=(one, two, three), said=said)
        process = job.start()
        trouble = troubled(job, Coming(two, image), arrive)
        all_arrive(job, process, bodies)
        process.send_signal(signal.SIGTERM)
        ended = job.finish(process)
        job.said = ("--once",)
        done = job.run()

        assert trouble.errors == []
        print(trouble.counts, len(bodies), "objects;", ended.errors[-2000:])
        assert ended.code in (0, 143), ended.errors
        assert adds_up(ended)
        assert done.code == 0, done.errors
        assert servers.held("soak") == manifest(bodies)
        assert job.staged_files() == []
