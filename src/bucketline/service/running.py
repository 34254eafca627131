"""The server process: a socket, TLS, signals, and the application behind them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn

from bucketline.clock import Clock
from bucketline.errors import UsageError
from bucketline.service.app import HOME, Served, make_app
from bucketline.service.certificates import Files, own_certificate
from bucketline.service.impatience import Impatient
from bucketline.service.renewal import Renewal

_LOOK_SECONDS = 3_600.0  # Ours are renewed a month before their end; others' tools say a HUP, too.
_GRACE_SECONDS = 2  # For answers under way; streams of events have no end of their own.


class Listening(NamedTuple):
    """Where, and as whom."""

    host: str
    port: int
    given: tuple[Path, Path] | None  # A certificate and its key.
    names: tuple[str, ...]
    is_plain: bool


class _Server(uvicorn.Server):
    """Ends at a signal, with our exit code and not by the signal itself."""

    let_go: Callable[[], None]
    renewal: Renewal | None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        if self.renewal is not None and self.config.ssl is not None:
            loop.call_later(_LOOK_SECONDS, self._keep_up, self.renewal, self.config.ssl)
            if not _has_terminal():  # Of one that hangs up, a HUP is the end.
                loop.add_signal_handler(signal.SIGHUP, self.renewal.look, self.config.ssl)
        yield

    def _keep_up(self, renewal: Renewal, context: ssl.SSLContext) -> None:
        renewal.look(context)
        asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._keep_up, renewal, context)

    def _end(self) -> None:
        self.force_exit = self.should_exit  # The second one does not wait.
        self.should_exit = True
        self.let_go()


def run(what: Served, clock: Clock, where: Listening, say: Callable[[str], None]) -> int:
    """Until a signal ends it; the exit code."""
    home = what.state / HOME
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    renewal = None if where.is_plain else Renewal(lambda: _files(home, where, clock), say)
    files = renewal.files if renewal else None
    if files and files.authority:
        say(f"clients have to trust {files.authority}")
    made = make_app(what, clock)
    config = uvicorn.Config(
        made.app,
        http=Impatient,
        log_config=None,
        log_level="error",  # What strangers send is no line of ours.
        access_log=False,
        server_header=False,
        proxy_headers=False,  # Who asks does not say for himself where he comes from.
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=30,
        limit_concurrency=500,
        ssl_certfile=files.certificate if files else None,
        ssl_keyfile=files.key if files else None,
    )
    with _bound(where) as listener:
        scheme = "http" if where.is_plain else "https"
        host, port = listener.getsockname()[:2]
        say(f"at {scheme}://{f'[{host}]' if ':' in host else host}:{port}/")
        config.load()
        server = _Server(config)
        server.let_go, server.renewal = made.end, renewal
        server.run(sockets=[listener])
    return 0


def _files(home: Path, where: Listening, clock: Clock) -> Files:
    return Files(*where.given) if where.given else own_certificate(home, where.names, clock.now())


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


@contextmanager
def _bound(where: Listening) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    # Without the protocol's number asyncio sets no TCP_NODELAY, and each answer is 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((where.host, where.port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"{where.host}:{where.port}: cannot listen there ({error.strerror or error})"
        ) from None
    with listener:
        yield listener
