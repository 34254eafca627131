"""The contract of who answers SQL: files in, a file or rows out.

A pass is plain SQL that DuckDB and Spark both read. Data enters as Parquet files alone, since
what is typed in memory means something else to each engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Inputs = Mapping[str, Sequence[Path]]  # The name of a table in the SQL -> its Parquet files.

MASTER = "local[*]"  # Of Spark, when nobody names one: all of this machine.


class Bounds(NamedTuple):
    """What an engine may use of this machine."""

    memory: str = "2GB"
    threads: int = 0  # 0 = as many as there are cores.
    spill: Path | None = None  # Where what does not fit goes; None = nowhere.


class Engine(Protocol):
    """Answers SQL."""

    def write(self, sql: str, inputs: Inputs, target: Path) -> None:
        """The rows of the answer as one Parquet file."""

    def rows(self, sql: str, inputs: Inputs) -> Iterator[tuple[Any, ...]]:
        """The rows of the answer, a batch at a time."""

    def close(self) -> None: ...
