"""`--engine` and `--master` of commands that ask large tables: who answers SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from bucketline.errors import UsageError
from bucketline.flow.query.base import MASTER, Bounds, Engine
from bucketline.flow.query.duck import Duck


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds both."""
    master = click.option(
        "--master", metavar="URL", help="Of Spark: local[N] or spark://host:7077 (local[*])."
    )
    engine = click.option(
        "--engine",
        type=click.Choice(["duckdb", "spark"]),
        default="duckdb",
        show_default=True,
        help="Who answers SQL.",
    )
    return engine(master(command))


def engine_of(name: str, master: str | None, bounds: Bounds) -> Engine:
    """To be closed."""
    if name == "spark":
        from bucketline.flow.query.spark import Spark

        return Spark(master or MASTER, bounds)
    if master is not None:
        raise UsageError("--master goes with --engine spark; say both or neither")
    return Duck(bounds)
