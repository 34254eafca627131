"""A fault proxy: between a client and a real server, it breaks what a plan says and counts all.

    with FaultProxy(endpoint.url) as proxy:
        proxy.add(lose_answer, method="PUT", path=r"/key-7$", nth=1)
        …                                      # a client that speaks to proxy.url
        assert len(proxy.seen("PUT", r"/key-7$")) == 2

The faults themselves are in faults/kinds.py.
"""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Self, TypedDict, Unpack
from urllib.parse import unquote, urlsplit

import processes
from faults.http import Ended, Line, Message, close_by_reset, read_request


@dataclass
class Seen:
    """One request, as the server's side saw it."""

    method: str
    target: str  # Path and query, as they came.
    request_bytes: int = 0  # Of the body.
    answer_bytes: int = 0
    status: int = 0  # What the server said; 0 = it was not asked, or did not answer.
    is_delivered: bool = False  # All of an answer was handed to the client's side.
    fault: str = ""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def key(self) -> str:
        """Of a path-style request; "" = it is about the bucket."""
        return unquote(self.path[1:].partition("/")[2])

    @property
    def is_part(self) -> bool:
        return "partNumber=" in self.query


@dataclass
class Exchange:
    """One request in the hands of a fault: forward it, answer it, or break it."""

    request: Message
    seen: Seen
    client: socket.socket
    line: Line
    released: threading.Event
    is_over: bool = False  # The client's connection ends with this exchange.

    def forward(self, request: Message | None = None) -> Message:
        """Ask the server, with another request if given."""
        answer = self.line.ask(request or self.request)
        self.seen.status = answer.status
        return answer

    def pass_on_half(self) -> None:
        """The whole head and half of the body reach the server, then it sees a reset."""
        self.line.send_only(self.request, len(self.request.body) // 2)

    def send(self, answer: Message) -> None:
        """Notes come first: who has the answer may look at them at once."""
        self.seen.answer_bytes += len(answer.body)
        self.seen.is_delivered = True
        try:
            self.client.sendall(answer.raw())
        except OSError:
            self.seen.is_delivered = False
            raise

    def send_only(self, answer: Message, count: int) -> None:
        """The whole head, and no more than `count` bytes of the body."""
        self.seen.answer_bytes += count
        self.client.sendall(answer.head + answer.body[:count])

    def stall(self) -> None:
        """Say nothing until the test releases it."""
        self.released.wait()

    def close(self) -> None:
        """End the connection in order, but early."""
        self.is_over = True

    def reset(self) -> None:
        """End the connection as a crash does."""
        close_by_reset(self.client)
        self.is_over = True


Fault = Callable[[Exchange], None]


def obey(exchange: Exchange) -> None:
    """No fault."""
    exchange.send(exchange.forward())


class Bounds(TypedDict, total=False):
    """More of a rule, for who needs it."""

    start: int
    times: int
    times_a_key: int


@dataclass
class Rule:
    """When a fault strikes."""

    fault: Fault
    method: str = ""  # "" = any.
    path: str = ""  # A pattern that is searched in path and query.
    nth: int = 0  # Only the nth request that matches, from 1 on; 0 = …
    every: int = 1  # … every so manieth of them …
    start: int = 1  # … from this one on.
    times: int = 0  # So often at most; 0 = always.
    times_a_key: int = 0  # So often at most at one key; 0 = always.
    matched: int = 0
    struck: int = 0
    keys: Counter[str] = field(default_factory=Counter)

    def strikes(self, seen: Seen) -> bool:
        if self.method not in ("", seen.method) or not re.search(self.path, seen.target):
            return False
        self.matched += 1
        due = self.matched == self.nth if self.nth else not self.matched % self.every
        due = due and self.matched >= self.start
        due = due and not (self.times and self.struck >= self.times)
        due = due and not (self.times_a_key and self.keys[seen.key] >= self.times_a_key)
        self.struck += due
        self.keys[seen.key] += due
        return due


@dataclass
class FaultProxy:
    """Listens on `url`; plain HTTP, one server behind it, a thread for each connection."""

    upstream: str
    log: list[Seen] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._address = (urlsplit(self.upstream).hostname, urlsplit(self.upstream).port)
        self._place = processes.hold_port()
        self._port = self._place.getsockname()[1]
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=512)
        self.url = f"http://127.0.0.1:{self._port}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._released = threading.Event()
        self._threads: list[threading.Thread] = []
        self._is_closing = False

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing = True
        self._released.set()
        self.go_away()
        self._place.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def add(
        self,
        fault: Fault,
        *,
        method: str = "",
        path: str = "",
        nth: int = 0,
        every: int = 1,
        **bounds: Unpack[Bounds],
    ) -> Rule:
        """From now on; the first rule that strikes decides, and all rules count."""
        rule = Rule(fault, method, path, nth, every, **bounds)
        with self._lock:
            self.rules.append(rule)
        return rule

    def heal(self) -> None:
        """No rules any more, and nothing stalls."""
        with self._lock:
            self.rules.clear()
        self.release()

    def release(self) -> None:
        """Let everything that stalls go on; what stalls later, stalls anew."""
        released, self._released = self._released, threading.Event()
        released.set()

    def drop_connections(self) -> None:
        """Cut every connection, as a restart of the server would."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def go_away(self) -> None:
        """Like a machine that was switched off: nobody is there, and connections are cut."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    def come_back(self) -> None:
        """At the same place as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=512)
        self._spawn(self._accept)

    def forget(self) -> None:
        """Count from zero."""
        with self._lock:
            self.log.clear()

    def seen(self, method: str = "", path: str = "") -> list[Seen]:
        """Requests so far: of this method, with this pattern in path and query."""
        with self._lock:
            return [s for s in self.log if method in ("", s.method) and re.search(path, s.target)]

    def bytes_sent(self, method: str = "PUT", path: str = "") -> int:
        """Bytes of bodies that clients sent."""
        return sum(seen.request_bytes for seen in self.seen(method, path))

    def _spawn(self, target: Callable[..., None], *words: socket.socket) -> None:
        self._threads.append(threading.Thread(target=target, args=words, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        listener = self._listener
        while not self._is_closing:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if listener.fileno() < 0:  # It went away meanwhile, and has cut what was open.
                    client.close()
                    return
                self._open.add(client)
                self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        line = Line(self._address)
        try:
            with client.makefile("rb") as stream:
                while self._turn(stream, client, line):
                    pass
        except (OSError, Ended):
            pass  # Either side went away: so does this connection.
        finally:
            line.close()
            with self._lock:
                self._open.discard(client)
            client.close()

    def _turn(self, stream: BinaryIO, client: socket.socket, line: Line) -> bool:
        """One request; whether there may be another."""
        seen = Seen("", "")
        try:
            request = read_request(stream, client)
        except Ended as broken:
            if broken.body:
                self._note(seen, Message(broken.head, broken.body))
            raise
        self._note(seen, request)
        with self._lock:
            faults = [rule.fault for rule in self.rules if rule.strikes(seen)]
        seen.fault = faults[0].__name__ if faults else ""
        exchange = Exchange(request, seen, client, line, self._released)
        (faults or [obey])[0](exchange)
        return not exchange.is_over and not request.is_last

    def _note(self, seen: Seen, request: Message) -> None:
        seen.method, seen.target = request.start[:2]
        seen.request_bytes = len(request.body)
        with self._lock:
            self.log.append(seen)
