"""A server that says exactly what a test tells it to, byte for byte, and keeps what it was told."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from faults.http import Ended, Message, answer, read_request

Reply = Callable[[Message], Message | bytes | None]


def fine(_request: Message) -> Message:
    return answer(200, b"fine")


@dataclass
class RawServer:
    """`reply` says what to send: a Message keeps the connection, bytes end it, None is silence."""

    reply: Reply = fine
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    requests: list[Message] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)  # Who connected, once for each connection.

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, 0), family=family, backlog=512)
        self.port = self._listener.getsockname()[1]
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.url = f"{'https' if self.tls else 'http'}://{host}:{self.port}"
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        for connection in [self._listener, *self._open]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)

    @property
    def connections(self) -> int:
        return len(self.peers)

    @property
    def targets(self) -> list[str]:
        """What stood on the request lines."""
        return [request.start[1] for request in self.requests]

    def _spawn(self, target: Callable[..., None], *words: socket.socket) -> None:
        thread = threading.Thread(target=target, args=words, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, peer = self._listener.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, Ended):
            sound = self.tls.wrap_socket(client, server_side=True) if self.tls else client
            self._open.append(sound)
            with sound, sound.makefile("rb") as stream:
                while self._turn(read_request(stream, sound), sound):
                    pass

    def _turn(self, request: Message, client: socket.socket) -> bool:
        self.requests.append(request)
        reply = self.reply(request)
        if reply is None:
            self._over.wait()
            return False
        if isinstance(reply, Message):
            reply = Message(reply.head, b"" if request.start[0] == "HEAD" else reply.body)
        client.sendall(reply.raw() if isinstance(reply, Message) else reply)
        return isinstance(reply, Message)


@dataclass
class Tunnel:
    """A proxy for https: it learns where to, and passes bytes on without looking at them."""

    targets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._open: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            self._open.append(client)
            with client, client.makefile("rb") as stream:
                request = read_request(stream, client)
                self.targets.append(" ".join(request.start[:2]))
                host, _, port = request.start[1].rpartition(":")
                with socket.create_connection((host, int(port))) as server:
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                    back.start()
                    _pump(client, server)
                    back.join(timeout=10)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
