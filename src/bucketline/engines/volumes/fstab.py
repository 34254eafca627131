"""The table of file systems: one line is added, and not a byte of the others changes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from bucketline.durable import sync_folder
from bucketline.engines.volumes.plan import Item
from bucketline.engines.volumes.tool import FINDMNT
from bucketline.errors import DiskError, Refused

OPTIONS = "noatime,nodev,nosuid,noexec"
# A disk that is away must not keep the machine from starting.
_FSTAB_OPTIONS = f"{OPTIONS},nofail,x-systemd.device-timeout=30"
_PASSES = {"ext4": 2, "xfs": 0}
_ESCAPES = {"\\": "\\134", " ": "\\040", "\t": "\\011", "\n": "\\012", "#": "\\043"}


def line_of(item: Item, filesystem: str) -> str:
    """Its line."""
    folder = "".join(_ESCAPES.get(letter, letter) for letter in item.folder)
    passes = _PASSES[filesystem]
    return f"UUID={item.uuid} {folder} {filesystem} {_FSTAB_OPTIONS} 0 {passes}"


def added(table: bytes, line: str) -> bytes:
    """The table with this line, too. Raises `Refused` if its folder or its UUID is taken."""
    source, folder = line.split()[:2]
    for number, other in enumerate(table.decode(errors="surrogateescape").split("\n"), 1):
        words = other.split()
        if other.strip() == line:
            return table
        if len(words) > 1 and not other.lstrip().startswith("#") and words[0] == source:
            raise Refused(f"line {number} has another entry of {source}; remove it")
        if len(words) > 1 and not other.lstrip().startswith("#") and words[1] == folder:
            raise Refused(f"line {number} has another entry for {folder}; remove it")
    end = b"" if not table or table.endswith(b"\n") else b"\n"
    return table + end + line.encode() + b"\n"


def has_line(path: Path, line: str) -> bool:
    """Whether it stands there already."""
    try:
        return line.encode() in path.read_bytes().splitlines()
    except FileNotFoundError:
        return False


def refuse_taken(path: Path, line: str) -> None:
    """Raise `Refused` if the table has another line for the same, before anything is changed."""
    try:
        added(path.read_bytes() if path.exists() else b"", line)
    except Refused as error:
        raise Refused(f"{path}: {error}") from None
    except OSError as error:
        raise DiskError(f"{path}: cannot be read ({error.strerror})") from None


def add_line(path: Path, line: str) -> None:
    """All of the new table or all of the old one, whatever happens; a copy of the old one is kept.

    Raises `Refused`, `DiskError`.
    """
    path = path.resolve()  # Some systems have a link there.
    draft = path.with_name(f"{path.name}.bucketline-new")
    try:
        old = path.read_bytes() if path.exists() else b""
        new = added(old, line)
        told = path.stat() if path.exists() else None
        _write(path.with_name(f"{path.name}.bucketline-old"), old, told)
        _write(draft, new, told)
        check_readable(draft, line)
        draft.rename(path)
        sync_folder(path.parent)
    except Refused as error:
        raise Refused(f"{path}: {error}") from None
    except OSError as error:
        raise DiskError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        with suppress(OSError):
            draft.unlink()


def _write(path: Path, body: bytes, like: os.stat_result | None) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode) if like else 0o644)
        if like:
            os.fchown(file.fileno(), like.st_uid, like.st_gid)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def check_readable(draft: Path, line: str) -> None:
    """Raise `Refused` unless others find the line in it, too: before it counts."""
    source = line.split(maxsplit=1)[0]
    columns = ("--noheadings", "--raw", "--output", "TARGET")
    told = FINDMNT.ask("--tab-file", str(draft), *columns, "--source", source, codes=(0, 1)).text
    if not told.strip():
        raise Refused("findmnt does not find the new line in it; look at its last lines")
