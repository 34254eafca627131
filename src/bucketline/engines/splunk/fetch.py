"""A whole bucket out of the archive into a folder, each object compared with what was listed."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from bucketline.engines.splunk.archive import Archived
from bucketline.engines.splunk.records import sync_folder
from bucketline.errors import DiskError, Mismatch
from bucketline.flow.drive import Drive
from bucketline.model import Entry
from bucketline.stores.base import Store

_PIECE = 8 << 20
_MD5 = re.compile(r"[0-9a-f]{32}")


def fetch(store: Store, drive: Drive, bucket: Archived, folder: Path) -> dict[str, str]:
    """Every object, journals and the marks of deleted events alike; their SHA-256 by path."""
    hashes = {}
    for entry in bucket.entries:
        path = bucket.within(entry)
        target = folder / path
        if ".." in path.split("/") or path.startswith("/"):
            raise DiskError(f"{entry.key}: leads out of its bucket")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            hashes[path] = _one(store, drive, entry, target)
        except OSError as error:
            raise DiskError(f"{target}: cannot be written ({error.strerror})") from None
    return hashes


def joined(bucket: Archived, folder: Path) -> Path:
    """The journal as one file: slices become one, in the order of their numbers."""
    names = [bucket.within(entry) for entry in bucket.journals]
    if len(names) == 1 and "journal" in names[0]:
        return folder / names[0]
    slices = sorted((name for name in names if "journal" not in name), key=_number)
    whole = folder / "rawdata" / "journal"
    with whole.open("wb") as file:
        for name in slices:
            file.write((folder / name).read_bytes())
        file.flush()
        os.fsync(file.fileno())
    for name in slices:
        (folder / name).unlink()
    return whole


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])


def _one(store: Store, drive: Drive, entry: Entry, target: Path) -> str:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with target.open("wb") as file:
        at = 0
        while at < entry.size:
            size = min(_PIECE, entry.size - at)
            piece = drive.call(store.read(entry.key, start=at, size=size, etag=entry.pin))
            body = bytes(piece.body)
            if len(body) != size:
                raise Mismatch(f"{len(body):,} bytes came, not {size:,}", key=entry.key)
            md5.update(body)
            sha256.update(body)
            file.write(body)
            at += size
        file.flush()
        os.fsync(file.fileno())
    sync_folder(target.parent)
    is_md5 = store.able.etag_is_md5 and _MD5.fullmatch(entry.etag)
    if is_md5 and entry.etag != md5.hexdigest():
        raise Mismatch("the bytes that came are not those of its etag", key=entry.key)
    return sha256.hexdigest()
