"""`bucketline runs log`: any run's log in the old tools' shape, at any time."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import one_place, side_of
from bucketline.cli.places import open_shelf
from bucketline.clock import SystemClock
from bucketline.durable import whole_file
from bucketline.errors import printable
from bucketline.flow.drive import blocking
from bucketline.flow.report.log import OBJECTS, Moment, document
from bucketline.flow.report.log_file import written
from bucketline.flow.report.runs import RunRow, find_run
from bucketline.settings import Side

_OF_A_STORE = re.compile(r"s3://|[A-Za-z0-9][A-Za-z0-9_.-]*:", re.IGNORECASE)


class Many(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """A number, or `all`: None."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value == "all" or isinstance(value, int):
            return None if value == "all" else value
        if not str(value).isdigit():
            self.fail(f"{value!r} is neither a number nor `all`", param, ctx)
        return int(value)


@click.command
@click.argument("run", default="last")
@click.option("-o", "--output", metavar="FILE|LOCATION", help="Instead of stdout.")
@click.option(
    "--objects", type=Many(), default=OBJECTS, metavar="N|all", help="Name so many (100000)."
)
@one_place
@common
@pass_invocation
def log(invocation: Invocation, /, run: str, *, output: str | None, **said: Any) -> None:
    """A LOCATION (a bucket, or a folder that exists) gets dt_data_EPOCH.json, a FILE is the log."""
    row = find_run(invocation.state_folder, run)
    moment = Moment(SystemClock().now())
    pieces = map(invocation.printer.masked, document(row, moment, said["objects"]))
    if output is None:
        invocation.printer.results(_lines(pieces))
    elif _OF_A_STORE.match(output) or output.endswith("/") or Path(output).is_dir():
        invocation.printer.result(_put(invocation, row, output, pieces, side_of(said)))
    else:
        _write(Path(output), pieces)
        invocation.printer.result(f"{output}: the log of run {row.run}")


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    """Whole lines, however the pieces fall."""
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        yield from whole
    if rest:
        yield rest


def _put(invocation: Invocation, row: RunRow, text: str, pieces: Iterator[str], side: Side) -> str:
    location = invocation.location(text, side)
    shelf = open_shelf(location)
    with written(pieces) as file:
        key = blocking(shelf.put(row.run, int(row.started), file))
    return f"{shelf.store.name}{printable(key)}: the log of run {row.run}"


def _write(path: Path, pieces: Iterator[str]) -> None:
    """The file is there only when it is whole."""
    with written(pieces) as file, whole_file(path) as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy)
