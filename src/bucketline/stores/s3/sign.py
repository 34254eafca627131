"""Signature version 4: pure functions of keys, time and request."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from bucketline.settings import Keys

UNSIGNED = "UNSIGNED-PAYLOAD"  # The body is bound to the signature by its signed Content-MD5.
EMPTY = sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]*").fullmatch


def encoded_path(key: str) -> str:
    """`key` as a URL path, byte for byte: nothing is resolved, joined or dropped."""
    return key if _PLAIN_PATH(key) else quote(key, safe="/~")


def encoded_query(pairs: Mapping[str, str]) -> str:
    """A query string in the canonical form, so that what is sent is what is signed."""
    coded = [(quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs.items()]
    coded.sort()
    return "&".join([f"{name}={value}" for name, value in coded])


class _Moment(NamedTuple):
    """What is the same for every signature made in one second."""

    second: int
    stamp: str
    scope: str
    credential: str
    key: bytes

    def __repr__(self) -> str:
        return f"_Moment({self.stamp})"


class Signer:
    """Signs for one pair of keys in one region; the day's signing key is derived once."""

    __slots__ = ("_moment", "keys", "region", "service")

    def __init__(self, keys: Keys, region: str, service: str = "s3") -> None:
        self.keys = keys
        self.region = region
        self.service = service
        # Replaced as a whole: the listing's thread signs with the same signer.
        self._moment = _Moment(-1, "", "", "", b"")

    def headers(self, what: str, headers: dict[str, str], payload: str, now: float) -> list[str]:
        """Every header to send. `what` is method, path and query, a line each.

        `headers` has lower-case names, `host` among them, and is consumed.
        """
        moment = self._at(now)
        headers["x-amz-content-sha256"] = payload
        headers["x-amz-date"] = moment.stamp
        if self.keys.session_token.reveal:
            headers["x-amz-security-token"] = self.keys.session_token.reveal
        names, signed = _order(tuple(headers))
        lines = "\n".join([f"{name}:{headers[name]}" for name in names])
        if "  " in lines:
            lines = "\n".join([f"{name}:{folded(headers[name])}" for name in names])
        canonical = f"{what}\n{lines}\n\n{signed}\n{payload}"
        sent = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
        sent.append(
            f"Authorization: {_ALGORITHM} Credential={moment.credential}, "
            f"SignedHeaders={signed}, Signature={_signature(moment, canonical)}"
        )
        return sent

    def presigned(
        self,
        method: str,
        host: str,
        path: str,
        *,
        query: Mapping[str, str],
        now: float,
        seconds: int,
    ) -> str:
        """The query string of a URL that anyone may use for so many seconds: a secret."""
        moment = self._at(now)
        pairs = dict(query)
        pairs["X-Amz-Algorithm"] = _ALGORITHM
        pairs["X-Amz-Credential"] = moment.credential
        pairs["X-Amz-Date"] = moment.stamp
        pairs["X-Amz-Expires"] = str(seconds)
        pairs["X-Amz-SignedHeaders"] = "host"
        if self.keys.session_token.reveal:
            pairs["X-Amz-Security-Token"] = self.keys.session_token.reveal
        coded = encoded_query(pairs)
        canonical = f"{method}\n{path}\n{coded}\nhost:{host}\n\nhost\n{UNSIGNED}"
        return f"{coded}&X-Amz-Signature={_signature(moment, canonical)}"

    def _at(self, now: float) -> _Moment:
        moment = self._moment
        second = int(now)
        if second == moment.second:
            return moment
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        if stamp[:8] == moment.stamp[:8]:
            self._moment = moment._replace(second=second, stamp=stamp)
        else:
            scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
            credential = f"{self.keys.access_key}/{scope}"
            self._moment = _Moment(second, stamp, scope, credential, self._day_key(scope))
        return self._moment

    def _day_key(self, scope: str) -> bytes:
        key = b"AWS4" + self.keys.secret_key.reveal.encode()
        for word in scope.split("/"):
            key = hmac.digest(key, word.encode(), "sha256")
        return key


@lru_cache(maxsize=256)
def _order(names: tuple[str, ...]) -> tuple[list[str], str]:
    """The order in which headers are signed, and that as a word; requests come in few shapes."""
    ordered = sorted(names)
    return ordered, ";".join(ordered)


def _signature(moment: _Moment, canonical: str) -> str:
    digest = sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{moment.stamp}\n{moment.scope}\n{digest}"
    return hmac.digest(moment.key, text.encode(), "sha256").hex()


def folded(value: str) -> str:
    """A header's value as it is signed: blanks in a row are one."""
    return " ".join(value.split()) if "  " in value else value
