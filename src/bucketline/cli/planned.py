"""A plan, printed: what a dry run shows, and what is told of a plan file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from bucketline.cli.invocation import Invocation
from bucketline.cli.printer import as_json
from bucketline.engines.apply import Apply, Standing
from bucketline.errors import Refused, printable
from bucketline.flow.plans import Totals
from bucketline.model import Action, Copy, Mark, Skip, Update
from bucketline.sizes import show_size


class Rehearsing(Protocol):
    """An engine whose plan can be looked at alone."""

    @property
    def compare_said(self) -> str: ...
    @property
    def notes(self) -> list[str]: ...
    def rehearse(self) -> Iterator[Action | Skip]: ...


def print_plan(invocation: Invocation, engine: Rehearsing) -> None:
    """Each step on a line, in the order of the run, and what they come to."""
    printer, totals = invocation.printer, Totals()
    form = record_of if invocation.as_json else line_of
    printer.results(form(step) for step in _counted(engine, totals) if not isinstance(step, Skip))
    for note in engine.notes:
        printer.notice(note)
    tell_totals(invocation, totals, engine.compare_said)
    if totals.refusal:
        raise Refused(totals.refusal)


def print_rest(invocation: Invocation, engine: Apply) -> None:
    """What is left to do of a saved plan, and what no longer fits."""
    totals = Totals()
    invocation.printer.results(_rest(engine, totals, as_json=invocation.as_json))
    tell_totals(invocation, totals, engine.compare_said, stale=engine.stale)
    engine.check()


def tell_totals(
    invocation: Invocation,
    totals: Totals,
    compare: str,
    *,
    stale: int = 0,
    file: Path | None = None,
) -> None:
    """What a plan comes to; nothing was changed, but that `file` was written."""
    copies = totals.copies - totals.unholdable
    if invocation.as_json:
        fields = {"copies": copies, "bytes": totals.bytes, "deletes": totals.deletes}
        fields |= {
            "updates": totals.updates,
            "marks": totals.marks,
            "skipped": totals.skipped,
            "refused": totals.unholdable,
        }
        more: dict[str, Any] = {"stale": stale} if stale else {}
        more |= {"file": str(file)} if file else {}
        invocation.printer.record({"event": "plan", **fields, "compare": compare, **more})
        return
    stale_too = f", stale {stale:,}" if stale else ""
    ends = f"saved in {file}" if file else "nothing was changed"
    said = said_of_totals(totals)
    invocation.printer.result(f"would {said}{stale_too} · compare: {compare} · {ends}")


def said_of_totals(totals: Totals) -> str:
    """Copy 3 (11 B), delete 1, skip 4"""
    fail = f", fail {totals.unholdable:,}" if totals.unholdable else ""
    mark = f", tag {totals.marks:,}" if totals.marks else ""
    update = f", update {totals.updates:,}" if totals.updates else ""
    return (
        f"copy {totals.copies - totals.unholdable:,} ({show_size(totals.bytes)}),"
        f" delete {totals.deletes:,}{update}{mark}, skip {totals.skipped:,}{fail}"
    )


def line_of(step: Action) -> str:
    """A step for people."""
    if isinstance(step, Mark):
        return f"{'tag' if step.is_deleted else 'untag'} {printable(step.key)}"
    if isinstance(step, Update):
        return f"update {printable(step.key)} ({step.reason})"
    if not isinstance(step, Copy):
        return f"{step.verb.value} {printable(step.key)} ({show_size(step.intent.size)})"
    if step.refused:
        return f"fail {printable(step.source.key)} ({step.refused})"
    renamed = "" if step.source.key == step.target_key else f" from {printable(step.source.key)}"
    key = printable(step.target_key)
    return f"copy {key}{renamed} ({step.reason}, {show_size(step.source.size)})"


def record_of(step: Action) -> str:
    """A step for machines."""
    return as_json(_fields(step))


def _fields(step: Action) -> dict[str, Any]:
    fields: dict[str, Any] = {"event": "planned", "verb": step.verb.value, "key": step.key}
    if isinstance(step, Update):
        return {**fields, "source": step.source.key, "bytes": 0, "reason": step.reason}
    if isinstance(step, Mark):
        fields |= {"reason": step.intent.reason}
    if not isinstance(step, Copy):
        return {**fields, "bytes": step.intent.size}
    source = {"source": step.source.key, "bytes": step.source.size, "reason": step.reason}
    return {**fields, **source, **({"message": step.refused} if step.refused else {})}


def _counted(engine: Rehearsing, totals: Totals) -> Iterator[Action | Skip]:
    try:
        for step in engine.rehearse():
            if isinstance(step, Skip):
                totals.skipped += step.count
            else:
                totals.add(step)
            yield step
    except Refused as error:  # What is refused can be looked at all the same.
        totals.refusal = str(error)


def _rest(engine: Apply, totals: Totals, *, as_json: bool) -> Iterator[str]:
    form = record_of if as_json else line_of
    for action, seen in engine.looked():
        if seen.standing is Standing.DONE:
            totals.skipped += 1
        elif seen.standing is Standing.FITS:
            totals.add(action)
            yield form(action)
        else:
            yield _stale(action, seen.why, as_json=as_json)


def _stale(action: Action, why: str, *, as_json: bool) -> str:
    if as_json:
        return _as_json({**_fields(action), "event": "stale", "message": why})
    return f"stale {printable(action.key)} ({why})"


_as_json = as_json
