"""The rows of a data file, in whichever of the three formats, as entries."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any, TypeVar
from urllib.parse import unquote_plus

from bucketline.errors import BadListing, UsageError, printable
from bucketline.flow.look.inventory.manifest import DataFile, Manifest, check_columns, plain
from bucketline.model import Entry

Row = Sequence[Any]  # In the order of `_WANTED`; None = not told.
_WANTED = (
    *("bucket", "key", "size", "lastmodifieddate", "etag"),
    *("storageclass", "versionid", "islatest", "isdeletemarker", "encryptionstatus"),
)
_OPAQUE = {"SSE-KMS", "DSSE-KMS", "SSE-C"}  # Their etags are no MD5s.
T = TypeVar("T")
_BATCH = 10_000
_DAMAGE = (OSError, EOFError, zlib.error, csv.Error, ValueError, TypeError, OverflowError)


def entries(manifest: Manifest, file: DataFile, body: IO[bytes]) -> Iterator[list[Entry]]:
    """The current objects that the file tells, in its own order; raises `BadListing`."""
    return _made(manifest, file, body, _entry)


def sealed(
    manifest: Manifest, file: DataFile, body: IO[bytes]
) -> Iterator[list[tuple[Entry, bool]]]:
    """The same, and whether each is encrypted in a way that makes its etag no MD5."""
    return _made(manifest, file, body, lambda row: (_entry(row), row[9] in _OPAQUE))


def _made(
    manifest: Manifest, file: DataFile, body: IO[bytes], make: Callable[[Row], T]
) -> Iterator[list[T]]:
    read = _csv if manifest.format == "CSV" else _arrow
    rows = read(manifest, file, body)
    while True:
        try:
            batch = next(rows, None)
            if batch is None:
                return
            page = [make(row) for row in batch if _is_current(row, manifest.bucket)]
        except _DAMAGE as error:
            name, why = printable(file.key), str(error).partition("\n")[0]
            raise BadListing(f"{name}: the inventory is damaged: {why}") from None
        yield page


def _is_current(row: Row, bucket: str) -> bool:
    """Of a key's versions the latest, unless it is a delete marker; no versions told = all are."""
    if row[0] != bucket:
        raise ValueError(f"it tells of {printable(str(row[0]))}, not of {printable(bucket)}")
    is_latest, is_delete_marker = row[7], row[8]
    return is_latest is not False and is_delete_marker is not True


def _entry(row: Row) -> Entry:
    _, key, size, modified, etag, tier, version, *_ = row
    if not key or size is None or size < 0:
        raise ValueError("an object without a key or a size")
    shown = "" if tier in (None, "STANDARD") else tier
    return Entry(key, size, modified or 0.0, (etag or "").strip('"'), version or "", shown)


def _csv(manifest: Manifest, file: DataFile, body: IO[bytes]) -> Iterator[list[Row]]:
    """Every value is quoted; keys are coded as in a form: a blank is a plus."""
    plain_body: Any = gzip.GzipFile(fileobj=body) if file.key.endswith(".gz") else body
    lines = csv.reader(io.TextIOWrapper(plain_body, encoding="utf-8", newline=""), strict=True)
    width = len(manifest.columns)
    places = [_place(manifest.columns, name) for name in _WANTED]
    batch: list[Row] = []
    for line in lines:
        if len(line) != width:
            raise ValueError(f"line {lines.line_num} has {len(line)} values, not {width}")
        batch.append(_of_text([line[place] if place >= 0 else "" for place in places]))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def _place(columns: Sequence[str], name: str) -> int:
    return columns.index(name) if name in columns else -1


def _of_text(values: list[str]) -> Row:
    bucket, key, size, modified, etag, tier, version, is_latest, is_marker, encryption = values
    return (
        bucket,
        unquote_plus(key, errors="strict"),
        int(size) if size else None,
        _seconds(datetime.fromisoformat(modified)) if modified else None,
        *(etag, tier, version),
        *(_TRUTH[is_latest], _TRUTH[is_marker], encryption),
    )


class _Truth(dict[str, "bool | None"]):
    def __missing__(self, word: str) -> bool | None:
        raise ValueError(f"'{printable(word)}' is neither true nor false")


_TRUTH = _Truth({"true": True, "false": False, "": None})


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _arrow(manifest: Manifest, file: DataFile, body: IO[bytes]) -> Iterator[list[Row]]:
    """Parquet and ORC: a batch at a time, and only the columns that say something to us."""
    source = _parquet_file(body) if manifest.format == "Parquet" else _orc_file(body)
    names, batches = source
    given = {plain(name): name for name in names}
    check_columns(tuple(given), printable(file.key))
    wanted = {name: given[name] for name in _WANTED if name in given}
    for batch in batches(list(wanted.values())):
        told = {name: batch.column(batch.schema.get_field_index(wanted[name])) for name in wanted}
        yield _of_columns(told, batch.num_rows)


Columns = tuple[list[str], Callable[[list[str]], Iterator[Any]]]


def _parquet_file(body: IO[bytes]) -> Columns:
    file = _pyarrow("pyarrow.parquet").ParquetFile(body)

    def batches(columns: list[str]) -> Iterator[Any]:
        yield from file.iter_batches(batch_size=_BATCH, columns=columns)

    return list(file.schema_arrow.names), batches


def _orc_file(body: IO[bytes]) -> Columns:
    file = _pyarrow("pyarrow.orc").ORCFile(body)

    def batches(columns: list[str]) -> Iterator[Any]:
        for number in range(file.nstripes):
            stripe = file.read_stripe(number, columns=columns)
            for start in range(0, stripe.num_rows, _BATCH):
                yield stripe.slice(start, _BATCH)

    return list(file.schema.names), batches


def _of_columns(told: Mapping[str, Any], count: int) -> list[Row]:
    nothing = [None] * count
    lists = [_values(name, told[name]) if name in told else nothing for name in _WANTED]
    return list(zip(*lists, strict=True))


def _values(name: str, column: Any) -> list[Any]:
    if name == "lastmodifieddate":
        return _times(column)
    values: list[Any] = column.to_pylist()
    return [one.decode() if isinstance(one, bytes) else one for one in values]


def _times(column: Any) -> list[float | None]:
    """Timestamps of any unit; whole numbers are milliseconds."""
    arrow = _pyarrow("pyarrow")
    per_second = 1_000
    if arrow.types.is_timestamp(column.type):
        per_second = 1_000_000
        column = column.cast(arrow.timestamp("us", column.type.tz), safe=False).cast("int64")
    return [None if one is None else one / per_second for one in column.to_pylist()]


def _pyarrow(module: str) -> Any:
    # By name, when it is needed: it takes a third of a second, and not everybody has it.
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UsageError(
            "an inventory in Parquet or ORC needs pyarrow: install bucketline[parquet],"
            " or have the inventory written as CSV"
        ) from None
