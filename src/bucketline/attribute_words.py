"""The words in which people ask for attributes, on the command line and in the configuration."""

from __future__ import annotations

import re

from bucketline.errors import UsageError

CONTENT_HEADERS = frozenset(
    {
        "content-type",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "expires",
        "x-amz-website-redirect-location",
    }
)
ACLS = (
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
)
ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
_CLASS = re.compile(r"[A-Z][A-Z0-9_-]{1,40}").fullmatch
_LOCK = re.compile(r"(GOVERNANCE|COMPLIANCE):([1-9]\d{0,4})").fullmatch
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_DAYS_MAX = 36_500


def storage_class(text: str) -> str:
    """keep, or a class as S3 spells it."""
    if text.lower() == "keep":
        return "keep"
    if not _CLASS(text.upper()):
        raise UsageError(f"{text!r} is no storage class; say keep, or one such as STANDARD_IA")
    return text.upper()


def encryption(text: str) -> str:
    """keep, none, or how."""
    return _one_of(text, ("keep", "none", *ENCRYPTIONS), "encryption")


def acl(text: str) -> str:
    """keep, or a canned ACL."""
    return _one_of(text, ("keep", *ACLS), "canned ACL")


def legal_hold(text: str) -> str:
    """keep, on, none."""
    return _one_of(text, ("keep", "on", "none"), "legal hold")


def object_lock(text: str) -> str:
    """keep, none, or GOVERNANCE:30 (days)."""
    if text in {"keep", "none"}:
        return text
    told = _LOCK(text.upper())
    if not told or int(told[2]) > _DAYS_MAX:
        raise UsageError(
            f"{text!r} is no object lock; say keep, none, or MODE:DAYS such as GOVERNANCE:30"
        )
    return text.upper()


def lock_of(text: str) -> tuple[str, int]:
    """Mode and days of what `object_lock` let pass; no days = keep, none or nothing."""
    mode, _, days = text.partition(":")
    return mode, int(days or 0)


def header(text: str) -> tuple[str, str]:
    """`Cache-Control: max-age=60`"""
    name, colon, value = text.partition(":")
    return header_name(name) if colon else _no_header(text), line(value.strip())


def header_name(name: str) -> str:
    """A content header, in small letters."""
    lower = name.strip().lower()
    return lower if lower in CONTENT_HEADERS else _no_header(name)


def metadata(text: str) -> tuple[str, str]:
    """`owner=me`"""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is no metadata; write it as NAME=VALUE")
    return metadata_name(name), line(value)


def metadata_name(name: str) -> str:
    """As a header can carry it, in small letters."""
    if not _NAME(name):
        raise UsageError(f"{name!r} is no name for metadata; use letters, digits, '-' and '_'")
    return name.lower().removeprefix("x-amz-meta-")


def line(value: str) -> str:
    """What a header can carry."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise UsageError("a value cannot hold line breaks or other control characters; leave them")
    return value


def _one_of(text: str, words: tuple[str, ...], kind: str) -> str:
    found = next((word for word in words if word.lower() == text.lower()), "")
    if not found:
        raise UsageError(f"{text!r} is no {kind}; there are {', '.join(words)}")
    return found


def _no_header(text: str) -> str:
    names = ", ".join(sorted(name for name in CONTENT_HEADERS if not name.startswith("x-")))
    raise UsageError(
        f"{text.strip()!r} is no header of an object; write NAME: VALUE with one of {names}"
        " and x-amz-website-redirect-location, or use --metadata"
    )
