"""HTTP/1.1 messages as proxy and raw server see them: read whole, sent byte for byte."""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass
from typing import BinaryIO

_LENGTH = re.compile(rb"^content-length:[ \t]*(\d+)[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding:.*chunked", re.IGNORECASE | re.MULTILINE)
_EXPECTS = re.compile(rb"^expect:\s*100-continue", re.IGNORECASE | re.MULTILINE)
_LAST = re.compile(rb"^connection:\s*close", re.IGNORECASE | re.MULTILINE)


class Ended(Exception):
    """The other side closed the connection before the message was whole."""

    def __init__(self, head: bytes = b"", body: bytes = b"") -> None:
        super().__init__("the connection ended")
        self.head = head
        self.body = body


@dataclass(frozen=True)
class Message:
    """A request or an answer: its head with the empty line, and its body without framing."""

    head: bytes
    body: bytes = b""

    @property
    def start(self) -> list[str]:
        """The words of the first line."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    @property
    def status(self) -> int:
        return int(self.start[1])

    @property
    def is_last(self) -> bool:
        return bool(_LAST.search(self.head))

    def header(self, name: str) -> str:
        """The header's value; "" = it is not there."""
        pattern = rb"^%s:[ \t]*(.*?)[ \t]*\r$" % re.escape(name.encode())
        found = re.search(pattern, self.head, re.IGNORECASE | re.MULTILINE)
        return found[1].decode("latin-1") if found else ""

    def with_body(self, body: bytes) -> Message:
        """Another body, honestly measured."""
        return Message(_LENGTH.sub(b"Content-Length: %d\r" % len(body), self.head), body)

    def raw(self) -> bytes:
        return self.head + self.body


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Message:
    """An answer of our own making."""
    lines = {"Content-Length": str(len(body)), **(headers or {})}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return Message(f"HTTP/1.1 {status} So\r\n{text}\r\n".encode(), body)


def read_request(stream: BinaryIO, sink: socket.socket) -> Message:
    """The next request; says "go on" to a client that waits before its body."""
    head = _read_head(stream)
    if _EXPECTS.search(head):
        sink.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Message(head, _read_body(stream, head, to_the_end=False))


def read_answer(stream: BinaryIO, method: str) -> Message:
    """The next answer, chunks joined, "100 Continue" left out."""
    head = _read_head(stream)
    while head.startswith(b"HTTP/1.1 100"):
        head = _read_head(stream)
    status = Message(head).status
    if method == "HEAD" or status in (204, 304):
        return Message(head)
    body = _read_body(stream, head, to_the_end=True)
    if not _LENGTH.search(head):
        head = re.sub(rb"(?im)^transfer-encoding:.*\r\n", b"", head)
        head = head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body)
    return Message(head, body)


def close_by_reset(connection: socket.socket) -> None:
    """When it is closed, the other side gets a reset, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _read_head(stream: BinaryIO) -> bytes:
    lines: list[bytes] = []
    while (line := stream.readline(1 << 17)) != b"\r\n":
        if not line.endswith(b"\n"):
            raise Ended(b"".join(lines) + line)
        lines.append(line)
    return b"".join(lines) + line


def _read_body(stream: BinaryIO, head: bytes, *, to_the_end: bool) -> bytes:
    if _CHUNKED.search(head):
        return _read_chunks(stream, head)
    told = _LENGTH.search(head)
    if not told:
        return stream.read() if to_the_end else b""
    body = stream.read(int(told[1]))
    if len(body) < int(told[1]):
        raise Ended(head, body)
    return body


def _read_chunks(stream: BinaryIO, head: bytes) -> bytes:
    body = b""
    while size := int(stream.readline().split(b";")[0] or b"0", 16):
        body += stream.read(size)
        stream.readline()
    if stream.readline() != b"\r\n":
        raise Ended(head, body)
    return body


class Line:
    """One connection to the server, opened when needed, and anew after an end."""

    def __init__(self, address: tuple[str | None, int | None]) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def ask(self, request: Message) -> Message:
        used = self._socket is not None
        try:
            return self._exchange(request)
        except (OSError, Ended):
            self.close()
            if not used:
                raise
            return self._exchange(request)  # A kept connection may have ended meanwhile.

    def send_only(self, request: Message, count: int) -> None:
        """The head and so many bytes of the body, on a connection of its own that then breaks."""
        with socket.create_connection(self._address) as broken:
            broken.sendall(request.head + request.body[:count])
            close_by_reset(broken)

    def _exchange(self, request: Message) -> Message:
        if self._socket is None:
            self._socket = socket.create_connection(self._address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stream = self._socket.makefile("rb")
        self._socket.sendall(request.raw())
        answer = read_answer(self._stream, request.start[0])
        if answer.is_last:
            self.close()
        return answer

    def close(self) -> None:
        if self._socket is not None:
            self._stream.close()
            self._socket.close()
            self._socket = None
