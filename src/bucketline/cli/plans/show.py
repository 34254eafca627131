"""`bucketline plan show`: what a plan file says, and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.planned import line_of, record_of, said_of_totals
from bucketline.errors import printable
from bucketline.flow.plans import SavedPlan


@click.command
@click.argument("file")
@click.option("--all", "every", is_flag=True, help="Print every action first.")
@common
@pass_invocation
def show(invocation: Invocation, /, file: str, *, every: bool) -> int:
    """Verifies the file on the way: a damaged one ends with 7."""
    saved = SavedPlan.open(Path(file))
    form = record_of if invocation.as_json else line_of
    if every:
        invocation.printer.results(form(action) for action in saved.actions())
    if invocation.as_json:
        invocation.printer.record(_record(saved))
    else:
        invocation.printer.results(_lines(saved))
    return 0


def _record(saved: SavedPlan) -> dict[str, Any]:
    head, totals = asdict(saved.head), asdict(saved.totals)
    head["source"], head["target"] = head["source"]["identity"], head["target"]["identity"]
    counts = {name: totals.pop(name) for name in ("source", "target")}
    return {
        "event": "plan",
        "file": str(saved.path),
        **head,
        **totals,
        "source_objects": counts["source"],
        "target_objects": counts["target"],
        "sha256": saved.sha256,
    }


def _lines(saved: SavedPlan) -> list[str]:
    head, totals = saved.head, saved.totals
    words = {name: word for name, word in head.policy.items() if word not in (None, [], {}, False)}
    policy = " · ".join(f"{name} {word}" for name, word in words.items())
    return [
        f"plan     {datetime.fromtimestamp(head.made, UTC):%Y-%m-%d %H:%M:%S} UTC, {head.program}",
        f"source   {printable(head.source['text'])}",
        f"target   {printable(head.target['text'])}",
        f"does     {said_of_totals(totals)}",
        f"compare  {head.compare}",
        f"asked    {printable(policy)}",
        f"sha256   {saved.sha256}",
        *([f"rest of  {head.rest_of}"] if head.rest_of else []),
        *([f"refused  {totals.refusal}"] if totals.refusal else []),
    ]
