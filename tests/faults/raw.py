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
    requests: list[Message] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
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
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(client)
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, Ended):
            sound = self.tls.wrap_socket(client, server_side=True) if self.tls else client
            with sound, sound.makefile("rb") as stream:
                while self._turn(read_request(stream, sound), sound):
                    pass

    def _turn(self, request: Message, client: socket.socket) -> bool:
        self.requests.append(request)
        reply = self.reply(request)
        if reply is None:
            self._over.wait()
            return False
        client.sendall(reply.raw() if isinstance(reply, Message) else reply)
        return isinstance(reply, Message)
