"""`bucketline runs report`: a run as one page, or as one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.durable import whole_file
from bucketline.errors import UsageError
from bucketline.flow.report.page import Told
from bucketline.flow.report.runs import find_run


@click.command
@click.argument("run", default="last")
@click.option("-o", "--output", metavar="FILE", required=True, help="FILE.html or FILE.json.")
@common
@pass_invocation
def report(invocation: Invocation, run: str, *, output: str) -> None:
    """Counters, causes with advice, what failed or waits, endpoints; to be sent or kept.

    RUN is an id, the beginning of one, or `last`.
    """
    file = Path(output)
    if file.suffix not in {".html", ".json"}:
        raise UsageError(f"{output}: say .html for a page or .json for a program")
    told = Told.of(find_run(invocation.state_folder, run))
    record = told.as_record()
    text = told.as_page() if file.suffix == ".html" else json.dumps(record, indent=2) + "\n"
    with whole_file(file) as out:
        out.write(invocation.printer.masked(text).encode())
    if invocation.as_json:
        invocation.printer.record({"event": "report", "run": record["run"], "file": output})
    else:
        invocation.printer.result(f"{output}: {record['run']}, {record['state']}")
