"""What belongs to a file beside its bytes: its time, and one extended attribute for the rest."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from bucketline.errors import Unholdable, Unsupported
from bucketline.model import NOTHING, PLAIN, Attributes, Entry, Found
from bucketline.stores.base import IN_MOTION
from bucketline.stores.local.types import type_of

_XATTR = "user.bucketline"
_VERSION = 1
_XATTR_BYTES_MAX = 3_800  # ext4 keeps all of a file's attributes in one block.
_NONE_HERE = (errno.ENODATA, errno.ENOTSUP, errno.ENOSYS)
_SECONDS = re.compile(r"(-?)(\d{1,11})(?:\.(\d{1,9})\d*)?").fullmatch
_FINE_TICK, _COARSE_TICK = 0.05, 2.5  # Seconds; most kernels tick each 1 to 10 ms, FAT each 2 s.
_Items = tuple[tuple[str, str], ...]
# What S3 says of an object that was given no type.
_TYPE, _SAYS_NOTHING = "content-type", "binary/octet-stream"


class HashMemory(Protocol):
    """Remembers the etags of files, so that a listing can tell them without reading.

    A file is known by its device, inode, size and both of its times in nanoseconds: when one
    differs, it is another file. (Anybody can set back the time of modification, and nobody the
    other.) What is remembered is what an S3 store would call those bytes: an MD5 in hex, or for an
    object in parts "<md5 of the md5s>-<count>". It is safe in any thread.
    """

    def lookup(self, files: Sequence[os.stat_result]) -> list[str]:
        """The etag of each, or ""."""

    def remember(self, file: os.stat_result, etag: str) -> None: ...


class ShortMemory:
    """Remembers for as long as it lives."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], str] = {}

    def lookup(self, files: Sequence[os.stat_result]) -> list[str]:
        return [self._known.get((one.st_dev, stamp(one)), "") for one in files]

    def remember(self, file: os.stat_result, etag: str) -> None:
        self._known[file.st_dev, stamp(file)] = etag


def known_etags(files: Sequence[os.stat_result], hashes: HashMemory | None) -> list[str]:
    """The etags that are remembered of these files."""
    return hashes.lookup(files) if hashes is not None else [""] * len(files)


def stamp(status: os.stat_result) -> str:
    """What tells this state of the file from any other, on this file system."""
    changed = status.st_ctime_ns
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{changed:x}-{status.st_ino:x}"


def stamp_read(status: os.stat_result, now: float) -> str:
    """The stamp of a file that is being read. Of one that was changed a moment ago it is another.

    A file system's clock ticks: bytes that are read now and changed in the same tick would bear
    the same times as before. So what is learnt of such a file must not last.
    """
    modified, changed = status.st_mtime_ns, status.st_ctime_ns
    age = now - max(modified, changed) / 1e9
    is_fine = modified % 1_000_000 or changed % 1_000_000
    is_settled = age > _COARSE_TICK or (is_fine and age > _FINE_TICK)
    return stamp(status) if is_settled else stamp(status) + IN_MOTION


def is_unchanged(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether an open file stayed what it was."""
    return (
        before.st_ctime_ns == after.st_ctime_ns
        and before.st_mtime_ns == after.st_mtime_ns
        and before.st_size == after.st_size
    )


def is_of(told: str, status: os.stat_result) -> bool:
    """Whether the file still has the stamp that was told of it."""
    return told.removesuffix(IN_MOTION) == stamp(status)


def entry(key: str, status: os.stat_result, etag: str, told: str = "") -> Entry:
    """The later of both times: a file that came with an old time must not look older than it is
    here, or a target would seem out of date for ever. (A file's own time is in its metadata.)
    """
    modified, changed = status.st_mtime, status.st_ctime
    size, later = status.st_size, max(modified, changed)
    return Entry(key, size, later, etag, "", "", told or stamp(status))


def found(whole: Entry, status: os.stat_result, file: int) -> Found:
    """What an open file is."""
    kept = _kept(file)
    if not kept:
        return Found(whole, Attributes(NOTHING, {"mtime": to_seconds(status.st_mtime_ns)}))
    attributes = Attributes(
        kept.get("headers", {}),
        {**kept.get("metadata", {}), "mtime": to_seconds(status.st_mtime_ns)},
        kept.get("tags", {}),
        kept.get("tier", ""),
        kept.get("protection", {}),
    )
    return Found(whole, attributes, tag_count=len(attributes.tags))


def mtime_of(attributes: Attributes) -> int | None:
    """The time that the file shall bear, in nanoseconds."""
    return from_seconds(attributes.metadata.get("mtime", ""))


def packed(attributes: Attributes, key: str) -> bytes:
    """The extended attribute; empty = there is nothing to keep."""
    if attributes is PLAIN:
        return b""
    metadata = _without_time(attributes.metadata)
    parts = (attributes.headers, metadata, attributes.tags, attributes.protection)
    items = tuple(tuple(part.items()) for part in parts)
    return _packed(items, attributes.tier, is_typed=bool(type_of(key)))


@lru_cache(maxsize=256)  # Most objects of a bucket have the same.
def _packed(parts: tuple[_Items, ...], tier: str, *, is_typed: bool) -> bytes:
    """`is_typed`: the name alone would tell a type; then even the one that says nothing counts."""
    headers, metadata, tags, protection = map(dict, parts)
    if not is_typed and headers.get(_TYPE) == _SAYS_NOTHING:
        del headers[_TYPE]
    kept: dict[str, Any] = {"headers": headers, "metadata": metadata, "tags": tags, "tier": tier}
    kept["protection"] = protection
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


def forget(file: int) -> None:
    """Take the extended attribute away, if there is one; raises OSError."""
    try:
        os.removexattr(file, _XATTR)
    except OSError as error:
        if error.errno not in _NONE_HERE:
            raise


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
