"""What is pushed is kept before it is answered, told until it is done with, and never by halves."""

from __future__ import annotations

import errno
import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import DiskError, UsageError
from bucketline.flow.events import Door, Hook, hook
from bucketline.settings import Secret

SECRET = "demo-secret-not-real"


class Desk:
    """A hook, and who pushes."""

    def __init__(self, path: Path, secret: str = SECRET) -> None:
        self.clock = FakeClock(1_000.0)
        self.said: list[str] = []
        door = Door("127.0.0.1", 0, Secret(secret))
        self.hook = Hook(door, path, lambda body: "ours" in body, self.clock, self.said.append)

    def push(self, body: str, path: str = f"/{SECRET}", **headers: str) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", self.hook.port, timeout=20)) as line:
            line.request("POST", path, body.encode(), headers)
            return line.getresponse().status

    def told(self) -> list[str]:
        return [one.body for one in self.hook.take(0.0)]


@contextmanager
def desk_at(path: Path, secret: str = SECRET) -> Iterator[Desk]:
    desk = Desk(path, secret)
    try:
        yield desk
    finally:
        desk.hook.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path / "kept") as found:
        yield found


def test_what_is_not_done_with_comes_again(desk: Desk) -> None:
    assert [desk.push("ours 1"), desk.push("ours 2")] == [200, 200]

    first = desk.hook.take(10.0)
    assert [one.body for one in first] == ["ours 1", "ours 2"]
    assert desk.told() == []
    desk.hook.drop(first[:1])
    desk.clock.sleep(301)
    assert desk.told() == ["ours 2"]


def test_who_is_killed_is_told_it_again(tmp_path: Path) -> None:
    with desk_at(tmp_path / "kept") as desk:
        for number in range(3):
            desk.push(f"ours {number} ü")
        desk.hook.drop(desk.hook.take(0.0)[1:2])
    with (tmp_path / "kept").open("ab") as file:
        file.write(b'{"number": 9, "bo')  # It was never answered.

    with desk_at(tmp_path / "kept") as again:
        assert again.told() == ["ours 0 ü", "ours 2 ü"]
        assert again.push("ours 3") == 200
    with desk_at(tmp_path / "kept") as again:
        assert again.told() == ["ours 0 ü", "ours 2 ü", "ours 3"]


def test_only_who_knows_the_secret_is_heard(desk: Desk) -> None:
    refused = [desk.push("ours", "/"), desk.push("ours", "/", Authorization="Bearer wrong")]
    taken = desk.push("ours", "/", Authorization=f"Bearer {SECRET}")

    assert (refused, taken) == ([401, 401], 200)
    assert desk.told() == ["ours"]
    assert desk.said == ["--events hook: somebody knocked without the secret of --events-secret"]


def test_what_is_no_event_of_ours_is_not_kept(desk: Desk) -> None:
    assert [desk.push("theirs"), desk.push(""), desk.push("\0\xff")] == [400, 400, 400]
    assert (desk.told(), len(desk.said)) == ([], 1)


def test_what_is_too_long_is_not_so_much_as_read(desk: Desk) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", desk.hook.port, timeout=20)) as line:
        line.putrequest("POST", f"/{SECRET}")
        line.putheader("Content-Length", str(2 << 20))
        line.endheaders()
        assert line.getresponse().status == 413


def test_half_a_body_is_not_kept(desk: Desk) -> None:
    with closing(socket.create_connection(("127.0.0.1", desk.hook.port))) as line:
        line.sendall(f"POST /{SECRET} HTTP/1.1\r\nContent-Length: 99\r\n\r\nours".encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""

    assert desk.told() == []


def test_a_body_of_no_known_length_is_refused(desk: Desk) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", desk.hook.port, timeout=20)) as line:
        line.putrequest("POST", f"/{SECRET}")
        line.putheader("Transfer-Encoding", "chunked")
        line.endheaders(b"4\r\nours\r\n0\r\n\r\n")
        assert line.getresponse().status == 411


def test_more_than_may_be_kept_comes_again_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "_KEPT_MAX", 2)

    assert [desk.push("ours") for _ in range(3)] == [200, 200, 503]
    desk.hook.drop(desk.hook.take(0.0)[:1])
    assert desk.push("ours 4") == 200


def test_they_may_not_fill_the_disk_however_few_they_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "_KEPT_BYTES_MAX", 10_000)

    assert [desk.push(f"ours {'x' * 6_000}") for _ in range(3)] == [200, 200, 503]


def test_a_full_disk_is_no_yes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    desk.push("ours 1")
    taken = desk.hook.take(0.0)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert desk.push("ours 2") == 503
        with pytest.raises(DiskError, match="cannot be let go"):
            desk.hook.drop(taken)

    assert desk.push("ours 3") == 200
    assert [one for one in desk.said if "No space left" in one]


class Filling:
    """A file on a disk that fills up amid a write."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return self._file.write(data[: len(data) // 2])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_half_a_line_is_no_yes(tmp_path: Path) -> None:
    with desk_at(tmp_path / "kept") as desk:
        desk.push("ours 1")
        kept = desk.hook._kept
        whole = kept._file
        kept._file = cast("IO[bytes]", Filling(whole))
        assert desk.push("ours 2") == 503
        kept._file = whole
        assert desk.push("ours 3") == 200

    with desk_at(tmp_path / "kept") as again:
        assert again.told() == ["ours 1", "ours 3"]


def test_a_file_of_which_nothing_is_left_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "_TIDY_BYTES", 100)
    with desk_at(tmp_path / "kept") as desk:
        for number in range(20):
            desk.push(f"ours {number}")
            desk.hook.drop(desk.hook.take(0.0))

    assert (tmp_path / "kept").stat().st_size < 200


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text('{"number": 1}\n{"number": 2, "body": "ours"}\n')

    with pytest.raises(DiskError, match="kept: is damaged"):
        Desk(tmp_path / "kept")


def test_a_place_that_is_taken_is_told(desk: Desk, tmp_path: Path) -> None:
    door = Door("127.0.0.1", desk.hook.port, Secret(""))

    with pytest.raises(UsageError, match="cannot listen there"):
        Hook(door, tmp_path / "other", bool, desk.clock, print)


def test_many_at_once_are_each_kept_or_come_again(desk: Desk) -> None:
    lines = [socket.create_connection(("127.0.0.1", desk.hook.port)) for _ in range(100)]
    answered = 0
    for line in lines:
        with closing(line), suppress(OSError):
            head = f"POST /{SECRET} HTTP/1.1\r\nContent-Length: 4\r\nConnection: close"
            line.sendall(f"{head}\r\n\r\nours".encode())
            answered += b" 200 " in line.recv(1_000)

    assert answered > 0
    assert len(desk.told()) == answered
