"""`bucketline runs`: what was done, as the ledgers tell it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.printer import as_json
from bucketline.durable import whole_file
from bucketline.errors import LedgerError, printable
from bucketline.flow.report.endpoints import as_records, endpoints_of
from bucketline.flow.report.export import json_lines, parquet
from bucketline.flow.report.notes import notes_of
from bucketline.flow.report.objects import Which, all_objects, failures
from bucketline.flow.report.runs import RunRow, find_run, prune, runs, troubles, unreadable
from bucketline.model import Fate
from bucketline.sizes import show_seconds, show_size
from bucketline.stores.beyond import EndpointCount

_FATES = ("done", "failed", "waiting", "skipped", "started")


@click.command
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the newest ones.")
@common
@pass_invocation
def list_runs(invocation: Invocation, *, limit: int | None) -> None:
    """Of every job; STATE is running, complete, failed, waiting, interrupted or crashed."""
    every = runs(invocation.state_folder)
    rows = [row for row in every if row.run][:limit] + unreadable(every)
    if invocation.as_json:
        invocation.printer.results(as_json(row.as_json()) for row in rows)
        return
    if not rows:
        invocation.printer.notice(f"{invocation.state_folder}: there are no runs yet")
        return
    head = f"{'RUN':23} {'STATE':11} {'STARTED (UTC)':16} {'LISTED':>9} {'SKIPPED':>9} {'DONE':>9} "
    head += f"{'FAILED':>7} {'WAITING':>7} {'BYTES':>10}  WHAT"
    invocation.printer.results([head, *map(_line, rows)])


@click.command
@click.argument("run", default="last")
@click.option("--fate", type=click.Choice(_FATES), help="Also the objects that stand there.")
@common
@pass_invocation
def show(invocation: Invocation, run: str, *, fate: str | None) -> None:
    """RUN is an id, the beginning of one, or `last`."""
    row = find_run(invocation.state_folder, run)
    printer = invocation.printer
    notes, counts = notes_of(row), endpoints_of(row)
    if invocation.as_json:
        printer.record({**row.as_json(), "notes": notes, "endpoints": as_records(counts)})
    else:
        printer.results(_facts(row))
        printer.results(_endpoint(*count) for count in counts)
        what = "object " if row.command == "thaw" else "copied "
        printer.results(f"{what}  {count:,} {note}" for note, count in notes.items())
    if fate:
        some = all_objects(row, Which(Fate(fate)))
        form = (lambda one: as_json(asdict(one))) if invocation.as_json else _object
        printer.results(map(form, some))


@click.command
@click.argument("run", default="last")
@click.option("-o", "--output", metavar="FILE", help="Write a failure file for `sync --only`.")
@common
@pass_invocation
def errors(invocation: Invocation, run: str, *, output: str | None) -> None:
    """By cause, then each key; with --json, what `sync --only` takes."""
    row = find_run(invocation.state_folder, run)
    printer = invocation.printer
    if output:
        count = _write(Path(output), failures(row))
        if invocation.as_json:
            printer.record({"event": "export", "keys": count, "file": output})
            return
        printer.result(f"{output}: {count:,} keys; `bucketline sync … --only {output}` takes it")
    elif invocation.as_json:
        printer.results(failures(row))
    else:
        printer.results(_troubles(row))


@click.command
@click.argument("run", default="last")
@click.option("-o", "--output", metavar="FILE", help="Instead of stdout; .parquet is Parquet.")
@common
@pass_invocation
def export(invocation: Invocation, run: str, *, output: str | None) -> None:
    """A header, a line for each object, and a footer without which the file is not whole."""
    row = find_run(invocation.state_folder, run)
    if output is None:
        invocation.printer.results(json_lines(row))
    elif output.endswith(".parquet"):
        count = parquet(row, Path(output))
        invocation.printer.result(f"{output}: {count:,} objects")
    else:
        count = _write(Path(output), json_lines(row)) - 2
        invocation.printer.result(f"{output}: {count:,} objects")


@click.command("prune")
@click.option(
    "--keep", type=click.IntRange(0), required=True, metavar="N", help="So many runs of each job."
)
@common
@pass_invocation
def prune_runs(invocation: Invocation, *, keep: int) -> int:
    """The last proven copies stay known: the next sync does not move anything again."""
    count, busy, unreadable = prune(invocation.state_folder, keep)
    for path in busy:
        invocation.printer.notice(f"{path}: this job is running; left alone")
    for error in unreadable:
        invocation.printer.error(str(error))
    if invocation.as_json:
        told = {"forgotten": count, "running": [str(path) for path in busy]}
        invocation.printer.record({**told, "unreadable": [str(error) for error in unreadable]})
    else:
        invocation.printer.result(f"{count:,} runs forgotten")
    return LedgerError.exit_code if unreadable else 0


def _line(row: RunRow) -> str:
    if row.state == "unreadable":
        return f"{'':23} {row.state:11} {row.message}"
    tally = row.tally
    what = f"{row.command} {printable(row.source)} {printable(row.target)}"
    name = f" ({printable(row.name)})" if row.name else ""
    return (
        f"{row.run:23} {row.state:11} {_when(row.started)} {row.listed:>9,} {tally.skipped:>9,} "
        f"{tally.done:>9,} {tally.failed:>7,} {tally.waiting:>7,} "
        f"{show_size(tally.bytes_done):>10}  {what}{name}"
    )


def _facts(row: RunRow) -> Iterator[str]:
    tally = row.tally
    yield f"run      {row.run}"
    yield f"command  {row.command} {printable(row.source)} {printable(row.target)}"
    if row.name:
        yield f"name     {printable(row.name)}"
    yield f"state    {row.state}{f': {row.message}' if row.message else ''}"
    took = f", took {show_seconds(row.ended - row.started)}" if row.ended else ""
    yield f"started  {_when(row.started)} UTC{took}"
    yield f"by       {row.user} on {row.host}, bucketline {row.version}"
    sums = " + ".join(
        f"{name} {getattr(tally, name):,}" for name in ("skipped", "done", "failed", "waiting")
    )
    doubt = f" (and {row.in_doubt:,} without a fate: the next run looks)" if row.in_doubt else ""
    yield f"objects  listed {row.listed:,} = {sums}{doubt}"
    yield f"bytes    {show_size(tally.bytes_done)}"
    yield f"with     {_words(row.configuration)}"
    yield f"ledger   {row.path}"


def _endpoint(side: str, count: EndpointCount) -> str:
    parts = [
        f"{count.requests:,} requests",
        f"read {show_size(count.bytes_read)}",
        f"written {show_size(count.bytes_written)}",
        *([f"{count.faults:,} faults"] if count.faults else []),
        *([f"down {_times(count.times_opened)}"] if count.times_opened else []),
        *([f"{show_seconds(count.seconds_open)} in all"] if count.times_opened else []),
    ]
    return f"{side:8} {printable(count.endpoint)}: {' · '.join(parts)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _words(configuration: str) -> str:
    """What was asked for, without what was not; where, is in the command."""
    words = json.loads(configuration)
    words.pop("places", None)
    said = {name: value for name, value in words.items() if value not in (None, [], {}, False)}
    return " · ".join(f"{name} {_word(value)}" for name, value in said.items())


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_word(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " ".join(f"{kind} {glob!r}" for kind, glob in value)
    return "yes" if value is True else printable(str(value))


def _troubles(row: RunRow) -> Iterator[str]:
    found = troubles(row)
    if row.message:
        yield f"run {row.run} {row.state}: {row.message}"
    elif not found:
        yield f"run {row.run}: nothing failed"
    for trouble in found:
        yield f"{trouble.count:,} {trouble.fate}: {trouble.cause}: {trouble.remedy}"
    for one in all_objects(row, Which(Fate.FAILED), Which(Fate.WAITING)):
        yield f"  {printable(one.key)}: {one.message}"


def _object(one: object) -> str:
    fields = {name: getattr(one, name) for name in ("fate", "verb", "size", "proof", "cause")}
    words = " ".join(str(value) for value in fields.values() if value != "")
    return f"  {printable(getattr(one, 'key', ''))}: {words}"


def _write(path: Path, lines: Iterator[str]) -> int:
    """How many lines there are now; the file is there only when it is whole."""
    count = 0
    with whole_file(path) as file:
        for line in lines:
            file.write(f"{line}\n".encode())
            count += 1
    return count


def _when(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
