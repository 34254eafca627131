"""`bucketline check`: compare two places and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, choosing, rules_in_order, side_of, two_places
from bucketline.cli.places import hash_memory, open_sides
from bucketline.cli.sanity import check_source
from bucketline.cli.wiring import ledger_path, look_of, lookup
from bucketline.engines.check import Check
from bucketline.errors import printable
from bucketline.flow.compare.lines import Line, Summary, reported
from bucketline.flow.drive import open_drive


@click.command(cls=Ordered)
@click.argument("source")
@click.argument("target")
@choosing
@click.option("--all", "every", is_flag=True, help="Also print what is equal.")
@click.option("--report", metavar="FILE", help="Write the lines to FILE as JSON lines.")
@click.option(
    "--name", default="", metavar="NAME", help="The sync job whose ledger may settle doubts."
)
@two_places
@common
@pass_invocation
def check(invocation: Invocation, /, source: str, target: str, **said: Any) -> int:
    """A line each: + only at SOURCE, - only at TARGET, * different, ! could not be compared.

    = is equal (with --all). Exit code 3: there are differences.
    """
    both = side_of(said)
    here = invocation.location(source, side_of(said, "source_"), both)
    there = invocation.location(target, side_of(said, "target_"), both)
    check_source(here)
    check_source(there)
    look = look_of(said["compare"] or "auto", rules_in_order(said), said["only"])
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        known = lookup(ledger_path(invocation, here, there, said["name"]))
        engine = Check(*open_sides(here, there, hashes), look, drive, known)
        lines = engine.lines(every=said["every"])
        if said["report"]:
            lines = reported(lines, Path(said["report"]))
        invocation.printer.results(_formed(lines, invocation))
    for note in engine.notes:
        invocation.printer.notice(note)
    _tell(invocation, engine)
    return engine.summary.exit_code


def _formed(lines: Iterator[Line], invocation: Invocation) -> Iterator[str]:
    for line in lines:
        if invocation.as_json:
            yield line.as_json()
        else:
            reason = f"  ({line.reason})" if line.reason else ""
            yield f"{line.symbol.value} {printable(line.key)}{reason}"


def _tell(invocation: Invocation, engine: Check) -> None:
    found: Summary = engine.summary
    counts = {name: getattr(found, name) for name in Summary.__dataclass_fields__}
    if invocation.as_json:
        invocation.printer.record({"event": "summary", **counts, "compare": engine.compare_said})
        return
    said = " · ".join(f"{name.replace('_', ' at ')} {count:,}" for name, count in counts.items())
    is_same = not any(count for name, count in counts.items() if name != "equal")
    verdict = "the same" if is_same else "different"
    invocation.printer.notice(f"{verdict}: {said} · compare: {engine.compare_said}")
