"""A run's objects for other programs: as JSON lines, or as Parquet."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from bucketline.durable import whole_file
from bucketline.errors import UsageError
from bucketline.flow.report.objects import ObjectRow, all_objects
from bucketline.flow.report.runs import RunRow

FORMAT = 1
_GROUP = 50_000  # Rows of a Parquet row group: what is in memory at once.


def json_lines(row: RunRow) -> Iterator[str]:
    """A header, a line an object, and a footer: without the footer, the file is not whole."""
    head = {"kind": "run", "format": FORMAT, **row.as_json()}
    head |= {"host": row.host, "user": row.user, "version": row.version, "name": row.name}
    yield _line({**head, "configuration": json.loads(row.configuration)})
    count = 0
    for one in all_objects(row):
        count += 1
        yield _line({"kind": "object", **asdict(one)})
    yield _line({"kind": "end", "objects": count})


def parquet(row: RunRow, path: Path) -> int:
    """Write the run's objects to a Parquet file; how many. Needs the extra `parquet`."""
    arrow, writing = _arrow()
    schema = _schema(arrow).with_metadata({"bucketline": _line(row.as_json())})
    rows, count = all_objects(row), 0
    with whole_file(path) as out, writing.ParquetWriter(out, schema, compression="zstd") as file:
        while group := list(islice(rows, _GROUP)):
            file.write_table(arrow.Table.from_pylist([_flat(one) for one in group], schema))
            count += len(group)
    return count


def _arrow() -> tuple[Any, Any]:
    # By name, when asked for: it takes a third of a second and few have it.
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError(
            "a Parquet export needs pyarrow: install bucketline[parquet], or export JSON lines"
        ) from None


def _schema(arrow: Any) -> Any:
    """Times as seconds since 1970, as everywhere."""
    text, integer, real = arrow.string(), arrow.int64(), arrow.float64()
    kinds = {"time": real, "started": real, "size": integer}
    return arrow.schema([(name, kinds.get(name, text)) for name in ObjectRow.__dataclass_fields__])


def _flat(one: ObjectRow) -> dict[str, Any]:
    return {**asdict(one), "hashes": _line(one.hashes)}


def _line(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False)
