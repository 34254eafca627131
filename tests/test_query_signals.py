"""A query that takes long ends when it is asked to, by whichever signal."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import os, signal, sys, threading
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.duck import Duck

number = getattr(signal, sys.argv[1])

def end(*_):
    raise KeyboardInterrupt

signal.signal(number, end)
duck = Duck(Bounds("1GB", 2))
endless = "range(1000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3"
try:
    threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
    list(duck.rows(f"SELECT count(*) FROM {endless}", {}))
except KeyboardInterrupt:
    print("ended", list(duck.rows("SELECT 1", {})))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_query_without_end_is_ended_by_a_signal(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, "ended [(1,)]\n"), ended.stderr
