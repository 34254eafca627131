"""The last run of each job as numbers for Prometheus, under the names of the text file."""

from __future__ import annotations

from collections.abc import Iterable

from bucketline.flow.metrics.sample import Sample
from bucketline.flow.metrics.textfile import lines
from bucketline.flow.report.runs import RunRow

_SECONDS = "bucketline_run_seconds{"


def exposed(rows: Iterable[RunRow], now: float) -> str:
    """Families are not split: all lines of a name stand together, below their help."""
    last: dict[object, RunRow] = {}
    success: dict[object, float] = {}
    for row in rows:  # The newest first.
        if row.run:
            last.setdefault(row.path, row)
        if row.state == "complete" and row.ended:
            success.setdefault(row.path, row.ended)
    families: dict[str, list[str]] = {}
    for path, row in last.items():
        for line in lines(_sample(row, now), now, success.get(path, 0.0)):
            if row.state == "crashed" and line.startswith(_SECONDS):
                continue  # Nobody knows when it died.
            name = line.split(" ")[2] if line.startswith("#") else line.partition("{")[0]
            family = families.setdefault(name, [])
            if line not in family:
                family.append(line)
    return "".join(f"{line}\n" for family in families.values() for line in family)


def _sample(row: RunRow, now: float) -> Sample:
    labels = {"name": row.name, "source": row.source, "target": row.target}
    seconds = (row.ended or now) - row.started
    found = max(row.found or 0, row.tally.listed)
    return Sample(row.command, row.state, row.tally, found=found, seconds=seconds, labels=labels)
