"""Programs that the demo starts, watches and ends; the home of subprocess."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, Timer
from typing import NamedTuple

from bucketline.errors import BucketlineError, UsageError

_PATIENCE_SECONDS = 60.0  # For a child to end; the whole demo takes less.
_STARTED = re.compile(r"Starting s3 server on \[(http://127\.0\.0\.1:\d+)/\]")


class DemoFailed(BucketlineError):
    """Something in the demo did not go as it must."""


class Ended(NamedTuple):
    """How a child ended, and what it said."""

    code: int
    out: str
    err: str


def find_rclone() -> str:
    """Where the servers' program is; it comes as a wheel."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise UsageError(
            "the demo needs rclone for its two servers: install bucketline[demo], "
            "or call ./run demo in a clone"
        )
    return found


@contextmanager
def server(rclone: str, environment: Mapping[str, str]) -> Iterator[str]:
    """A local S3 server that keeps its objects in memory; the value is its URL."""
    words = [rclone, "serve", "s3", ":memory:", "--addr", "127.0.0.1:0"]
    child = _start(words, environment, out=subprocess.DEVNULL)
    assert child.stderr is not None
    rest = Thread(target=child.stderr.read, daemon=True)
    try:
        with _patience(child):
            url = next((m[1] for line in child.stderr if (m := _STARTED.search(line))), None)
        if url is None:
            raise DemoFailed("a local S3 server did not start")
        rest.start()  # A full pipe would stop the server: somebody has to read it.
        yield url
    finally:
        child.terminate()
        _wait(child)
        if rest.ident:
            rest.join()
        child.stderr.close()


def run(words: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """A program from its start to its end."""
    child = _start(words, environment)
    with _patience(child):
        out, err = child.communicate()
    return Ended(child.returncode, out, err)


def kill_when(
    words: Sequence[str], environment: Mapping[str, str], seen: Callable[[str], bool]
) -> Ended:
    """Kill a program with signal 9 at the first line of its output that is `seen`.

    It may end before: then the answer has its own exit code.
    """
    child = _start(words, environment)
    assert child.stdout is not None
    with _patience(child):
        if any(map(seen, child.stdout)):
            child.kill()
        out, err = child.communicate()
    return Ended(child.returncode, out, err)


def _start(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    out: int = subprocess.PIPE,
) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  A list of words of our own, and no shell.
        list(words),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )


@contextmanager
def _patience(child: subprocess.Popen[str]) -> Iterator[None]:
    """Nobody waits for ever: a child that hangs is killed, which its reader sees as its end."""
    timer = Timer(_PATIENCE_SECONDS, child.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _wait(child: subprocess.Popen[str]) -> int:
    try:
        return child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
