"""Signs proofs with this installation's own key, and checks signatures of anybody's."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bucketline.durable import sync_folder
from bucketline.errors import DiskError, Refused

FILE = "proof.key"


class Signer:
    """A private key, which nothing prints."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def open_signer(folder: Path) -> Signer:
    """The key in this folder, made on first use: one file, for its owner alone."""
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise Refused(
                f"{path}: others may read this key, so anybody may have signed with it;"
                " move it away for a new one, or chmod 600 if nobody has seen it"
            )
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise DiskError(
            f"{path}: the key cannot be read or made ({error.strerror}); choose another --state"
        ) from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise DiskError(f"{path}: is no key of bucketline; move it away, and a new one is made")
    return Signer(key)


def fingerprint(public_key: bytes) -> str:
    """What people compare, and pin with --signer."""
    return sha256(public_key).hexdigest()


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of the key has signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> None:
    """Whole or not at all, also when two processes make it at once: the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    file = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(file, text)
        os.fsync(file)
        with suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        os.close(file)
        part.unlink()
    sync_folder(path.parent)
