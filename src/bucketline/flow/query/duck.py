"""DuckDB answers SQL in this process: the only home of DuckDB."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bucketline.errors import DiskError, UsageError
from bucketline.flow.query.base import Bounds, Inputs

_BATCH = 10_000


class Duck:
    """One connection to a database that has no file."""

    def __init__(self, bounds: Bounds) -> None:
        self._duckdb = _duckdb()
        settings: dict[str, Any] = {
            "memory_limit": bounds.memory,
            "preserve_insertion_order": False,
            # It must load nothing from the network behind our back.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if bounds.threads:
            settings["threads"] = bounds.threads
        if bounds.spill is not None:
            bounds.spill.mkdir(parents=True, exist_ok=True)
        settings["temp_directory"] = str(bounds.spill) if bounds.spill is not None else ""
        try:
            self._connection = self._duckdb.connect(":memory:", config=settings)
        except self._duckdb.Error as error:
            raise UsageError(f"DuckDB refuses its settings: {_first_line(error)}") from None

    def write(self, sql: str, inputs: Inputs, target: Path) -> None:
        self._look_at(inputs)
        self._ask(f"COPY ({sql}) TO {_quoted(target)} (FORMAT parquet, COMPRESSION zstd)")

    def rows(self, sql: str, inputs: Inputs) -> Iterator[tuple[Any, ...]]:
        self._look_at(inputs)
        answer = self._ask(sql)
        while batch := answer.fetchmany(_BATCH):
            yield from batch

    def close(self) -> None:
        self._connection.close()

    def _look_at(self, inputs: Inputs) -> None:
        for name, files in inputs.items():
            listed = ", ".join(_quoted(file) for file in files)
            self._ask(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM read_parquet([{listed}])")

    def _ask(self, sql: str) -> Any:
        duckdb = self._duckdb
        try:
            return self._executed(sql)
        except duckdb.OutOfMemoryException as error:
            raise UsageError(
                f"the memory limit is too low ({_first_line(error)}); raise it with --memory"
            ) from None
        except duckdb.IOException as error:
            raise DiskError(f"the tables cannot be read or written: {_first_line(error)}") from None

    def _executed(self, sql: str) -> Any:
        """In a thread, as this one would not hear a signal before the query's end."""
        with ThreadPoolExecutor(1, "duckdb") as pool:
            try:
                return pool.submit(self._connection.execute, sql).result()
            except KeyboardInterrupt:
                self._connection.interrupt()
                raise


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _duckdb() -> Any:
    try:
        return importlib.import_module("duckdb")
    except ImportError:
        raise UsageError("DuckDB is missing; install bucketline[ring]") from None
