"""Attributes and what a store says of an object, to and from HTTP headers."""

from __future__ import annotations

import re
from base64 import b64encode
from calendar import timegm
from collections.abc import Mapping
from email.header import decode_header
from email.utils import parsedate
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from bucketline.errors import Unholdable
from bucketline.model import NOTHING, Attributes, Entry, Found
from bucketline.stores.base import Receipt

_CONTENT = {
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-website-redirect-location",
}
# What the client itself says; an attribute must not say it.
_OURS = {
    "host",
    "authorization",
    "content-length",
    "content-md5",
    "transfer-encoding",
    "connection",
}
_PROTECTIONS = {
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
}
_META = "x-amz-meta-"
_CHECKSUM = "x-amz-checksum-"
_NO_CHECKSUMS = ("type", "algorithm")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_WORDS = re.compile(
    r"=\?utf-8\?[bq]\?[^?]*\?=(\s+=\?utf-8\?[bq]\?[^?]*\?=)*", re.IGNORECASE
).fullmatch
_ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}  # GLACIER_IR is none: it is read like any other.
_UNTIL = re.compile(r'expiry-date="([^"]+)"').search


def to_headers(attributes: Attributes) -> dict[str, str]:
    """The headers of a write; raises `Unholdable` for what no header can carry."""
    headers: dict[str, str] = {}
    for name, value in attributes.headers.items():
        lower = _header_name(name)
        if not lower or not _is_one_line(value):
            raise Unholdable(f"no request can carry the header {name!r}")
        headers[lower] = value.strip()
    for name, value in attributes.metadata.items():
        headers[_metadata_name(name)] = to_word(value)
    if attributes.tags:
        headers["x-amz-tagging"] = tag_header(attributes.tags)
    if attributes.tier:
        headers["x-amz-storage-class"] = attributes.tier
    for name, value in attributes.protection.items():
        if not _NAME(name) or not _is_one_line(value):
            raise Unholdable(f"no request can say {name!r} so")
        headers[f"x-amz-{name}"] = value
    return headers


@lru_cache(maxsize=1024)
def _header_name(name: str) -> str:
    """As it is sent; "" = it cannot be."""
    lower = name.lower()
    return lower if _NAME(name) and lower not in _OURS else ""


@lru_cache(maxsize=1024)
def _metadata_name(name: str) -> str:
    if not _NAME(name):
        raise Unholdable(f"no request can carry metadata named {name!r}")
    return _META + name.lower()


def tag_header(tags: Mapping[str, str]) -> str:
    """Tags as the header of a write carries them."""
    return "&".join(
        [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in tags.items()]
    )


def to_word(value: str) -> str:
    """A metadata value as S3 wants it: anything but plain ASCII as an encoded word (RFC 2047)."""
    if value.isascii() and value.isprintable() and not _needs_word(value):
        return value
    return f"=?UTF-8?B?{b64encode(value.encode()).decode()}?="


def from_word(value: str) -> str:
    """The value that `to_word` would have needed to encode; anything else is as it is."""
    if not value.startswith("=?") or not _WORDS(value):
        return value
    try:
        text = "".join(
            part if isinstance(part, str) else part.decode(charset or "ascii")
            for part, charset in decode_header(value)
        )
    except (ValueError, LookupError):
        return value
    return text if to_word(text) != text else value


def found(key: str, headers: Mapping[str, str], size: int) -> Found:
    """What an answer to HEAD or GET says of the object."""
    shape = _shape(tuple(headers))
    tier = "" if shape.is_plain else headers.get("x-amz-storage-class", "")
    if tier == "STANDARD":
        tier = ""
    entry = Entry(
        key,
        size,
        from_date(headers.get("last-modified", "")),
        etag_of(headers),
        headers.get("x-amz-version-id", ""),
        tier,
    )
    content = {name: headers[name] for name in shape.content}
    metadata = {short: from_word(headers[name]) for name, short in shape.metadata}
    if shape.is_plain:
        return Found(entry, Attributes(content, metadata))
    protection = {short: headers[name] for name, short in shape.protection}
    return Found(
        entry,
        Attributes(content, metadata, tier=tier, protection=protection),
        checksums_of(headers),
        int(headers.get("x-amz-tagging-count", 0)),
        _is_archived(tier, headers),
        _is_etag_opaque(headers),
        *_thaw(headers.get("x-amz-restore", "")),
    )


