"""Another client than ours, which takes a fifth of boto3's time: for what thousands of objects are.

It signs by itself, after the description of Signature Version 4 and by none of our code.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any
from urllib.parse import quote, urlsplit

from servers import Endpoint

_HANDS = 4
_TRIES = 5
_SIGNED = "host;x-amz-content-sha256;x-amz-date"


class Hand:
    """One connection to a bucket."""

    def __init__(self, endpoint: Endpoint, bucket: str) -> None:
        self._endpoint, self._bucket = endpoint, bucket
        self._host = urlsplit(endpoint.url).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=60)

    def close(self) -> None:
        self._connection.close()

    def put(self, key: str, body: bytes) -> None:
        self._ask("PUT", key, body)

    def get(self, key: str) -> bytes:
        return self._ask("GET", key, b"")

    def _ask(self, method: str, key: str, body: bytes) -> bytes:
        path = f"/{self._bucket}/{quote(key, safe='/~')}"
        headers = self._headers(method, path, hashlib.sha256(body).hexdigest())
        for _ in range(_TRIES):
            with suppress(ConnectionError, http.client.HTTPException):
                self._connection.request(method, path, body=body or None, headers=headers)
                answer = self._connection.getresponse()
                told = answer.read()
                assert answer.status == 200, (method, path, answer.status, told)
                return told
            self._connection.close()
        raise AssertionError(f"{method} {path}: nobody answers")

    def _headers(self, method: str, path: str, digest: str) -> dict[str, str]:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        told = {"host": self._host, "x-amz-content-sha256": digest, "x-amz-date": moment}
        lines = "".join(f"{name}:{value}\n" for name, value in told.items())
        asked = f"{method}\n{path}\n\n{lines}\n{_SIGNED}\n{digest}"
        scope = f"{moment[:8]}/{self._endpoint.region}/s3/aws4_request"
        hashed = hashlib.sha256(asked.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashed}"
        secret = _secret(self._endpoint.secret_key, scope)
        signature = hmac.digest(secret, text.encode(), "sha256").hex()
        credential = f"Credential={self._endpoint.access_key}/{scope}"
        words = f"AWS4-HMAC-SHA256 {credential},SignedHeaders={_SIGNED},Signature={signature}"
        return {**told, "authorization": words}


@cache
def _secret(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def by_hands(
    endpoint: Endpoint, bucket: str, keys: Collection[str], deed: Callable[[Hand, str], Any]
) -> dict[str, Any]:
    """What the deed answers for each key, by some connections at once."""
    listed = list(keys)

    def some(start: int) -> list[tuple[str, Any]]:
        with closing(Hand(endpoint, bucket)) as hand:
            return [(key, deed(hand, key)) for key in listed[start::_HANDS]]

    with ThreadPoolExecutor(_HANDS) as pool:
        return dict(chain.from_iterable(pool.map(some, range(_HANDS))))
