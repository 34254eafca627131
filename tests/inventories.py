"""S3 Inventories as S3 writes them, in all three formats, from entries."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
from pyarrow import orc, parquet

from bucketline.model import Entry

MADE = datetime(2026, 3, 1, tzinfo=UTC)
FOLDER = "lists/photos/daily"
DAY = f"{FOLDER}/2026-03-01T01-00Z"
MANIFEST = f"{DAY}/manifest.json"
NAMES = {
    "Bucket": "bucket",
    "Key": "key",
    "VersionId": "version_id",
    "IsLatest": "is_latest",
    "IsDeleteMarker": "is_delete_marker",
    "Size": "size",
    "LastModifiedDate": "last_modified_date",
    "ETag": "e_tag",
    "StorageClass": "storage_class",
}
VERSIONS = ("VersionId", "IsLatest", "IsDeleteMarker")
KINDS = {"is_latest": pa.bool_(), "is_delete_marker": pa.bool_(), "size": pa.int64()}
Row = dict[str, Any]


def row(entry: Entry, bucket: str = "photos", *, latest: bool = True, marker: bool = False) -> Row:
    """What an inventory tells of an object."""
    return {
        "Bucket": bucket,
        "Key": entry.key,
        "VersionId": entry.version,
        "IsLatest": latest,
        "IsDeleteMarker": marker,
        "Size": None if marker else entry.size,
        "LastModifiedDate": datetime.fromtimestamp(entry.modified, UTC),
        "ETag": None if marker else entry.etag,
        "StorageClass": None if marker else entry.tier or "STANDARD",
    }


@dataclass
class Written:
    """The objects of one inventory, by key; a test may spoil them before it uses them."""

    format: str
    columns: Sequence[str]
    objects: dict[str, bytes] = field(default_factory=dict)

    @property
    def manifest(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.objects[MANIFEST])
        return said

    def seal(self, **changes: Any) -> None:
        """The manifest with these changes, and the checksum that belongs to it."""
        body = json.dumps(self.manifest | changes).encode()
        self.objects[MANIFEST] = body
        self.objects[MANIFEST.replace("json", "checksum")] = md5(body).encode() + b"\n"

    @property
    def data(self) -> list[str]:
        return [file["key"] for file in self.manifest["files"]]


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def written(
    rows: Iterable[Row],
    kind: str = "CSV",
    *,
    columns: Sequence[str] = tuple(NAMES),
    per_file: int = 1_000,
    bucket: str = "photos",
) -> Written:
    """An inventory of these rows, in files of so many."""
    made, everything = Written(kind, columns), list(rows)
    files = []
    for number, start in enumerate(range(0, len(everything), per_file)):
        body = _WRITERS[kind](everything[start : start + per_file], columns)
        key = f"{FOLDER}/data/{number:08}.{_ENDS[kind]}"
        made.objects[key] = body
        files.append({"key": key, "size": len(body), "MD5checksum": md5(body)})
    head = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::lists",
        "version": "2016-11-30",
        "creationTimestamp": str(int(MADE.timestamp() * 1000)),
        "fileFormat": kind,
        "fileSchema": _schema(kind, columns),
        "files": files,
    }
    made.objects[MANIFEST] = json.dumps(head).encode()
    made.seal()
    return made


def _csv(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    lines.writerows([_word(name, one[name]) for name in columns] for one in rows)
    return gzip.compress(text.getvalue().encode())


def _word(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.000Z"
    return quote_plus(value, safe="/") if name == "Key" else str(value)


def _table(rows: Sequence[Row], columns: Sequence[str], moments: pa.DataType) -> pa.Table:
    kinds: Mapping[str, pa.DataType] = KINDS | {"last_modified_date": moments}
    fields = [(NAMES[name], kinds.get(NAMES[name], pa.string())) for name in columns]
    values = [{NAMES[name]: one[name] for name in columns} for one in rows]
    return pa.Table.from_pylist(values, schema=pa.schema(fields))


def _parquet(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    body = io.BytesIO()
    table = _table(rows, columns, pa.timestamp("ms", "UTC"))
    parquet.write_table(table, body, row_group_size=100)
    return body.getvalue()


def _orc(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    body = io.BytesIO()
    orc.write_table(_table(rows, columns, pa.timestamp("ns")), body)
    return body.getvalue()


def _schema(kind: str, columns: Sequence[str]) -> str:
    names = [NAMES[name] for name in columns]
    if kind == "CSV":
        return ", ".join(columns)
    if kind == "ORC":
        return f"struct<{','.join(f'{name}:string' for name in names)}>"
    fields = " ".join(f"optional binary {name} (UTF8);" for name in names)
    return f"message s3.inventory {{ {fields} }}"


_WRITERS = {"CSV": _csv, "Parquet": _parquet, "ORC": _orc}
_ENDS = {"CSV": "csv.gz", "Parquet": "parquet", "ORC": "orc"}
