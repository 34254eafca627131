"""Checksums in requests and answers, and what binds a body to the signature of its request."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5 as md5_of

from bucketline.errors import BadRequest, Unsupported
from bucketline.model import Checksum
from bucketline.stores.base import Answer, Flow, Sums, Work
from bucketline.stores.s3.client import Call, Client

_LARGE_BYTES = 256 << 10  # From here on hashing is worth a thread.
_NAME = "x-amz-checksum-"

Sender = Callable[[Call], Flow[Answer]]


def digest_of(body: bytes | memoryview, md5: bytes) -> Flow[str]:
    """Content-MD5 of `body`; hashed here if the caller did not."""
    if not md5:
        if len(body) < _LARGE_BYTES:
            md5 = md5_of(body, usedforsecurity=False).digest()
        else:
            md5 = yield Work(lambda: md5_of(body, usedforsecurity=False).digest(), "hash")
    return b64encode(md5).decode()


def headers_of(
    client: Client, body: bytes | memoryview, md5: bytes = b"", checksum: Checksum | None = None
) -> Flow[dict[str, str]]:
    """The hashes of a body, which the server checks.

    Their headers are signed, and so bind the body to the signature. A CRC does that against
    accidents only; where a stranger could change the body on its way, an MD5 goes along.
    """
    if checksum is None:
        return {"content-md5": (yield from digest_of(body, md5))}
    headers = {_NAME + checksum.algorithm: checksum.value}
    if md5 or not (client.is_private or checksum.algorithm == "sha256"):
        headers["content-md5"] = yield from digest_of(body, md5)
    return headers


def send_checked(client: Client, call: Call, checksum: Checksum, send: Sender) -> Flow[Answer]:
    """As `send`; a server that no longer takes checksums, though it once did, gets none."""
    try:
        return (yield from send(call))
    except (BadRequest, Unsupported):
        if client.is_aws:
            raise
    headers = dict(call.headers)
    del headers[_NAME + checksum.algorithm]
    headers.setdefault("content-md5", (yield from digest_of(call.body, b"")))
    answer = yield from send(call._replace(headers=headers))
    client.learn(checksums=frozenset())
    return answer


def algorithm_headers(algorithm: str) -> dict[str, str]:
    """What begins an object in parts that will have a checksum of the whole."""
    if not algorithm:
        return {}
    return {f"{_NAME}algorithm": algorithm.upper(), f"{_NAME}type": "FULL_OBJECT"}


def whole_headers(client: Client, sums: Sums | None) -> dict[str, str]:
    """What ends it, where it is known to be taken for what it is: some servers hold it against the
    list of parts. Elsewhere the answer shows afterwards whether the whole is right.
    """
    if sums is None or not client.is_aws:
        return {}
    return {_NAME + sums.whole.algorithm: sums.whole.value, f"{_NAME}type": "FULL_OBJECT"}


def part_element(sums: Sums | None, number: int) -> str:
    """What the list of parts says of part `number` beside its ETag."""
    if sums is None:
        return ""
    name = f"Checksum{sums.whole.algorithm.upper()}"
    return f"<{name}>{sums.parts[number - 1]}</{name}>"


_TOLD = re.compile(
    rb"<Checksum(CRC64NVME|CRC32C|CRC32|SHA256|SHA1)>([A-Za-z0-9+/=]+(?:-\d+)?)</Checksum"
).finditer


def checksums_within(body: bytes) -> dict[str, str]:
    """Those that the answer to the last step tells, as `checksums_of` does of headers."""
    is_composed = b">COMPOSITE<" in body
    return {
        told[1].decode().lower(): told[2].decode()
        for told in _TOLD(body)
        if b"-" in told[2] or not is_composed
    }
