"""What a manifest.json says of an inventory: which bucket, which files, which columns."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from bucketline.errors import BadListing, UsageError, printable

NAME, CHECKSUM = "manifest.json", "manifest.checksum"
FORMATS = ("CSV", "Parquet", "ORC")
_VERSION = "2016-11-30"
_REQUIRED = {
    "bucket": "Bucket",
    "key": "Key",
    "size": "Size",
    "lastmodifieddate": "LastModifiedDate",
    "etag": "ETag",
}
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of entries; its key counts from the bucket that the inventory was delivered to."""

    key: str
    size: int
    md5: str  # Hex.


@dataclass(frozen=True, slots=True)
class Manifest:
    """One inventory."""

    bucket: str  # Whose objects it tells.
    format: str
    columns: tuple[str, ...]  # Of a CSV, in its order; plain names (see `plain`).
    files: tuple[DataFile, ...]
    made: float  # When the bucket was looked at; 0 = unknown.


def parse(body: bytes, place: str) -> Manifest:
    """The manifest in these bytes; raises `BadListing`, or `UsageError` for what is not ours."""
    try:
        said = json.loads(body)
        if said["version"] != _VERSION or said["fileFormat"] not in FORMATS:
            kinds = printable(f"version {said['version']}, format {said['fileFormat']}")
            raise UsageError(f"{place}: an inventory of a kind that is not known here: {kinds}")
        return _manifest(said, place)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadListing(f"{place}: this is no manifest of an S3 Inventory, or damaged") from None


def _manifest(said: dict[str, Any], place: str) -> Manifest:
    files = tuple(
        DataFile(str(file["key"]), int(file["size"]), str(file["MD5checksum"]).lower())
        for file in said["files"]
    )
    for file in files:
        if not _MD5.fullmatch(file.md5):
            raise BadListing(f"{place}: {printable(file.key)} is named without its MD5")
    schema = str(said["fileSchema"])
    names = columns_of(schema) if said["fileFormat"] == "CSV" else names_in(schema)
    check_columns(names, place)
    made = float(said.get("creationTimestamp", 0)) / 1000
    return Manifest(said["sourceBucket"], said["fileFormat"], names, files, made)


def columns_of(schema: str) -> tuple[str, ...]:
    """The columns of a CSV: `Bucket, Key, Size, …`."""
    return tuple(plain(name) for name in schema.split(","))


def names_in(schema: str) -> tuple[str, ...]:
    """The columns of `struct<bucket:string,…>` or `message x { required binary bucket (UTF8); …}`.

    Words that are none do no harm: the file itself tells its columns once more.
    """
    return tuple(plain(name) for name in re.findall(r"\w+", schema))


def plain(name: str) -> str:
    """`LastModifiedDate`, `last_modified_date` and `ETag`, `e_tag` are the same."""
    return name.strip().replace("_", "").lower()


def check_columns(names: tuple[str, ...], place: str) -> None:
    """Raise `UsageError` unless it tells what a comparison needs."""
    missing = [shown for name, shown in _REQUIRED.items() if name not in names]
    if missing:
        raise UsageError(
            f"{place}: the inventory does not tell {', '.join(missing)};"
            " add that to its configuration, or sync without --from-inventory"
        )
    if ("islatest" in names) != ("isdeletemarker" in names):
        raise UsageError(f"{place}: the inventory tells versions in part only; it cannot be used")
