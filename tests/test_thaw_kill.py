"""A thaw, killed at its nth request: started again it asks for nothing twice, and ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from archives import LOOKS, archive_server
from bucketline.flow.drive import blocking
from bucketline.model import Attributes
from bucketline.stores.base import Flow, Together
from bucketline.stores.s3 import S3Store
from desk import VARIABLES, Desk, start
from faults.proxy import Exchange, FaultProxy

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("surroundings"), pytest.mark.timeout(200)]
_OBJECTS, _KILLS, _WIDTH = 120, 6, 8


def written(store: S3Store) -> Flow[None]:
    tier = Attributes(tier="GLACIER")
    yield Together([store.write(f"k{n}", b"x", attributes=tier) for n in range(_OBJECTS)], 16)


def test_a_killed_thaw_goes_on_and_asks_for_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], variables: dict[str, str]
) -> None:
    chance = random.Random(7)
    with archive_server(tmp_path / "moto") as glacier, FaultProxy(glacier.url) as proxy:
        desk = Desk(tmp_path, glacier, capsys)
        desk.url = proxy.url
        blocking(written(desk.store))
        words = ("thaw", desk.s3, "--workers", str(_WIDTH), "--endpoint-url", proxy.url)
        struck: list[subprocess.Popen[str]] = []

        def strike(exchange: Exchange) -> None:
            os.kill(struck[-1].pid, signal.SIGKILL)
            exchange.send(exchange.forward())

        for _ in range(_KILLS):
            proxy.add(strike, method="POST", nth=chance.randint(1, 20), times=1)
            struck.append(start({**variables, **VARIABLES}, *words))
            struck[-1].communicate(timeout=60)
            proxy.heal()
        assert [one.returncode for one in struck] == [-signal.SIGKILL] * _KILLS

        passes = 0
        while (ended := desk.ended("thaw", desk.s3))[0] == 4:
            passes += 1
            assert passes <= LOOKS + 1
        assert (ended[0], ended[1][-1]["done"]) == (0, _OBJECTS)
        asked = Counter(seen.key for seen in proxy.seen("POST"))
        assert len(asked) == _OBJECTS
        assert asked.total() <= _OBJECTS + _KILLS * _WIDTH  # What was under way at a kill.
