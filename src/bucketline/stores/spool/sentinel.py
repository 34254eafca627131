"""The file that makes a folder a volume, and tells it from every other: its sentinel."""

from __future__ import annotations

import fcntl
import json
import os
import struct
from pathlib import Path
from uuid import uuid4

from bucketline.durable import whole_file
from bucketline.errors import Refused

SENTINEL = ".bucketline-volume.json"
VERSION = 1
# A lock of the open file: it ends with the process, however that ends.
_WRITE_LOCK = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def read_sentinel(folder: Path) -> str:
    """The volume's own name; "" = the folder is none, or its disk is not mounted.

    Raises OSError, `Refused` where it is damaged or of a newer program.
    """
    path = folder / SENTINEL
    try:
        told = json.loads(path.read_bytes())
        version, name = told["v"], str(told["volume"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError):
        raise Refused(f"{path}: is damaged; move it away if you know why") from None
    if version != VERSION:
        raise Refused(f"{path}: made by a newer bucketline (format {version}); update this one")
    return name


def write_sentinel(folder: Path) -> str:
    """Make the folder a volume, with a new name; a power cut leaves the file whole or absent.

    Raises `DiskError`.
    """
    name = str(uuid4())
    said = json.dumps({"v": VERSION, "volume": name})
    with whole_file(folder / SENTINEL, 0o600) as file:
        file.write(f"{said}\n".encode())
    return name


def lock_sentinel(folder: Path) -> int:
    """An open file that keeps other relays out until it is closed. Raises OSError, `Refused`."""
    file = os.open(folder / SENTINEL, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _WRITE_LOCK)
    except OSError:
        os.close(file)
        said = f"{folder}: another relay uses this volume; stop it or name another folder"
        raise Refused(said) from None
    return file
