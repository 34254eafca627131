"""The S3 services of a device: a proxy before a real server takes away what each of them lacks.

Behind it stands a server that asks for no right signature, so that what passes may be rewritten.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from html import unescape
from random import Random
from urllib.parse import parse_qs, quote, unquote

import trustme

from faults.http import Message, answer, close_by_reset
from faults.proxy import Exchange, Fault, FaultProxy

_CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_TAG = re.compile(rb'(?i)(etag: *"|<etag>(?:"|&quot;|&#34;))([0-9a-f]{32}(?:-\d+)?)')
_ASKED = re.compile(rb'(?i)(if-(?:none-)?match: *"?)x([0-9a-f]{32})')
_WORDS = re.compile(rb"(?im)^(x-amz-[a-z0-9-]+):")
_KNOWN = re.compile(rb"(?i)x-amz-(?:content-sha256|date|security-token|meta-.+)")
_NO = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>NotImplemented</Code>'
    b"<Message>not supported</Message></Error>"
)
_STORAGE_LACKS = r"[?&](acl|versions|versioning|object-lock|retention|legal-hold|attributes)\b"
_ADAPTER_LACKS = rf"{_STORAGE_LACKS}|[?&](tagging|delete)\b|list-type=2|delimiter="


@dataclass
class Front(FaultProxy):
    """A device's own certificate, and no more connections than it likes: others are dropped."""

    connections_max: int = 1_000
    dropped: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self.url = self.url.replace("http:", "https:")

    @property
    def pem(self) -> str:
        return self.authority.cert_pem.bytes().decode()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            is_too_many = len(self._open) > self.connections_max
            self.dropped += is_too_many
            self._open.discard(client)
        if is_too_many:
            close_by_reset(client)
            client.close()  # At once: whoever accepted it still knows it.
            return
        with suppress(OSError):  # Who does not trust us goes away.
            sound = self._context.wrap_socket(client, server_side=True)
            with self._lock:
                self._open.add(sound)
            super()._serve(sound)


def _lacking(exchange: Exchange) -> None:
    exchange.send(answer(501, _NO))


def _is_foreign(head: bytes) -> bool:
    """Whether it has a header that no device knows, or a body of no known length."""
    low = head.lower()
    words = (word for word in _WORDS.findall(low) if not _KNOWN.fullmatch(word))
    return any(words) or b"aws-chunked" in low or b"transfer-encoding:" in low


def _adapter(exchange: Exchange) -> None:
    """Its etags are no MD5s; those of parts are, as the server behind wants them back."""
    request = exchange.request
    if _is_foreign(request.head):
        _lacking(exchange)
        return
    if exchange.seen.is_part:
        exchange.send(exchange.forward())
        return
    asked = Message(_ASKED.sub(rb"\1\2", request.head), request.body)
    exchange.send(_strange(exchange.forward(asked)))


def _strange(told: Message) -> Message:
    """The same with other etags."""
    head = _TAG.sub(rb"\1x\2", told.head)
    if not told.head.lower().count(b"xml"):
        return Message(head, told.body)
    return Message(head, told.body).with_body(_TAG.sub(rb"\1x\2", told.body))


def _begin(exchange: Exchange) -> None:
    """What stood there is gone, before a part has come."""
    path = exchange.seen.path.encode()
    host = f"Host: {exchange.request.header('host')}".encode()
    if not _is_foreign(exchange.request.head):
        exchange.line.ask(Message(b"DELETE %s HTTP/1.1\r\n%s\r\n\r\n" % (path, host)))
    _adapter(exchange)


def _list_of(cap: int) -> Fault:
    """All of it at once and in no order; with `cap`, so many, and not a word of the rest."""

    def listed(exchange: Exchange) -> None:
        entries = _entries(exchange)[: cap or None]
        Random(7).shuffle(entries)
        inside = b"<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
        body = b"<ListBucketResult>%s</ListBucketResult>" % (inside + b"".join(entries))
        told = answer(200, body, {"Content-Type": "application/xml"})
        exchange.send(_strange(told) if exchange.seen.status == 200 else answer(404))

    return listed


def _entries(exchange: Exchange) -> list[bytes]:
    """All that the server holds there."""
    asked = parse_qs(exchange.seen.query)
    entries: list[bytes] = []
    marker = ""
    while True:
        told = exchange.forward(_of_page(exchange, asked.get("prefix", [""])[0], marker))
        found = _CONTENTS.findall(told.body)
        entries += found
        if b"<IsTruncated>true" not in told.body or not found:
            break
        last = re.search(rb"<Key>(.*?)</Key>", found[-1], re.DOTALL)
        assert last
        marker = unquote(unescape(last[1].decode()))
    return entries


def _of_page(exchange: Exchange, prefix: str, marker: str) -> Message:
    said = f"?encoding-type=url&max-keys=1000&prefix={quote(prefix)}&marker={quote(marker)}"
    host = exchange.request.header("host")
    return Message(f"GET {exchange.seen.path}{said} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


@contextmanager
def adapter(url: str, *, cap: int = 0, connections: int = 1_000) -> Iterator[Front]:
    """The older one: ListObjects V1 unsorted and unpaged, no copy, no tags, no batch of deletes."""
    with Front(url, connections_max=connections) as front:
        front.add(_lacking, path=_ADAPTER_LACKS)
        front.add(_lacking, method="GET", path=r"[?&]uploadId=")
        front.add(_begin, method="POST", path=r"[?&]uploads\b")
        front.add(_list_of(cap), method="GET", path=r"^/[^/?]+/?\?(?!uploads)")
        front.add(_adapter)
        yield front


@contextmanager
def storage(url: str, *, connections: int = 1_000) -> Iterator[Front]:
    """The newer one: all but versions, ACLs and locks."""
    with Front(url, connections_max=connections) as front:
        front.add(_lacking, path=_STORAGE_LACKS)
        yield front
