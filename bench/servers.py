"""The servers that are measured against: started for a workload, ended by their own pid."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "bench-access", "bench-secret-not-real"


def tool(name: str) -> str:
    """An executable of this environment, else of the PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise SystemExit(f"bench: {name} is missing; install the development requirements")
    return found


@contextmanager
def rclone_serve() -> Iterator[str]:
    """`rclone serve s3` over memory: plain objects, the fastest real server at hand."""
    port = _free_port()
    command = [
        tool("rclone"), "serve", "s3", ":memory:", "--addr", f"127.0.0.1:{port}",
        "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--log-level", "ERROR",
    ]  # fmt: skip
    with _child(command):
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def radosgw() -> Iterator[str]:
    """Ceph's gateway over a file: the most faithful server at hand, for large objects."""
    sys.path.append("tests")  # It knows how to start one.
    import processes
    import servers_radosgw

    folder = Path(tempfile.mkdtemp(prefix="bucketline-bench-ceph-"))
    port, pids = servers_radosgw.launch(
        folder, users=[ACCESS_KEY], secret=SECRET_KEY, kind="bluestore"
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        processes.kill(pids)
        shutil.rmtree(folder)


@contextmanager
def cheap_listing(keys: int, *, delay_seconds: float = 0.0, shape: str = "flat") -> Iterator[str]:
    """Our own listing-only server (bench/cheap.py)."""
    command = [sys.executable, "-m", "bench.cheap", str(keys), str(delay_seconds), shape]
    with _child(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"


@contextmanager
def _child(command: list[str], stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("bench: the server did not start")
