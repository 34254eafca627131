"""`bucketline demo` tells its story to the end, and leaves nothing running."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bucketline.cli.demo.children import DemoFailed, find_rclone, kill_when, run, server

AROUND = {"PATH": os.environ["PATH"], "RCLONE_CONFIG": "/nonexistent"}


def answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0


def test_the_demo_kills_resumes_finds_and_repairs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bucketline", "demo", "--state", str(tmp_path)]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "photos/2026/0042.jpg  (etag)" in ended.stdout
    assert f"The ledger: {next(tmp_path.glob('*.ledger'))}" in ended.stdout


def test_a_server_ends_with_its_block() -> None:
    with server(find_rclone(), AROUND) as url:
        assert answers(url)

    assert not answers(url)


def test_a_server_that_cannot_start_is_told() -> None:
    with pytest.raises(DemoFailed, match="did not start"), server("/bin/false", AROUND):
        pass


def test_a_child_is_killed_at_the_line_and_not_before() -> None:
    lines = "import time\nfor n in range(3): print(n, flush=True)\ntime.sleep(60)"

    ended = kill_when([sys.executable, "-c", lines], AROUND, lambda line: line == "2\n")

    assert ended.code == -9


def test_a_child_that_ends_before_the_line_keeps_its_own_exit_code() -> None:
    ended = kill_when([sys.executable, "-c", "exit(5)"], AROUND, lambda line: True)

    assert ended.code == 5


def test_a_child_reads_nothing_and_is_told_whole() -> None:
    words = [sys.executable, "-c", "import sys; print(sys.stdin.read() == ''); sys.exit(3)"]

    assert run(words, AROUND)[:2] == (3, "True\n")
