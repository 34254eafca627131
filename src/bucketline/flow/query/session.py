"""Starts Spark, once a process, after a look at what it needs: each lack is one clear line."""

from __future__ import annotations

import importlib
import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from bucketline.errors import Unreachable, UsageError
from bucketline.settings import environment
from bucketline.sizes import parse_size

_CONNECT_SECONDS = 5.0
_MASTER = re.compile(r"local(\[(\d+|\*)(,\d+)?\])?|spark://\S+|yarn|k8s://\S+")
_STANDALONE = re.compile(r"(\[[^\]]+\]|[^:,/]+):(\d+)")
_RAISED = re.compile(r"[A-Za-z_][\w.]*(Error|Exception): ")
# What we rely on. A task is not begun a second time while the first one still goes on.
_SETTINGS = {
    "spark.app.name": "bucketline",
    "spark.speculation": "false",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
}
_ALONE = {  # On this machine alone: nobody else may reach it.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
}


def is_alone(master: str) -> bool:
    """Whether all of Spark is on this machine, in one process."""
    return master.startswith("local")


def session(master: str, *, memory: str = "", threads: int = 0) -> Any:
    """A Spark session, the one there is if any; raises `UsageError` or `Unreachable`."""
    check_master(master)
    pyspark = spark_module("pyspark.sql")
    if pyspark.SparkSession.getActiveSession() is None:
        _need_java()
        _need_somebody(master)
    builder = pyspark.SparkSession.builder.master(master)
    for name, value in _settings(master, memory, threads).items():
        builder = builder.config(name, value)
    try:
        found = builder.getOrCreate()
    except failures() as error:
        raise UsageError(
            f"Spark does not start at {master} ({first_line(error)}); it needs Java 17 or newer,"
            " and a master of its own version"
        ) from None
    # A setting of that name is heard by Spark's own scripts alone.
    found.sparkContext.pythonExec = environment().first("PYSPARK_PYTHON") or sys.executable
    return found


def check_master(master: str) -> None:
    if not _MASTER.fullmatch(master):
        raise UsageError(
            f"{master!r} is no Spark master; say local[2], spark://host:7077, yarn or k8s://…"
        )


def spark_module(name: str) -> Any:
    """Loaded when it is needed: few have it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError("pyspark is missing; install bucketline[spark]") from None


def failures() -> tuple[type[Exception], ...]:
    """What Spark raises, here or in Java."""
    spark_fails: type[Exception] = spark_module("pyspark.errors").PySparkException
    java_fails: type[Exception] = spark_module("py4j.protocol").Py4JError
    return spark_fails, java_fails


def first_line(error: Exception) -> str:
    """What happened, without the stack of another language."""
    lines = str(error).strip().split("\n")
    told = [line for line in lines if _RAISED.match(line)]  # In an executor's Python.
    return (told or lines)[0][:300]


def _settings(master: str, memory: str, threads: int) -> dict[str, str]:
    settings = dict(_SETTINGS)
    settings["spark.sql.shuffle.partitions"] = str(2 * threads or 32)
    if is_alone(master):
        settings |= _ALONE
        # Views alone are made: nothing of it is kept, wherever the command was called.
        settings["spark.sql.warehouse.dir"] = str(Path(tempfile.gettempdir(), "spark-warehouse"))
    if memory:
        settings["spark.driver.memory"] = f"{max(512, parse_size(memory) >> 20)}m"
    return settings


def _need_java() -> None:
    home = environment().first("JAVA_HOME")
    if not shutil.which(str(Path(home, "bin", "java")) if home else "java"):
        where = f"JAVA_HOME={home} holds none" if home else "it is not on the PATH"
        raise UsageError(f"Java is missing ({where}); Spark needs 17 or newer: install a JRE")


def _need_somebody(master: str) -> None:
    """Spark itself would try for a minute, and then speak of something else."""
    places = _STANDALONE.findall(master.removeprefix("spark://"))
    if not master.startswith("spark://"):
        return
    for host, port in places:
        try:
            address = (host.strip("[]"), int(port))
            socket.create_connection(address, _CONNECT_SECONDS).close()
        except (OSError, OverflowError):
            continue
        return
    raise Unreachable(f"{master}: no Spark master answers there; check --master, or start it")
