"""Signature version 4A: one signature for every region, as multi-region access points want it.

An ECDSA key on the curve P-256 is derived from the secret key (NIST SP 800-108, in counter mode),
once for each pair of keys. Signatures hold a random number: no two are alike.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from bucketline.settings import Keys
from bucketline.stores.s3.sign import UNSIGNED, encoded_query, folded

ALGORITHM = "AWS4-ECDSA-P256-SHA256"
EVERY = "*"  # The set of regions.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # Of the curve.
_HOW = ec.ECDSA(SHA256())


class _Moment(NamedTuple):
    """What is the same for every signature made in one second."""

    second: int
    stamp: str
    scope: str


class RegionsSigner:
    """Signs for one pair of keys, in every region of a partition."""

    __slots__ = ("_key", "_moment", "keys", "service")

    def __init__(self, keys: Keys, service: str = "s3") -> None:
        self.keys = keys
        self.service = service
        self._key = key_of(keys)
        self._moment = _Moment(-1, "", "")  # Replaced as a whole: threads share the signer.

    def headers(self, what: str, headers: dict[str, str], payload: str, now: float) -> list[str]:
        """Every header to send; as `Signer.headers`."""
        moment = self._at(now)
        headers["x-amz-content-sha256"] = payload
        headers["x-amz-date"] = moment.stamp
        headers["x-amz-region-set"] = EVERY
        if self.keys.session_token.reveal:
            headers["x-amz-security-token"] = self.keys.session_token.reveal
        names = sorted(headers)
        lines = "\n".join([f"{name}:{folded(headers[name])}" for name in names])
        signed = ";".join(names)
        signature = self._signature(moment, f"{what}\n{lines}\n\n{signed}\n{payload}")
        sent = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
        sent.append(
            f"Authorization: {ALGORITHM} Credential={self.keys.access_key}/{moment.scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
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
        pairs["X-Amz-Algorithm"] = ALGORITHM
        pairs["X-Amz-Credential"] = f"{self.keys.access_key}/{moment.scope}"
        pairs["X-Amz-Date"] = moment.stamp
        pairs["X-Amz-Expires"] = str(seconds)
        pairs["X-Amz-Region-Set"] = EVERY
        pairs["X-Amz-SignedHeaders"] = "host"
        if self.keys.session_token.reveal:
            pairs["X-Amz-Security-Token"] = self.keys.session_token.reveal
        coded = encoded_query(pairs)
        canonical = f"{method}\n{path}\n{coded}\nhost:{host}\n\nhost\n{UNSIGNED}"
        return f"{coded}&X-Amz-Signature={self._signature(moment, canonical)}"

    def _at(self, now: float) -> _Moment:
        second = int(now)
        if second != self._moment.second:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
            self._moment = _Moment(second, stamp, f"{stamp[:8]}/{self.service}/aws4_request")
        return self._moment

    def _signature(self, moment: _Moment, canonical: str) -> str:
        text = text_to_sign(moment.stamp, moment.scope, canonical)
        return self._key.sign(text.encode(), _HOW).hex()


def text_to_sign(stamp: str, scope: str, canonical: str) -> str:
    """What the signature is of."""
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"


def key_of(keys: Keys) -> ec.EllipticCurvePrivateKey:
    """The private key that belongs to a secret key; the same on every machine."""
    secret = b"AWS4A" + keys.secret_key.reveal.encode()
    for counter in range(1, 255):  # The first that is in range: practically always number 1.
        context = keys.access_key.encode() + bytes([counter])
        fixed = b"\0\0\0\1" + ALGORITHM.encode() + b"\0" + context + (256).to_bytes(4, "big")
        candidate = int.from_bytes(hmac.digest(secret, fixed, "sha256"), "big")
        if candidate <= _ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1())
    raise ValueError("no key can be derived")  # Less likely than a broken disk by far.