def _is_etag_opaque(headers: Mapping[str, str]) -> bool:
    """With keys of a key service or of the customer, the etag is of the encrypted bytes."""
    kind = headers.get("x-amz-server-side-encryption", "AES256")
    return kind != "AES256" or "x-amz-server-side-encryption-customer-algorithm" in headers


def receipt(headers: Mapping[str, str]) -> Receipt:
    """What an answer to a write says."""
    etag, version = etag_of(headers), headers.get("x-amz-version-id", "")
    if version == "null":
        version = ""  # It is the current one; a bucket without versions may not know that name.
    if _shape(tuple(headers)).is_plain:
        return Receipt(etag, version, NOTHING)
    opaque = _is_etag_opaque(headers)
    return Receipt(etag, version, checksums_of(headers), is_etag_opaque=opaque)


def etag_of(headers: Mapping[str, str]) -> str:
    """The ETag without quotes."""
    return headers.get("etag", "").removeprefix("W/").strip('"')


def checksums_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Checksums of the object. One composed of its parts' bears their number, as in "…-3"."""
    is_composed = headers.get("x-amz-checksum-type") == "COMPOSITE"
    return {
        name[15:]: value
        for name, value in headers.items()
        if name.startswith(_CHECKSUM)
        and name[15:] not in _NO_CHECKSUMS
        and ("-" in value or not is_composed)
    }


@lru_cache(maxsize=4096)
def from_date(text: str) -> float:
    """Seconds since 1970 of an HTTP date; 0 for what is none."""
    parsed = parsedate(text)
    return float(timegm(parsed)) if parsed else 0.0


class _Shape(NamedTuple):
    """What the names of an answer's headers mean; answers come in few shapes."""

    content: tuple[str, ...]
    metadata: tuple[tuple[str, str], ...]  # As it is called on the wire, and without its prefix.
    protection: tuple[tuple[str, str], ...]
    is_plain: bool  # Nothing but these, so far as we care.


_TELLING = {
    "x-amz-storage-class",
    "x-amz-tagging-count",
    "x-amz-archive-status",
    "x-amz-restore",
}


@lru_cache(maxsize=1024)
def _shape(names: tuple[str, ...]) -> _Shape:
    protection = tuple((name, name[6:]) for name in names if name in _PROTECTIONS)
    is_telling = any(
        name in _TELLING or name.startswith((_CHECKSUM, "x-amz-server-side-encryption"))
        for name in names
    )
    return _Shape(
        tuple(name for name in names if name in _CONTENT),
        tuple((name, name[11:]) for name in names if name.startswith(_META)),
        protection,
        not (protection or is_telling),
    )


def _is_one_line(value: str) -> bool:
    if value.isprintable():
        return True
    return not any(ord(character) < 32 or ord(character) == 127 for character in value)


def _needs_word(value: str) -> bool:
    return value != value.strip() or "  " in value or value.startswith("=?")


def _is_archived(tier: str, headers: Mapping[str, str]) -> bool:
    if tier not in _ARCHIVES and "x-amz-archive-status" not in headers:
        return False
    return 'ongoing-request="false"' not in headers.get("x-amz-restore", "")


def _thaw(told: str) -> tuple[bool, float]:
    """Whether it was asked for and is not there yet, and until when its copy is."""
    until = _UNTIL(told)
    return 'ongoing-request="true"' in told, from_date(until[1]) if until else 0.0
