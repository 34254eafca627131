"""Rows into a Parquet file, a group at a time: the memory they take is bounded."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from bucketline.errors import DiskError, UsageError

_GROUP_ROWS = 100_000


class Column(NamedTuple):
    """A column: `string`, `int64`, `bool_` or `binary`. None of its values is NULL."""

    name: str
    kind: str = "string"


class Rows:
    """Takes rows one by one; tells how many it has written now and then."""

    def __init__(
        self, path: Path, columns: Sequence[Column], wrote: Callable[[int], None] = lambda _: None
    ) -> None:
        self._wrote = wrote
        self._pa = arrow("pyarrow")
        fields = [(c.name, getattr(self._pa, c.kind)(), False) for c in columns]
        self._schema = self._pa.schema([self._pa.field(*field) for field in fields])
        self.path = path
        self._waiting: list[Sequence[Any]] = []
        try:
            self._writer = arrow("pyarrow.parquet").ParquetWriter(
                path, self._schema, compression="zstd"
            )
        except OSError as error:
            raise DiskError(f"{path}: cannot be written ({error.strerror or error})") from None

    def add(self, row: Sequence[Any]) -> None:
        self._waiting.append(row)
        if len(self._waiting) >= _GROUP_ROWS:
            self._write()

    def close(self) -> None:
        self._write()
        self._writer.close()

    def drop(self) -> None:
        """Forget everything."""
        self._writer.close()
        with suppress(OSError):
            self.path.unlink()

    def _write(self) -> None:
        columns = list(zip(*self._waiting, strict=True)) or [()] * len(self._schema)
        arrays = [
            self._pa.array(values, type=field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        try:
            table = self._pa.Table.from_arrays(arrays, schema=self._schema)
            self._writer.write_table(table)
        except OSError as error:
            raise DiskError(f"{self.path}: cannot be written ({error})") from None
        self._wrote(len(self._waiting))
        self._waiting.clear()


def count_rows(path: Path) -> int:
    count: int = arrow("pyarrow.parquet").read_metadata(path).num_rows
    return count


def arrow(module: str) -> Any:
    """Loaded when it is needed: it takes a third of a second."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UsageError("pyarrow is missing; install bucketline[ring]") from None
