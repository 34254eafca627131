"""A file in parts that outlives its process: behind its end stands what has come of it.

Each part has a slot there, written after its bytes and taken away before the file gets its name.
Nothing of that is flushed, and nothing of it is believed: who goes on reads each part back, and
holds it against the hashes by which it was checked when it came.
"""

from __future__ import annotations

import errno
import json
import os
import re
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from typing import Any, NamedTuple

from bucketline.errors import Mismatch
from bucketline.model import Checksum
from bucketline.stores.base import OpenUpload
from bucketline.stores.digests import VOUCHED
from bucketline.stores.local.folders import Folder
from bucketline.stores.local.paths import is_lasting, is_ours, lasting_name, mark_of
from bucketline.stores.local.proven import Told, check
from bucketline.stores.local.write import Place, Put, split

_SLOT = 256  # Bytes of each; a torn one is no JSON, or fits no bytes.
_NAME = re.compile(r"([0-9a-f]{16})-(\d{1,18})").fullmatch
_NOT_OURS = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.EACCES, errno.EPERM}
)
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Slot(NamedTuple):
    """A part that came."""

    start: int
    size: int
    etag: str
    checksum: Checksum | None = None  # None = it was checked by its MD5.

    @property
    def told(self) -> Told:
        md5 = self.etag if re.fullmatch(r"[0-9a-f]{32}", self.etag) else ""
        return Told(bytes.fromhex(md5), self.checksum)


def name_of(put: Put) -> str:
    """Of the upload: all that is needed to find it again, beside its key."""
    return f"{put.mark}-{put.size}"


def begin(put: Put) -> None:
    """Note what nobody says again, and by what it is found if its name is never told."""
    said = {"time": put.time, "key": _short(put.key), "size": put.size}
    _write(put, 0, {**said, "begun": put.place.clock.now()})


def note(put: Put, number: int, slot: Slot) -> None:
    """What cannot be noted comes again if this process dies; no file fails for that."""
    sum_of = list(slot.checksum) if slot.checksum else []
    _write(put, number, {"part": [slot.start, slot.size, slot.etag, *sum_of]})


def cut_off(put: Put) -> None:
    """What stands behind its end has served, once all before it is on the disk. Raises OSError."""
    os.fdatasync(put.file)
    os.ftruncate(put.file, put.size)


def reopened(place: Place, key: str, upload: str) -> tuple[Put, dict[int, Slot]] | None:
    """The file that a process before left, and the parts that are said to be in it; None = there is
    none, or somebody is at it. Raises OSError.
    """
    opened = _opened(place, key, upload)
    if opened is None:
        return None
    folder, file, name, size = opened
    try:
        slots = _read(file, size)
        time = slots.pop(0)["time"]
        found = {number: _slot(said["part"], size) for number, said in slots.items()}
    except (KeyError, TypeError, ValueError):
        os.close(file)
        return None
    except OSError:
        os.close(file)
        raise
    put = Put(place, key)
    put.take_over(folder, file, name, size, time)
    return put, found


def untold(place: Place, key: str) -> list[OpenUpload]:
    """Files for this key of which no part has come and whose process is gone: it may have died
    before it could tell anybody their names. Raises OSError.
    """
    path, _ = split(key)
    try:
        folder = place.folders.get(path)
        with os.scandir(folder.fd) as found:
            names = [one.name for one in found if is_ours(one.name) and is_lasting(one.name)]
        told = [_untold(folder, name) for name in names]
    except OSError as error:
        if error.errno in _NOT_OURS:
            return []
        raise
    short = _short(key)
    return [
        OpenUpload(key, f"{said['mark']}-{said['size']}", float(said["begun"]))
        for said in told
        if said.get("key") == short
    ]


def is_there(put: Put, slot: Slot) -> bool:
    """Whether the file still gives back what came. A stretch that cannot be read is to be written
    again, as one that was lost.
    """
    try:
        check(put.file, slot.start, slot.size, slot.told)
    except (OSError, Mismatch):
        return False
    return True


def remove(place: Place, key: str, upload: str) -> None:
    """Whatever a process before has left of it, also if nothing tells any more what has come; not
    while somebody is at it. Raises OSError.
    """
    opened = _opened(place, key, upload)
    if opened is None:
        return
    folder, file, name, _ = opened
    try:
        os.unlink(name, dir_fd=folder.fd)
    finally:
        os.close(file)
    place.folders.prune(split(key)[0])


def _opened(place: Place, key: str, upload: str) -> tuple[Folder, int, str, int] | None:
    """Its folder, the file, locked, its name and size; None = there is none, or it is another's.

    What else keeps us from it may pass, and then it is as good as ever: raises OSError.
    """
    named = _NAME(upload)
    if named is None:
        return None
    path, _ = split(key)
    name = lasting_name(named[1])
    try:
        folder = place.folders.get(path)
        file = os.open(name, _OPEN, dir_fd=folder.fd)
    except OSError as error:
        if error.errno in _NOT_OURS:
            return None
        raise
    with suppress(OSError):  # Without locks: nobody else has been told this name.
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
    if not os.fstat(file).st_nlink:  # Somebody has cleared it away meanwhile.
        os.close(file)
        return None
    return folder, file, name, int(named[2])


def _untold(folder: Folder, name: str) -> dict[str, Any]:
    """What stands behind its end, if that is all; empty where somebody is at it, or may be."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.fd)
    try:
        flock(file, LOCK_EX | LOCK_NB)
        end = os.fstat(file).st_size - _SLOT
        said = json.loads(os.pread(file, _SLOT, max(0, end)))
        is_all = isinstance(said, dict) and said.get("size") == end and "begun" in said
        return {**said, "mark": mark_of(name)} if is_all else {}
    except (OSError, ValueError):
        return {}
    finally:
        os.close(file)


def _short(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:32]


def _slot(said: list[Any], end: int) -> Slot:
    start, size, etag, *sum_of = said
    if not (isinstance(start, int) and isinstance(size, int) and min(start, size) >= 0):
        raise ValueError(said)
    if start + size > end or (sum_of and sum_of[0] not in VOUCHED):
        raise ValueError(said)
    return Slot(start, size, str(etag), Checksum(*map(str, sum_of)) if sum_of else None)


def _write(put: Put, number: int, said: dict[str, Any]) -> None:
    text = json.dumps(said, separators=(",", ":")).encode().ljust(_SLOT)
    with suppress(OSError):  # No room behind the end: the file itself has had its own before.
        os.pwrite(put.file, text, put.size + number * _SLOT)


def _read(file: int, size: int) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for number in range((os.fstat(file).st_size - size + _SLOT - 1) // _SLOT):
        with suppress(ValueError):
            said = json.loads(os.pread(file, _SLOT, size + number * _SLOT))
            if isinstance(said, dict):
                found[number] = said
    return found
