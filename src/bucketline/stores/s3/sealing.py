"""A customer's own key (SSE-C): which calls carry it, and as what. The service never stores it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import md5
from typing import TYPE_CHECKING

from bucketline.model import NOTHING
from bucketline.settings import Secret

if TYPE_CHECKING:
    from bucketline.stores.s3.client import Call

_PREFIX = "x-amz-server-side-encryption-customer-"
_SOURCE = "x-amz-copy-source-server-side-encryption-customer-"


class Seal:
    """The headers that open and close what one key encrypts."""

    def __init__(self, key: Secret) -> None:
        digest = md5(b64decode(key.reveal), usedforsecurity=False).digest()
        words = {
            "algorithm": "AES256",
            "key": key.reveal,
            "key-md5": b64encode(digest).decode(),
        }
        self._own = {_PREFIX + name: word for name, word in words.items()}
        self._of_source = {_SOURCE + name: word for name, word in words.items()}

    def __repr__(self) -> str:
        return "Seal(••••)"

    def headers(self, call: Call) -> Mapping[str, str]:
        """What `call` needs; nothing for one that touches no bytes, where it would be an error."""
        if call.key is None or not _touches_bytes(call):
            return NOTHING
        if "x-amz-copy-source" in call.headers:
            return {**self._own, **self._of_source}
        return self._own


def _touches_bytes(call: Call) -> bool:
    if call.method in {"GET", "HEAD"}:
        return call.kind in {"GET", "HEAD"}
    if call.method == "POST":
        return call.query == "uploads="
    return call.method == "PUT" and call.kind in {"PUT", "POST"}
