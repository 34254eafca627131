"""Keys and file names: what a folder can hold, why it cannot, and which files are ours."""

from __future__ import annotations

import errno
import re
import secrets
from itertools import count

from bucketline.errors import (
    Broken,
    Denied,
    DiskFault,
    NoRoom,
    NotFound,
    StoreError,
    TooLarge,
    Unholdable,
)

_NAME_BYTES_MAX = 255
_PATH_BYTES_MAX = 4095  # PATH_MAX counts the zero at the end.
_BAD_PART = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)|\0").search
_OURS = re.compile(r"\.bucketline-[0-9a-f]{16}\.parts?").fullmatch

_OF_THIS_PROCESS = secrets.token_hex(4)  # Drawn once: asking for each file costs a system call.
_numbers = count()

_SAID = {
    errno.ENOENT: (NotFound, "there is no such file"),
    errno.EACCES: (Denied, "permission denied"),
    errno.EPERM: (Denied, "operation not permitted"),
    errno.ENOSPC: (NoRoom, "the disk is full"),
    errno.EDQUOT: (NoRoom, "the disk quota is used up"),
    errno.EFBIG: (TooLarge, "the file system takes no file of this size"),
    errno.EISDIR: (Unholdable, "a folder of that name stands there"),
    errno.ENOTDIR: (Unholdable, "a file stands where the key needs a folder"),
    errno.ELOOP: (Unholdable, "a symbolic link stands in the way; nothing goes through links"),
    errno.ENAMETOOLONG: (Unholdable, "the name is too long for this file system"),
    errno.ENOTUNIQ: (
        Unholdable,
        "this file system takes it for another name that stands there (other case or accents)",
    ),
    errno.EINVAL: (Unholdable, "this file system takes no such name"),
    errno.EILSEQ: (Unholdable, "this file system takes no such name"),
    errno.EROFS: (DiskFault, "the file system is read-only"),
    errno.EIO: (DiskFault, "the disk is failing (input/output error)"),
    errno.ENODEV: (DiskFault, "the disk is gone"),
    errno.ENXIO: (DiskFault, "the disk is gone"),
}


def new_mark() -> str:
    """What tells one file of ours from all others."""
    return f"{_OF_THIS_PROCESS}{next(_numbers):08x}"


def brief_name(mark: str) -> str:
    """For a file of ours that is no object yet, and is of no use to another process."""
    return f".bucketline-{mark}.part"


def lasting_name(mark: str) -> str:
    """For one that another process may go on with."""
    return f".bucketline-{mark}.parts"


def mark_of(name: str) -> str:
    """Of a file of ours."""
    return name.removeprefix(".bucketline-").partition(".")[0]


def is_lasting(name: str) -> bool:
    return name.endswith(".parts")


def is_ours(name: str) -> bool:
    """Whether `name`, without folders, is one of those two."""
    return name.startswith(".bucketline-") and _OURS(name) is not None


def why_unholdable(key: str, root_bytes: int) -> str:
    """Why no file can stand for `key` in a folder whose path has so many bytes; "" = one can.

    A file system knows no empty name, takes "." and ".." for places, and ends names at a zero.
    Whatever it would silently read as another key is refused here.
    """
    if bad := _BAD_PART(key):
        return _bad_part(bad.group().strip("/"))
    size = len(key)
    if not key.isascii():
        try:
            size = len(key.encode())
        except UnicodeEncodeError:
            return "it is not text"
    if size > _NAME_BYTES_MAX:
        if root_bytes + size > _PATH_BYTES_MAX:
            return "the path is too long for a file system"
        if any(len(name.encode()) > _NAME_BYTES_MAX for name in key.split("/")):
            return "a name in it has more than 255 bytes"
    if ".bucketline-" in key and is_ours(key.rpartition("/")[2]):
        return "such names are for unfinished files"
    return ""


def cause(failure: OSError | StoreError, store: str, key: str) -> StoreError:
    """The cause behind what the system said; whose store and key are known, if not before."""
    if isinstance(failure, StoreError):
        failure.store, failure.key = failure.store or store, failure.key or key
        return failure
    kind, said = _SAID.get(failure.errno or 0, (Broken, f"the system says: {failure.strerror}"))
    return kind(said, store=store, key=key)


def _bad_part(name: str) -> str:
    if name == "\0":
        return "it has a zero byte"
    return f"'{name}' is no name for a file" if name else "a name in it is empty"
