"""What a service manager hears of a relay."""

from __future__ import annotations

import configparser
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.cli.relay.systemd import Pulse, Systemd
from bucketline.settings import Environment

_UNIT = Path(__file__).parents[2] / "contrib" / "bucketline-relay@.service"


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


def systemd(heard: socket.socket, **more: str) -> Systemd:
    return Systemd(Environment({"NOTIFY_SOCKET": heard.getsockname(), **more}))


def test_it_hears_what_is_said(heard: socket.socket) -> None:
    systemd(heard).say(READY="1", STATUS="at work")

    assert heard.recv(1000) == b"READY=1\nSTATUS=at work"


def test_nobody_is_told_where_nobody_asked() -> None:
    Systemd(Environment({})).say(READY="1")


def test_a_manager_that_went_away_is_no_trouble(tmp_path: Path) -> None:
    Systemd(Environment({"NOTIFY_SOCKET": str(tmp_path / "gone")})).say(READY="1")


def test_the_watchdog_hears_while_each_hop_looks_at_the_clock(heard: socket.socket) -> None:
    pulse = Pulse(systemd(heard, WATCHDOG_USEC="300000000"))

    with pulse.watched():
        pulse.monotonic()

    assert heard.recv(1000) == b"WATCHDOG=1"


def test_the_watchdog_hears_nothing_while_a_hop_hangs(heard: socket.socket) -> None:
    pulse = Pulse(systemd(heard, WATCHDOG_USEC="300000000"))
    heard.setblocking(False)

    with pulse.watched():
        pulse._seen[12345] = pulse._seen[threading.get_ident()] - 200
        pulse.monotonic()

    with pytest.raises(BlockingIOError):
        heard.recv(1000)


def test_a_thread_that_is_no_hop_neither_speaks_nor_is_waited_for(heard: socket.socket) -> None:
    pulse = Pulse(systemd(heard, WATCHDOG_USEC="300000000"))
    heard.setblocking(False)

    pulse.monotonic()

    with pytest.raises(BlockingIOError):
        heard.recv(1000)
    with pulse.watched():
        pulse.monotonic()
    assert heard.recv(1000) == b"WATCHDOG=1"
    assert pulse._seen == {}


def test_the_unit_names_a_command_that_is_there() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(_UNIT)

    words = unit["Service"]["ExecStart"].split()

    assert words[0].endswith("/bucketline")
    assert words[words.index("relay") :] == ["relay", "run", "--name", "%i"]
    assert unit["Service"]["Type"] == "notify"
