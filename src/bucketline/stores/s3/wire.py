"""The wire: HTTP exchanges over one libcurl multi handle; the only home of libcurl."""

from __future__ import annotations

import os
import select
import threading
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pycurl

from bucketline import __version__
from bucketline.errors import Broken, StoreError, Unreachable, Untrusted
from bucketline.stores.base import Answer, Request, Route
from bucketline.stores.s3.bodies import Bodies
from bucketline.stores.s3.failures import failure
from bucketline.stores.s3.heads import headers_of, is_whole

# A wheel's libcurl was built elsewhere and does not know where this system keeps its authorities.
_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_BODY_MAX = 1 << 30  # A server that ignores Range must not fill our memory.
_CONNECTIONS_MAX = 512
_TRICKLE = 128  # Bytes a second; what stays below for the idle time stands still to all intents.
_QUICK_EXIT = 322  # CURLOPT_QUICK_EXIT; pycurl has no name for it.
_QUIET = ["Expect:", "Accept:"]  # Headers of libcurl's own that we do not want sent.
_UNREACHABLE = {
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY,
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_INTERFACE_FAILED,
    pycurl.E_URL_MALFORMAT,
    pycurl.E_SSL_CONNECT_ERROR,
}
_UNTRUSTED = {pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE}
_SHAPES = {"GET": "plain", "DELETE": "plain", "HEAD": "head"}  # Everything else carries a body.


class _Exchange:
    """A reusable easy handle and what its exchange under way has brought so far."""

    __slots__ = ("body", "curl", "head", "large", "method", "request", "speed_max", "ticket")

    def __init__(self, curl: pycurl.Curl) -> None:
        self.curl = curl
        self.request: Request | None = None
        self.ticket: Any = None
        self.method = ""
        self.head: list[bytes] = []
        self.body: list[bytes] = []
        self.large: BytesIO | None = None  # Takes the body instead.
        self.speed_max = 0
        curl.setopt(pycurl.HEADERFUNCTION, self.head.append)
        curl.setopt(pycurl.WRITEFUNCTION, self.body.append)


