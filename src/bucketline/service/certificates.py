"""An authority of our own and a certificate by it, for those who have none."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bucketline.errors import DiskError, UsageError

_AUTHORITY_DAYS, _DAYS, _RENEW_DAYS = 3_650, 397, 30
_HOST = re.compile(r"[A-Za-z0-9*._-]{1,253}").fullmatch
_PEM = serialization.Encoding.PEM


class Files(NamedTuple):
    """Where they are."""

    certificate: Path
    key: Path
    authority: Path | None = None  # What clients have to trust.


def own_certificate(folder: Path, names: Sequence[str], now: float) -> Files:
    """Made when it is missing, spoiled, nearly over, or for other names."""
    moment = datetime.fromtimestamp(now, UTC)
    files = Files(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_good(files, names, moment):
            authority, key = _authority(folder, moment)
            _issue(files, authority, key, names, moment)
    except OSError as error:
        raise DiskError(f"{folder}: cannot hold certificates ({error.strerror})") from None
    return files


def _is_good(files: Files, names: Sequence[str], now: datetime) -> bool:
    wanted = _names(names)
    try:
        there = _whole(files)
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature):
        return False  # As when a disk was full, or a person took one of them away.
    told = there.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    left = there.not_valid_after_utc - now
    is_begun = there.not_valid_before_utc <= now
    return is_begun and left > timedelta(days=_RENEW_DAYS) and list(told) == wanted


def _whole(files: Files) -> x509.Certificate:
    """The certificate, if it is that of the key, and of the authority that clients are told of."""
    assert files.authority is not None
    there = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    if key.public_key() != there.public_key():
        raise ValueError("the key is another one's")
    there.verify_directly_issued_by(x509.load_pem_x509_certificate(files.authority.read_bytes()))
    return there


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    path, key_path = folder / "ca.pem", folder / "ca.key"
    if path.exists() and key_path.exists():
        there, key = _authority_there(path, key_path)
        if there.not_valid_after_utc - now > timedelta(days=_DAYS):
            return there, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bucketline service authority")])
    made = (
        _builder(name, name, key.public_key(), now, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_path, _private(key), 0o600)
    _write(path, made.public_bytes(_PEM), 0o644)
    return made, key


def _authority_there(
    path: Path, key_path: Path
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Not made anew in silence: clients trust it."""
    try:
        there = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == there.public_key():
            return there, key
    except (ValueError, TypeError):
        pass
    raise DiskError(
        f"{path}, {key_path}: are no authority any more; remove both, and have clients trust the"
        " new one"
    )


def _issue(
    files: Files,
    authority: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(_name(names[0]).value)[:64])])
    whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    made = (
        _builder(subject, authority.subject, key.public_key(), now, _DAYS)
        .add_extension(x509.SubjectAlternativeName(_names(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(purpose, critical=False)
        .add_extension(whose, critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write(files.key, _private(key), 0o600)
    _write(files.certificate, made.public_bytes(_PEM), 0o644)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    """Valid since yesterday: clocks differ."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _names(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_name(name) for name in names]


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(_ascii(name))


def _ascii(name: str) -> str:
    """As a browser sends it."""
    try:
        told = name.encode("idna").decode()
    except UnicodeError:
        told = ""
    if not _HOST(told):
        raise UsageError(f"{name!r}: is no name of a machine; choose another --name")
    return told


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, body: bytes, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    file = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, mode)
    with os.fdopen(file, "wb") as out:
        out.write(body)
    fresh.replace(path)
