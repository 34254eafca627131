"""Child processes of tests: found beside this Python or on the PATH, and killed by id."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_BESIDE = str(Path(sys.executable).parent)
_PATHS = (_BESIDE, os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin")
PARK = "BUCKETLINE_TEST_PARK"  # The folder where a session notes its processes (keeper.py).
_children: list[subprocess.Popen[bytes]] = []  # Kept, so that none is reported as forgotten.


def find(program: str) -> str:
    """Where it is; "" = nowhere."""
    return shutil.which(program, path=os.pathsep.join(_PATHS)) or ""


def free_port(start: int = 10_000, end: int = 32_000) -> int:
    """A port that nobody has now, outside of those that outgoing connections get by chance.

    No two of a session get the same: both would find it free, and the slower one an error.
    """
    while True:
        port = random.SystemRandom().randrange(start, end)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if park := os.environ.get(PARK):
                Path(park, f"{port}.port").touch(exist_ok=False)
            return port


def hold_port() -> socket.socket:
    """A port that stays taken while nobody listens there: no outgoing connection gets it.

    Who says SO_REUSEADDR may listen at it.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def spawn(
    command: Sequence[str], folder: Path, *, variables: Mapping[str, str] | None = None
) -> int:
    """Start a server; what it says goes to `<program>.log` in `folder`. The answer is its id."""
    program, *words = command
    path = find(program)
    if not path:
        raise FileNotFoundError(f"{program} is neither beside {sys.executable} nor on the PATH")
    with (folder / f"{program}.log").open("wb") as log:
        child = subprocess.Popen(
            [path, *words],
            cwd=folder,
            env={**os.environ, "HOME": str(folder), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # An interrupt meant for the tests is not meant for it.
        )
    _children.append(child)
    if park := os.environ.get(PARK):
        Path(park, f"{child.pid}.pid").write_text(str(folder.resolve()))
    return child.pid


def run(command: Sequence[str], folder: Path, *, timeout_seconds: float = 60) -> str:
    """Run a program to its end; an error tells all that it said."""
    program, *words = command
    done = subprocess.run(
        [find(program) or program, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def await_port(port: int, pid: int, log: Path, *, timeout_seconds: float = 60) -> None:
    """Wait until process `pid` listens; fail at once when it ends, as it does if it cannot bind."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        ended = _is_ended(pid)
        with socket.socket() as probe:
            if not ended and not probe.connect_ex(("127.0.0.1", port)):
                return
        if ended or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{log.stem} does not listen on port {port}: {said}")
        time.sleep(0.02)


def kill(pids: Sequence[int]) -> None:
    """End processes at once, also those that another process started."""
    for pid in reversed(pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for child in _children:
        if child.pid in pids:
            child.wait()


def _is_ended(pid: int) -> bool:
    return any(child.pid == pid and child.poll() is not None for child in _children)
