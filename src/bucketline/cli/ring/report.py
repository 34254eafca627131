"""`bucketline ring report`: what was found, as a page."""

from __future__ import annotations

import csv
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation
from bucketline.cli.ring.phases import options, site_of
from bucketline.durable import whole_file
from bucketline.engines.ring.report import every_finding, page
from bucketline.errors import printable


@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where it goes: .html a page, .csv every finding.",
)
@options
def report(invocation: Invocation, /, name: str, *, output: Path, **said: Any) -> int:
    """A page without scripts, or all findings as CSV. The rows of all phases are Parquet, in the
    folder of the run.
    """
    is_csv = output.suffix.lower() == ".csv"
    with site_of(invocation, name, said, is_first=False) as found, whole_file(output) as file:
        folder = str(found.folder)
        if is_csv:
            text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            csv.writer(text).writerows(every_finding(found))
            text.detach()
        else:
            file.write(page(found).encode())
    what = "rows" if is_csv else "page"
    if invocation.as_json:
        invocation.printer.record({what: str(output), "datasets": folder})
    else:
        said_of = "every finding" if is_csv else "the page"
        invocation.printer.result(
            printable(f"{output}: {said_of}; the rows of all phases are in {folder}")
        )
    return 0
