"""`bucketline ring report`: what was found, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation
from bucketline.cli.ring.phases import options, site_of
from bucketline.durable import whole_file
from bucketline.engines.ring.report import page
from bucketline.errors import printable


@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the page goes.",
)
@options
def report(invocation: Invocation, /, name: str, *, output: Path, **said: Any) -> int:
    """One file without scripts. The rows themselves are Parquet, in the folder of the run."""
    with site_of(invocation, name, said, is_first=False) as found:
        text = page(found)
        folder = str(found.folder)
    with whole_file(output) as file:
        file.write(text.encode())
    if invocation.as_json:
        invocation.printer.record({"page": str(output), "datasets": folder})
    else:
        invocation.printer.result(printable(f"{output}: the page; the rows are in {folder}"))
    return 0
