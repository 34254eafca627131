"""The old program, or whoever keeps its ledger, killed at a random copy: the next run finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from compat.test_s3backuprestore import Place
from faults.proxy import Exchange, FaultProxy
from servers import Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
_OBJECTS, _PROCESSES = 60, 4


def beings(home: Path) -> dict[int, str]:
    """The processes whose home is this: their ids and command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"HOME={home}\0".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def owners(home: Path) -> list[int]:
    return [pid for pid, words in beings(home).items() if "s3backuprestore.owner" in words]


def await_end(home: Path) -> None:
    """Until the owner has ended by itself; what Python's manager leaves behind is put away."""
    for _ in range(400):
        if not owners(home):
            break
        time.sleep(0.1)
    assert not owners(home)
    for pid in beings(home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("victim", "nth"), [("program", 29), ("owner", 3)])
def test_killed_it_is_finished_by_the_next_run(
    tmp_path: Path, moto: Endpoint, victim: str, nth: int
) -> None:
    place = Place(moto, tmp_path)
    for number in range(_OBJECTS):
        place.put(place.source, f"k{number}", b"%d" % number)
    with FaultProxy(moto.url) as proxy:
        place.url = proxy.url
        program: list[subprocess.Popen[bytes]] = []

        def strike(exchange: Exchange) -> None:
            pid = program[0].pid if victim == "program" else owners(tmp_path)[0]
            os.kill(pid, signal.SIGKILL)
            exchange.send(exchange.forward())

        proxy.add(strike, method="PUT", path=f"/{place.backup}/", nth=nth, times=1)
        words = [sys.executable, str(place.written("getting_started"))]
        words += [place.source, place.backup]
        program.append(subprocess.Popen(words, env=place.around, stderr=subprocess.DEVNULL))
        code = program[0].wait(60)
        assert code == (-signal.SIGKILL if victim == "program" else _PROCESSES)
        await_end(tmp_path)

        place.run("getting_started", place.source, place.backup)

        assert place.held(place.backup) == place.held(place.source)
        await_end(tmp_path)
        assert max(Counter(seen.key for seen in proxy.seen("PUT")).values()) <= 2
