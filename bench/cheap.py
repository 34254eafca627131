"""A server that only lists, as cheaply as it can: so many made-up keys, the same in every bucket.

Run as `python -m bench.cheap KEYS`; prints its port. What it serves is never stored: key number i
has a name, a size and an etag that follow from i.
"""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_right
from collections.abc import Callable
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


_SHAPES: dict[str, Callable[[int], str]] = {
    "flat": lambda number: f"{PREFIX}{number:010d}-made-up-object.bin",
    "folders": lambda number: f"{PREFIX}d{number // 1000:04d}/object-{number:07d}.bin",
}


class Keys:
    """So many made-up keys, in order."""

    def __init__(self, count: int, shape: str = "flat") -> None:
        self.count = count
        self.key = _SHAPES[shape]
        self._text = lru_cache(maxsize=256)(self._make_text)

    def after(self, key: str) -> int:
        """The number of the first key that comes after any string."""
        return bisect_right(range(self.count), key, key=self.key) if key else 0

    def text(self, start: int, end: int) -> str:
        # From whole blocks, which are kept: pages may begin anywhere.
        first, last = start // _PAGE, -(-end // _PAGE)
        rows = [row for block in range(first, last) for row in self._text(block)]
        return "".join(rows[start - first * _PAGE : end - first * _PAGE])

    def _make_text(self, block: int) -> list[str]:
        numbers = range(block * _PAGE, (block + 1) * _PAGE)
        return [_ENTRY % (self.key(i), i, 1_000 + i % 1_000) for i in numbers]


def page(bucket: str, query: dict[str, str], keys: Keys) -> bytes:
    """One page of ListObjectsV2, or of the first version."""
    names = ("continuation-token", "start-after", "marker")
    start = keys.after(next((query[name] for name in names if query.get(name)), ""))
    prefix = query.get("prefix", "")
    if not PREFIX.startswith(prefix):
        start = keys.count
    if query.get("delimiter") and len(prefix) < len(PREFIX):
        body = f"<CommonPrefixes><Prefix>{PREFIX}</Prefix></CommonPrefixes>"
        return (_HEAD % (bucket, prefix, 1, "false") + body + "</ListBucketResult>").encode()
    end = min(keys.count, start + _PAGE)
    more = end < keys.count
    text = _HEAD % (bucket, prefix, max(0, end - start), "true" if more else "false")
    if more:
        last = keys.key(end - 1)
        text += f"<NextContinuationToken>{last}</NextContinuationToken>"
        text += f"<NextMarker>{last}</NextMarker>"
    return (text + keys.text(start, end) + "</ListBucketResult>").encode()


class Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, keys: Keys, delay_seconds: float) -> None:
        self.keys = keys
        self.delay_seconds = delay_seconds
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
        answer = head if method == "HEAD" else head + body
        if self.delay_seconds:
            asyncio.get_running_loop().call_later(self.delay_seconds, self.transport.write, answer)
        else:
            self.transport.write(answer)


async def serve(keys: Keys, delay_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(keys, delay_seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    count, delay, shape = [*sys.argv[1:], *("0", "0", "flat")[len(sys.argv) - 1 :]]
    asyncio.run(serve(Keys(int(count), shape), float(delay)))
