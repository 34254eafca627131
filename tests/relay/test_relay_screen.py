"""What a person at a terminal sees of a relay: both hops and the volumes, at once."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from faults.proxy import Exchange
from faults.syncing import Bodies
from relay.jobs import RelayJob

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return {f"folder/{number:02}": os.urandom(4_096) for number in range(20)}


def seen_at_a_terminal(job: RelayJob, *, until: threading.Event, words: str) -> tuple[str, int]:
    """What the relay shows, and its exit code; `until` is set when `words` were shown."""
    ours, theirs = pty.openpty()
    job.progress = "auto"
    command = [word for word in job.words_for() if word != "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bucketline", *command],
        env={**os.environ, "AWS_ACCESS_KEY_ID": "demo-access", "COLUMNS": "160", "TERM": "xterm"}
        | {"AWS_SECRET_ACCESS_KEY": "demo-secret-not-real"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = ""
    while True:
        try:
            more = os.read(ours, 4_096)
        except OSError:  # Nobody holds the other end any more.
            break
        shown += _ESCAPES.sub("", more.decode(errors="replace"))
        if words in shown:
            until.set()
    os.close(ours)
    return shown, process.wait()


def test_both_hops_and_the_volumes_are_shown_together(fresh: RelayJob, bodies: Bodies) -> None:
    was_shown = threading.Event()
    first: list[Exchange] = []

    def hold(exchange: Exchange) -> None:
        """The first one to be sent waits until it was seen on the screen that it is staged."""
        if not first:
            first.append(exchange)
            assert was_shown.wait(60)
        exchange.send(exchange.forward())

    fresh.pair.target_proxy.add(hold, method="PUT")
    volumes = tuple(fresh.volumes)

    shown, code = seen_at_a_terminal(fresh, until=was_shown, words="full; ")

    assert code == 0, shown
    for word in ("fetch", "forward", "staged ", *map(str, volumes)):
        assert word in shown
    assert fresh.pair.keys(fresh.bucket) == set(bodies)


def test_a_volume_that_is_away_is_shown_so(fresh: RelayJob, bodies: Bodies, tmp_path: Path) -> None:
    assert fresh.run().code == 0
    away = Path(fresh.volumes[0])
    away.rename(tmp_path / "elsewhere")
    away.mkdir()

    shown, code = seen_at_a_terminal(fresh, until=threading.Event(), words="")

    assert code in (0, 4), shown
    assert f"volume   {away}: away: " in shown
    assert bodies
