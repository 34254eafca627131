"""Who holds a connection and gives or takes nothing loses it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn

from bucketline.service.impatience import Impatient


class VeryImpatient(Impatient):
    head_seconds = 0.2
    reader_seconds = 0.2


@contextmanager
def _serving(app: Any) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=VeryImpatient, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)


def _app(let_go: Event) -> Callable[..., Any]:
    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = {"type": "http.response.body", "body": bytes(1 << 20), "more_body": True}
        if scope["path"] == "/endless":
            for _ in range(100):
                await send(more)
            await receive()
            if (await receive())["type"] == "http.disconnect":
                let_go.set()
        else:
            await send({"type": "http.response.body", "body": b"fine"})

    return app


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nho"],
    ids=["nothing", "half a head", "a whole one and half of the next"],
)
def test_who_begins_and_does_not_go_on(said: bytes) -> None:
    with _serving(_app(Event())) as port, socket.create_connection(("127.0.0.1", port), 20) as end:
        end.sendall(said)
        told = b""
        try:
            while piece := end.recv(1 << 16):
                told += piece
        except ConnectionResetError:
            pass
        assert told.count(b"200 OK") == said.count(b"\r\n\r\n")


def test_who_asks_and_does_not_read() -> None:
    let_go = Event()
    with _serving(_app(let_go)) as port, socket.create_connection(("127.0.0.1", port), 20) as end:
        end.sendall(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        assert let_go.wait(20)