class Wire:
    """Any number of exchanges at once; belongs to one thread, except `wake`."""

    def __init__(self) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, _CONNECTIONS_MAX)
        self._multi.setopt(pycurl.M_PIPELINING, 0)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._epoll = select.epoll()
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._alarm, select.EPOLLIN)
        self._closing = threading.Lock()
        self._is_closed = False
        self._sockets: set[int] = set()  # What we look at for libcurl.
        self._idle: set[int] = set()  # Of these, what it does not ask for just now.
        self._due: float | None = None
        self._spare: dict[tuple[Route, str], list[_Exchange]] = {}
        self._running: dict[pycurl.Curl, _Exchange] = {}
        self._bodies = Bodies()
        self.busy = 0

    def start(self, request: Request, ticket: Any) -> None:
        """Begin an exchange; a later `poll` tells its end under `ticket`."""
        shape = _shape(request)
        spare = self._spare.setdefault((request.route, shape), [])
        exchange = spare.pop() if spare else _Exchange(_easy(request.route, shape))
        exchange.request, exchange.ticket = request, ticket
        curl = exchange.curl
        curl.setopt(pycurl.URL, request.url)
        headers = request.headers + _QUIET
        if shape == "body":
            curl.setopt(pycurl.POSTFIELDS, bytes(request.body))  # Bytes are not copied.
            headers.append("Content-Type:")  # Without a value: send no other than ours.
        if request.method != exchange.method and shape != "head":
            exchange.method = request.method
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        if request.speed_max != exchange.speed_max:
            exchange.speed_max = request.speed_max
            curl.setopt(pycurl.MAX_RECV_SPEED_LARGE, request.speed_max)
            curl.setopt(pycurl.MAX_SEND_SPEED_LARGE, request.speed_max)
            curl.setopt(pycurl.LOW_SPEED_LIMIT, 1 if request.speed_max else _TRICKLE)
        if shape == "large":
            exchange.large = self._bodies.take()
            curl.setopt(pycurl.WRITEFUNCTION, exchange.large.write)
        if request.sink is not None:
            curl.setopt(pycurl.WRITEFUNCTION, request.sink)
        if request.is_once:  # Over a kept connection that dies libcurl makes it again, unseen.
            curl.setopt(pycurl.FRESH_CONNECT, 1)
        _set_headers(curl, headers)
        self._running[curl] = exchange
        self.busy += 1
        self._multi.add_handle(curl)

    def poll(self, timeout_seconds: float) -> list[tuple[Any, Answer | StoreError]]:
        """Wait for something to end, or for `wake`, at most so long; tell what ended."""
        self._kick()
        ended = self._harvest()  # A near server may have answered in that very turn.
        wait = 0.0 if ended else timeout_seconds
        if self._due is not None:
            wait = max(0.0, min(wait, self._due - time.monotonic()))
        for descriptor, event in self._epoll.poll(wait):
            if descriptor == self._alarm:
                os.eventfd_read(self._alarm)
                continue
            if descriptor in self._idle:  # Its server has closed it: nobody wants to know yet.
                self._look_away(descriptor)
                continue
            action = pycurl.CSELECT_IN if event & ~select.EPOLLOUT else 0
            if event & select.EPOLLOUT:
                action |= pycurl.CSELECT_OUT
            self._multi.socket_action(descriptor, action)
        self._kick()
        return ended + self._harvest()

    def wake(self) -> None:
        """Make a `poll` that waits, or else the next one, return at once. Safe in any thread."""
        with self._closing:  # A late waker must not write into a file that got the number since.
            if not self._is_closed:
                os.eventfd_write(self._alarm, 1)

    def close(self) -> None:
        """Abort everything under way; nothing is told of it."""
        for curl in self._running:
            self._multi.remove_handle(curl)
            curl.close()
        for spare in self._spare.values():
            for exchange in spare:
                exchange.curl.close()
        self._running, self._spare, self.busy = {}, {}, 0
        self._multi.close()
        self._epoll.close()
        with self._closing:
            self._is_closed = True
            os.close(self._alarm)

    def _kick(self) -> None:
        """Give libcurl its turn when its timer has run out: it starts and ends things there."""
        while self._due is not None and self._due <= time.monotonic():
            self._due = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _on_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _on_socket(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:  # Mostly the next exchange will ask for it again.
            self._idle.add(descriptor)
            return
        events = (select.EPOLLIN if what & pycurl.POLL_IN else 0) | (
            select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        )
        if descriptor in self._sockets:
            self._idle.discard(descriptor)
            try:
                self._epoll.modify(descriptor, events)
            except FileNotFoundError:  # Closed without a word, its number in use again.
                self._epoll.register(descriptor, events)
            return
        self._epoll.register(descriptor, events)
        self._sockets.add(descriptor)

    def _look_away(self, descriptor: int) -> None:
        self._idle.discard(descriptor)
        self._sockets.discard(descriptor)
        with suppress(OSError):
            self._epoll.unregister(descriptor)

    def _harvest(self) -> list[tuple[Any, Answer | StoreError]]:
        ended: list[tuple[Any, Answer | StoreError]] = []
        more = 1
        while more:
            more, good, bad = self._multi.info_read()
            for curl in good:
                exchange = self._release(curl)
                status = curl.getinfo(pycurl.RESPONSE_CODE)
                if exchange.head[-1:] != [b"\r\n"] and not is_whole(exchange.head):
                    ended.append((exchange.ticket, _failure(exchange, 0, "amid the headers")))
                    curl.close()
                    continue
                answer = Answer(status, headers_of(exchange.head), self._body(exchange, status))
                ended.append((exchange.ticket, answer))
                self._keep(exchange)
            for curl, number, text in bad:
                exchange = self._release(curl)
                ended.append((exchange.ticket, _failure(exchange, number, text)))
                curl.close()
        return ended

    def _release(self, curl: pycurl.Curl) -> _Exchange:
        self._multi.remove_handle(curl)
        self.busy -= 1
        return self._running.pop(curl)

    def _body(self, exchange: _Exchange, status: int) -> bytes:
        if exchange.large is None:
            return b"".join(exchange.body)
        view = self._bodies.view(exchange.large)
        return cast("bytes", view) if status < 300 else bytes(view)  # A refusal is text.

    def _keep(self, exchange: _Exchange) -> None:
        request = exchange.request
        assert request is not None
        shape = _shape(request)
        if shape == "body":
            exchange.curl.setopt(pycurl.POSTFIELDS, b"")  # Lets go of the body's memory.
        if request.is_once:
            exchange.curl.setopt(pycurl.FRESH_CONNECT, 0)
        exchange.request = exchange.ticket = exchange.large = None
        exchange.head.clear()
        exchange.body.clear()
        self._spare[request.route, shape].append(exchange)


def _shape(request: Request) -> str:
    """Which handles it can have: each is set up for one kind of exchange."""
    if request.sink is not None:
        return "streamed"
    return "large" if request.is_large else _SHAPES.get(request.method, "body")


def _easy(route: Route, shape: str) -> pycurl.Curl:
    """An easy handle with all that stays the same from one exchange to the next."""
    curl = pycurl.Curl()
    constant = {
        pycurl.NOSIGNAL: 1,
        pycurl.PATH_AS_IS: 1,  # "/../" in a key is not ours to resolve.
        _QUICK_EXIT: 1,  # Closing must not wait for a name server.
        pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
        pycurl.FOLLOWLOCATION: 0,  # A redirected request must be signed anew.
        pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        pycurl.USERAGENT: f"bucketline/{__version__}",
        pycurl.CONNECTTIMEOUT: route.connect_timeout_seconds,
        pycurl.LOW_SPEED_LIMIT: _TRICKLE,
        pycurl.LOW_SPEED_TIME: route.idle_timeout_seconds,
        pycurl.BUFFERSIZE: 256 << 10,
        pycurl.UPLOAD_BUFFERSIZE: 256 << 10,
        pycurl.PROXY: route.proxy,
        pycurl.NOPROXY: route.no_proxy,
        pycurl.SSL_VERIFYPEER: int(route.verify_tls),
        pycurl.SSL_VERIFYHOST: 2 if route.verify_tls else 0,
    }
    for option, value in constant.items():
        curl.setopt(option, value)
    if authorities := route.ca_file or _system_authorities():
        curl.setopt(pycurl.CAINFO, authorities)
    if route.source_address:
        curl.setopt(pycurl.INTERFACE, route.source_address)
    if shape == "head":  # It tells how large a body is and brings none, however large.
        curl.setopt(pycurl.NOBODY, 1)
    elif shape != "streamed":
        curl.setopt(pycurl.MAXFILESIZE_LARGE, _BODY_MAX)
    return curl


def _set_headers(curl: pycurl.Curl, headers: list[str]) -> None:
    try:
        curl.setopt(pycurl.HTTPHEADER, headers)
    except UnicodeEncodeError:  # A stranger's content-disposition goes as it was signed, in UTF-8.
        curl.setopt(pycurl.HTTPHEADER, [header.encode() for header in headers])


def _system_authorities() -> str:
    return next((name for name in _CA_FILES if Path(name).exists()), "")


def _failure(exchange: _Exchange, number: int, text: str) -> StoreError:
    request = exchange.request
    assert request is not None
    # Not CONNECT_TIME: that is 0 as well on a connection that was there already.
    connected = exchange.curl.getinfo(pycurl.PRETRANSFER_TIME) > 0
    is_away = number in _UNREACHABLE or (number == pycurl.E_OPERATION_TIMEDOUT and not connected)
    cause = Untrusted if number in _UNTRUSTED else Unreachable if is_away else Broken
    place = "/".join(request.url.split("/", 3)[:3])
    return failure(cause, text or f"libcurl error {number}", place)
