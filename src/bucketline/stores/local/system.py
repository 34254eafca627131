"""What the system can do for files beyond Python's own `os`."""

from __future__ import annotations

import ctypes
import errno
import os
import re

_LIBC = ctypes.CDLL(None, use_errno=True)
_SYNCFS_TELLS_ERRORS = (5, 8)  # The first Linux whose syncfs does not swallow a failed write.


def can_flush_all() -> bool:
    """Whether `flush_all` can be trusted here."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    is_new = release is not None and (int(release[1]), int(release[2])) >= _SYNCFS_TELLS_ERRORS
    return is_new and hasattr(_LIBC, "syncfs")


def flush_all(file: int) -> None:
    """Make everything durable that was written to the file system of `file`; raises OSError."""
    if _LIBC.syncfs(ctypes.c_int(file)):
        raise _last_error()


def reserve(file: int, size: int) -> None:
    """Give the file `size` bytes of disk, where that is known; raises OSError when it is full."""
    if size and hasattr(_LIBC, "fallocate64"):
        if not _LIBC.fallocate64(file, 0, ctypes.c_int64(0), ctypes.c_int64(size)):
            return
        if ctypes.get_errno() in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise _last_error()
    os.ftruncate(file, size)


def _last_error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))
