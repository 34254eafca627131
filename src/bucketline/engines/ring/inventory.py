"""The objects that the metadata tells of, as S3 would list them: to be held against other lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from bucketline.engines.ring.client import escaped
from bucketline.engines.ring.site import Site
from bucketline.errors import Refused
from bucketline.model import Entry

_STANDARD = "STANDARD"


class Which(Enum):
    """What an entry of a bucket stands for."""

    LATEST = "latest"
    OLDER = "older"
    NONE = "none"  # Nothing of its own: told already, or a placeholder.


class Latest:
    """Of a bucket's entries in their order: a key's master comes before its versions, somewhere."""

    def __init__(self) -> None:
        # The key just seen, its version, which is listed once more, and where that is.
        self._master: tuple[Any, ...] = ()
        self._open: set[str] = set()  # A placeholder stands for them: their newest version counts.

    def judge(self, key: str, version: str, value: Mapping[str, Any]) -> Which:
        if value.get("isPHD"):
            if not version:
                self._open.add(key)
            return Which.NONE
        if not version:
            self._master = (key, str(value.get("versionId") or ""), value.get("location"))
            return Which.LATEST
        if key in self._open:
            self._open.remove(key)
            return Which.LATEST
        is_told = (key, version, value.get("location")) == self._master
        return Which.NONE if is_told else Which.OLDER


def listed_object(
    bucket: str, name: tuple[str, str], value: Mapping[str, Any], *, is_latest: bool
) -> tuple[Any, ...]:
    """A row of the dataset `objects`."""
    tier = str(value.get("x-amz-storage-class") or _STANDARD)
    return (
        *(bucket, *name, str(value.get("content-md5") or "").strip('"')),
        *("" if tier == _STANDARD else tier, str(value.get("x-amz-server-side-encryption") or "")),
        *(int(value.get("content-length") or 0), seconds(value.get("last-modified"))),
        *(is_latest, bool(value.get("isDeleteMarker"))),
    )


def entries(site: Site, bucket: str) -> Iterator[Entry]:
    """What a listing of the bucket would tell, in no order; of a whole export alone."""
    manifest = site.dataset("objects").manifest()
    if f"b-{escaped(bucket)}" not in {piece.name for piece in manifest.pieces}:
        raise Refused(f"{site.ring.name}: the last export has no bucket {bucket[:80]}")
    piece = site.dataset("objects").folder / f"b-{escaped(bucket)}.parquet"
    sql = """SELECT key, size, modified, etag, version, tier FROM objects
        WHERE is_latest AND NOT is_delete_marker"""
    found = [file for file in site.dataset("objects").files() if file == piece]
    for row in site.engine.rows(sql, {"objects": found}):
        yield Entry(*row)


def seconds(text: Any) -> int:
    try:
        return int(datetime.fromisoformat(str(text)).timestamp())
    except ValueError:
        return 0
