"""What belongs to a file beside its bytes: its time, and one extended attribute for the rest."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping
from typing import Any, Protocol

from bucketline.errors import Unholdable, Unsupported
from bucketline.model import PLAIN, Attributes, Entry, Found

_XATTR = "user.bucketline"
_VERSION = 1
_XATTR_BYTES_MAX = 3_800  # ext4 keeps all of a file's attributes in one block.
_NONE_HERE = (errno.ENODATA, errno.ENOTSUP, errno.ENOSYS)
_SECONDS = re.compile(r"(-?)(\d{1,11})(?:\.(\d{1,9})\d*)?").fullmatch
_SAYS_NOTHING = "binary/octet-stream"  # What S3 says of an object that was given no type.


class HashMemory(Protocol):
    """Remembers the etags of files, so that a listing can tell them without reading.

    A file is known by its device, inode, size and time of change in nanoseconds: when one differs,
    it is another file. What is remembered is what an S3 store would call those bytes: an MD5 in
    hex, or for an object in parts "<md5 of the md5s>-<count>".
    """

    def lookup(self, dev: int, ino: int, size: int, mtime_ns: int) -> str:
        """The etag, or ""."""

    def remember(self, dev: int, ino: int, size: int, mtime_ns: int, etag: str) -> None: ...


class ShortMemory:
    """Remembers for as long as it lives."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[int, int, str]] = {}

    def lookup(self, dev: int, ino: int, size: int, mtime_ns: int) -> str:
        known = self._known.get((dev, ino))
        return known[2] if known and known[:2] == (size, mtime_ns) else ""

    def remember(self, dev: int, ino: int, size: int, mtime_ns: int, etag: str) -> None:
        self._known[dev, ino] = (size, mtime_ns, etag)


def known_etag(status: os.stat_result, hashes: HashMemory | None) -> str:
    """The etag that is remembered of a file."""
    if hashes is None:
        return ""
    return hashes.lookup(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def pin(status: os.stat_result) -> str:
    """What tells this content of the file from any other, as long as nobody sets back its time."""
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ino:x}"


def entry(key: str, status: os.stat_result, etag: str) -> Entry:
    """The later of both times: a file that came with an old time must not look older than it is
    here, or a target would seem out of date for ever. (A file's own time is in its metadata.)
    """
    modified, changed = status.st_mtime, status.st_ctime
    return Entry(key, status.st_size, max(modified, changed), etag)


def found(key: str, status: os.stat_result, etag: str, file: int) -> Found:
    """What an open file is."""
    kept = _kept(file)
    attributes = Attributes(
        kept.get("headers", {}),
        {**kept.get("metadata", {}), "mtime": to_seconds(status.st_mtime_ns)},
        kept.get("tags", {}),
        kept.get("tier", ""),
    )
    whole = entry(key, status, etag or pin(status))
    return Found(whole, attributes, tag_count=len(attributes.tags))


def mtime_of(attributes: Attributes) -> int | None:
    """The time that the file shall bear, in nanoseconds."""
    return from_seconds(attributes.metadata.get("mtime", ""))


def packed(attributes: Attributes) -> bytes:
    """The extended attribute; empty = there is nothing to keep."""
    if attributes is PLAIN:
        return b""
    content = {
        name: value
        for name, value in attributes.headers.items()
        if (name, value) != ("content-type", _SAYS_NOTHING)
    }
    kept: dict[str, Any] = {"headers": content, "metadata": _without_time(attributes.metadata)}
    kept |= {"tags": dict(attributes.tags), "tier": attributes.tier}
    kept = {name: value for name, value in kept.items() if value}
    if not kept:
        return b""
    text = json.dumps({"v": _VERSION, **kept}, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) > _XATTR_BYTES_MAX:
        raise Unholdable("a file cannot hold so much metadata")
    return text


def keep(file: int, text: bytes) -> bool:
    """Whether the file system took the extended attribute; raises OSError."""
    try:
        os.setxattr(file, _XATTR, text)
    except OSError as error:
        if error.errno not in _NONE_HERE:
            raise
        return False
    return True


def from_seconds(text: str) -> int | None:
    """Nanoseconds of a time in rclone's form, "1700000000.123456789"; None for what is none."""
    told = _SECONDS(text)
    if told is None:
        return None
    size = int(told[2]) * 1_000_000_000 + int((told[3] or "").ljust(9, "0"))
    return -size if told[1] else size


def to_seconds(nanoseconds: int) -> str:
    """A time in rclone's form."""
    whole, part = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{'-' if nanoseconds < 0 else ''}{whole}.{part:09d}"


def _kept(file: int) -> dict[str, Any]:
    try:
        text = os.getxattr(file, _XATTR)
    except OSError as error:
        if error.errno not in _NONE_HERE:
            raise
        return {}
    try:
        kept = json.loads(text)
    except ValueError:
        return {}  # Not ours, or damaged: the bytes of the file are not.
    if not isinstance(kept, dict):
        return {}
    if kept.get("v") != _VERSION:
        raise Unsupported("its attributes were written by a newer version of this program")
    return kept


def _without_time(metadata: Mapping[str, str]) -> dict[str, str]:
    """A time that the file itself bears needs no second place."""
    return {
        name: value
        for name, value in metadata.items()
        if name != "mtime" or from_seconds(value) is None
    }
