"""Spark answers SQL, on this machine or on many: the same passes as DuckDB, over the same files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bucketline.errors import DiskError, UsageError
from bucketline.flow.query.base import Bounds, Inputs
from bucketline.flow.query.session import failures, first_line, session

_GLOB = re.compile(r"([\[\]{}*?\\])")


class Spark:
    """One session; the process keeps it, since to start another one takes seconds.

    Its files are read and written by the executors: on many machines the folder must be one
    that all of them see.
    """

    def __init__(self, master: str, bounds: Bounds) -> None:
        self._session = session(master, memory=bounds.memory, threads=bounds.threads)
        self._views: dict[str, object] = {}  # By name: the files that it shows, as they were.
        self._failures = failures()

    def write(self, sql: str, inputs: Inputs, target: Path) -> None:
        """One task writes, after all others have done their work: the answer is one file."""
        scratch = target.with_name(f"{target.name.lstrip('.')}.spark")
        shutil.rmtree(scratch, ignore_errors=True)  # Of one that was killed.
        try:
            with _Said(self._failures):
                answer = self._asked(sql, inputs).repartition(1)
                answer.write.mode("overwrite").parquet(_uri(scratch))
            (written,) = scratch.glob("part-*.parquet")
            written.replace(target)
        except ValueError:
            raise DiskError(
                f"{scratch}: what Spark wrote is not here; its executors must see this folder"
            ) from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def rows(self, sql: str, inputs: Inputs) -> Iterator[tuple[Any, ...]]:
        with _Said(self._failures):
            for row in self._asked(sql, inputs).toLocalIterator():
                yield tuple(row)

    def close(self) -> None:
        for name in self._views:
            self._session.catalog.dropTempView(name)
        self._views.clear()

    def _asked(self, sql: str, inputs: Inputs) -> Any:
        for name, files in inputs.items():
            shown = [(path, _state(path)) for path in files]
            if self._views.get(name) != shown:  # To look at a file is a job of its own.
                found = self._session.read.parquet(*map(_uri, files))
                found.createOrReplaceTempView(name)
                self._views[name] = shown
        return self._session.sql(sql)


class _Said:
    """Turns what Spark raises into one line."""

    def __init__(self, failures: tuple[type[Exception], ...]) -> None:
        self._failures = failures

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if not isinstance(error, self._failures):
            return
        text = str(error)
        said = next((line for line in text.split("\n") if "Exception" in line), first_line(error))
        if "OutOfMemory" in text:
            raise UsageError(f"Spark's memory is too small; raise it with --memory ({said[:200]})")
        if "FileNotFound" in text or "PATH_NOT_FOUND" in text:
            raise DiskError(
                f"Spark's executors do not find a file ({said[:200]}); they must see this folder"
            )
        raise DiskError(f"Spark cannot answer: {said[:300]}")


def _state(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _uri(path: Path) -> str:
    """On the disk, whatever file system Spark uses by default; a name is no pattern."""
    return "file://" + _GLOB.sub(r"\\\1", str(path.absolute()))
