"""Reads files, and what belongs to them, without passing a symbolic link out of the root."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bucketline.errors import Broken, Changed, NotFound, StoreError
from bucketline.model import Entry, Found
from bucketline.stores.base import IN_MOTION, Piece
from bucketline.stores.local.attributes import (
    entry,
    found,
    is_of,
    is_unchanged,
    known_etags,
    stamp,
    stamp_read,
)
from bucketline.stores.local.paths import cause, why_unholdable
from bucketline.stores.local.write import Place, split

T = TypeVar("T")

# Not to wait at a pipe's other end, should there be a pipe.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_SMALL = 256 << 10  # Bytes that are read on the spot: a thread would cost more than they do.
_NOTED_MAX = 1_000  # Reads that nobody has hashed yet.
_NOT_READ: tuple[str, os.stat_result | None] = ("", None)
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO)


def look(place: Place, key: str) -> Found:
    """What the file is."""

    def asked(file: int) -> Found:
        status = _status(place, key, file)
        [etag] = known_etags([status], place.hashes)
        told = stamp_read(status, place.clock.now())
        return found(entry(key, status, etag, told), status, file)

    return with_file(place, key, asked)


def read(place: Place, key: str, start: int, size: int | None, etag: str) -> Piece:
    """Some of its bytes, if it is still the file of that pin or etag, and stays it."""
    return with_file(place, key, lambda file: _piece(place, key, file, (start, size, etag)))


def learn(place: Place, entry: Entry, etag: str) -> None:
    """Remember the etag of bytes that were read, if it is known of which state of the file."""
    if place.hashes is None:
        return
    told, read_as = place.read_lately.pop(entry.key, _NOT_READ)
    if read_as is not None and told == entry.stamp:
        place.hashes.remember(read_as, etag)
        return
    try:
        status = os.lstat(place.name + entry.key)
        if modes.S_ISLNK(status.st_mode):
            status = Path(place.name + entry.key).stat()
    except OSError:
        return
    if entry.stamp == stamp(status):
        place.hashes.remember(status, etag)


def read_if_small(place: Place, key: str, start: int, etag: str) -> Piece | None:
    """All of its bytes from `start` on; None = there are too many to be read in passing."""

    def asked(file: int) -> Piece | None:
        if os.fstat(file).st_size > _SMALL:
            return None
        return _piece(place, key, file, (start, None, etag))

    return with_file(place, key, asked)


def _piece(place: Place, key: str, file: int, wanted: tuple[int, int | None, str]) -> Piece:
    start, size, etag = wanted
    before = _status(place, key, file)
    if etag and not is_of(etag, before) and etag not in known_etags([before], place.hashes):
        raise Changed("it is another file by now", store=place.name, key=key)
    # What is remembered of it is not told here: it says nothing about the bytes that are read now.
    whole = entry(key, before, "", stamp_read(before, place.clock.now()))
    end = before.st_size if size is None else min(start + size, before.st_size)
    body = _bytes(file, start, max(0, end - start))
    after = os.fstat(file)
    if not is_unchanged(before, after) or len(body) < end - start:
        raise Changed("the file changed while it was read", store=place.name, key=key)
    if len(body) == before.st_size:
        _note(place, whole, after)
    return Piece(found(whole, before, file), body)


def _note(place: Place, whole: Entry, status: os.stat_result) -> None:
    """Of what state of a file all bytes were read, for whoever hashes them in a moment."""
    if place.hashes is None or whole.stamp.endswith(IN_MOTION):
        return
    if len(place.read_lately) >= _NOTED_MAX:
        place.read_lately.clear()
    place.read_lately[whole.key] = whole.stamp, status


def with_file(place: Place, key: str, asked: Callable[[int], T]) -> T:
    if why_unholdable(key, len(place.name)):
        raise NotFound("there is no such file", store=place.name, key=key)
    try:
        file = _open(place, key)
        try:
            return asked(file)
        finally:
            os.close(file)
    except OSError as error:
        raise _cause(place, key, error) from error


def _open(place: Place, key: str) -> int:
    try:
        return _open_in_folder(place, key)
    except FileNotFoundError:
        place.folders.forget()  # The folder that we hold open may be another by now.
        return _open_in_folder(place, key)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return _open_in_folder(place, _beyond_link(place, key))


def _open_in_folder(place: Place, key: str) -> int:
    path, name = split(key)
    folder = place.folders.get(path)  # Held until the file is open: another thread may forget it.
    return os.open(name, _FLAGS, dir_fd=folder.fd)


def _beyond_link(place: Place, key: str) -> str:
    """The key of the file that a link stands for; one out of the root stands for none."""
    root = os.path.realpath(place.root).rstrip("/") + "/"
    folder = place.folders.get(split(key)[0])  # Fails if one of the folders is a link.
    real = os.path.realpath(f"{root}{folder.path}{split(key)[1]}")
    if not real.startswith(root):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return real.removeprefix(root)


def _status(place: Place, key: str, file: int) -> os.stat_result:
    status = os.fstat(file)
    if not modes.S_ISREG(status.st_mode):
        raise NotFound("there is no such file", store=place.name, key=key)
    return status


def _bytes(file: int, start: int, size: int) -> bytes:
    """Up to `size` bytes; one call gives at most 2 GiB."""
    body = os.pread(file, size, start)
    if len(body) == size or not body:
        return body
    pieces, count = [body], len(body)
    while count < size and (body := os.pread(file, size - count, start + count)):
        pieces.append(body)
        count += len(body)
    return b"".join(pieces)


def _cause(place: Place, key: str, error: OSError) -> StoreError:
    if error.errno in _NOT_THERE:
        return NotFound("there is no such file", store=place.name, key=key)
    if error.errno == errno.EIO:  # One bad sector is no reason to stop the run.
        return Broken("the disk could not read it", store=place.name, key=key)
    return cause(error, place.name, key)
