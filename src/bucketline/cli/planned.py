"""The plan, printed: what a dry run shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bucketline.cli.invocation import Invocation
from bucketline.cli.printer import as_json
from bucketline.engines.transfer import Transfer
from bucketline.errors import Refused, printable
from bucketline.model import Action, Copy, Skip
from bucketline.sizes import show_size


@dataclass
class Sums:
    """What the plan comes to."""

    copies: int = 0
    copy_bytes: int = 0
    deletes: int = 0
    skipped: int = 0
    unholdable: int = 0
    refusal: Refused | None = None

    def add(self, step: Action | Skip) -> None:
        if isinstance(step, Skip):
            self.skipped += step.count
        elif isinstance(step, Copy) and step.refused:
            self.unholdable += 1
        elif isinstance(step, Copy):
            self.copies += 1
            self.copy_bytes += step.source.size
        else:
            self.deletes += 1


def print_plan(invocation: Invocation, engine: Transfer) -> None:
    """Each step on a line, in the order of the run, and what they come to."""
    printer, sums = invocation.printer, Sums()
    form = _record if invocation.as_json else _line
    printer.results(form(step) for step in _counted(engine, sums) if not isinstance(step, Skip))
    for note in engine.notes:
        printer.notice(note)
    if invocation.as_json:
        fields = {"copies": sums.copies, "bytes": sums.copy_bytes, "deletes": sums.deletes}
        fields |= {"skipped": sums.skipped, "refused": sums.unholdable}
        printer.record({"event": "plan", **fields, "compare": engine.compare_said})
    else:
        fail = f", fail {sums.unholdable:,}" if sums.unholdable else ""
        printer.result(
            f"would copy {sums.copies:,} ({show_size(sums.copy_bytes)}), delete {sums.deletes:,},"
            f" skip {sums.skipped:,}{fail} · compare: {engine.compare_said} · nothing was changed"
        )
    if sums.refusal is not None:
        raise sums.refusal


def _counted(engine: Transfer, sums: Sums) -> Iterator[Action | Skip]:
    try:
        for step in engine.rehearse():
            sums.add(step)
            yield step
    except Refused as error:  # What is refused can be looked at all the same.
        sums.refusal = error


def _line(step: Action) -> str:
    if isinstance(step, Copy) and step.refused:
        return f"fail {printable(step.source.key)} ({step.refused})"
    if isinstance(step, Copy):
        renamed = (
            "" if step.source.key == step.target_key else f" from {printable(step.source.key)}"
        )
        key = printable(step.target_key)
        return f"copy {key}{renamed} ({step.reason}, {show_size(step.source.size)})"
    return f"delete {printable(step.key)} ({show_size(step.target.size)})"


def _record(step: Action) -> str:
    if isinstance(step, Copy):
        source = {"source": step.source.key, "bytes": step.source.size, "reason": step.reason}
        source |= {"message": step.refused} if step.refused else {}
        return as_json({"event": "planned", "verb": "copy", "key": step.target_key, **source})
    return as_json(
        {"event": "planned", "verb": "delete", "key": step.key, "bytes": step.target.size}
    )
