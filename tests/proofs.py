"""Proofs of made-up runs, and what a reading makes of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bucketline.flow.proof.manifest import manifest
from bucketline.flow.proof.reading import Reading
from bucketline.flow.proof.signing import Signer
from bucketline.flow.report.delivered import Delivered

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = Signer(Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
HEAD: dict[str, Any] = {"run": "run-2", "command": "sync", "source": "a", "target": "b"}


def delivered(key: str, size: int = 3, run: str = "run-2") -> Delivered:
    return Delivered(key, size, run, 1_700_000_000.5, 1_700_000_000.0, "md5", {"md5": "0a"})


def lines_of(
    keys: Iterable[str], signer: Signer = SIGNER, head: dict[str, Any] = HEAD
) -> list[bytes]:
    return list(manifest(head, map(delivered, keys), signer))


def text_of(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def read(text: bytes, **options: str) -> Reading:
    reading = Reading(BytesIO(text), **options)
    for _ in reading.objects():
        pass
    return reading


def said(lines: Sequence[bytes], **options: str) -> list[tuple[int, str]]:
    """Line and kind of each problem."""
    return [(one.line, one.what) for one in read(text_of(lines), **options).problems]
