"""A server that only lists, as cheaply as it can: so many made-up keys, the same in every bucket.

Run as `python -m bench.cheap KEYS`; prints its port. What it serves is never stored: key number i
has a name, a size and an etag that follow from i.
"""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

PREFIX = "list/"
_PAGE = 1_000
_ENTRY = (
    "<Contents><Key>%s</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
    "<ETag>&quot;%032x&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>%s</Name><Prefix>%s</Prefix><KeyCount>%d</KeyCount><MaxKeys>1000</MaxKeys>"
    "<IsTruncated>%s</IsTruncated>"
)


def key(number: int) -> str:
    return f"{PREFIX}{number:010d}-made-up-object.bin"


@lru_cache(maxsize=256)
def _contents(start: int, end: int) -> str:
    return "".join(_ENTRY % (key(i), i, 1_000 + i % 1_000) for i in range(start, end))


def page(bucket: str, query: dict[str, str], keys: int) -> bytes:
    """One page of ListObjectsV2."""
    after = query.get("continuation-token") or query.get("start-after", "")
    start = int(after[len(PREFIX) : len(PREFIX) + 10]) + 1 if after.startswith(PREFIX) else 0
    prefix = query.get("prefix", "")
    if not PREFIX.startswith(prefix):
        start = keys
    if query.get("delimiter") and len(prefix) < len(PREFIX):
        body = f"<CommonPrefixes><Prefix>{PREFIX}</Prefix></CommonPrefixes>"
        return (_HEAD % (bucket, prefix, 1, "false") + body + "</ListBucketResult>").encode()
    end = min(keys, start + _PAGE)
    more = end < keys
    text = _HEAD % (bucket, prefix, max(0, end - start), "true" if more else "false")
    if more:
        text += f"<NextContinuationToken>{key(end - 1)}</NextContinuationToken>"
    return (text + _contents(start, end) + "</ListBucketResult>").encode()


class Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, keys: int) -> None:
        self.keys = keys
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            method, target, _ = head.decode("latin-1").split("\r\n", 1)[0].split(" ")
            self.answer(method, target)

    def answer(self, method: str, target: str) -> None:
        url = urlsplit(target)
        bucket, _, name = unquote(url.path).strip("/").partition("/")
        query = {k: v[0] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        kind, status = "application/xml", 200
        if "location" in query:
            body = b'<?xml version="1.0"?><LocationConstraint/>'
        elif "versioning" in query:
            body = b'<?xml version="1.0"?><VersioningConfiguration/>'
        elif name:
            status, body = 404, b""
        else:
            body = page(bucket, query, self.keys) if method == "GET" else b""
        self.send(status, body, kind, method)

    def send(self, status: int, body: bytes, kind: str, method: str) -> None:
        head = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        self.transport.write(head if method == "HEAD" else head + body)


async def serve(keys: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(keys), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
