"""What the runs have found, as one page for a person who decides about deletion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from bucketline.engines.ring import passes
from bucketline.engines.ring.capacity import Held, held
from bucketline.engines.ring.findings import PHASES, counts
from bucketline.engines.ring.site import Site, runs
from bucketline.flow.query.datasets import require_whole
from bucketline.flow.report.html import document, shown, table
from bucketline.sizes import show_size

MEANING = {
    "MISSING": "lost: a reference without data",
    "UNREADABLE": "lost: too few chunks to read it",
    "SPLIT_PARTIAL": "damaged: a piece is missing",
    "UNDER_PROTECTED": "readable, with too few copies or chunks",
    "DUP_REF": "two objects share data: deleting one damages the other",
    "SIZE_MISMATCH": "its pieces do not make its size",
    "EMPTY_MD": "metadata that says nothing",
    "NO_LOCATION": "metadata that does not say where the data is",
    "UNRESOLVED": "nobody could tell: nothing may be deleted",
    "ORPHAN": "data that nothing refers to",
    "ORPHAN_CHILD": "a piece of a split object that nothing refers to",
    "ABANDONED_MPU_PART": "a part whose upload is gone",
    "TOO_NEW": "too new to be judged",
    "FOREIGN": "not ours: never deleted",
}
_ROWS = 30


class Bar(NamedTuple):
    """One line of a plot."""

    label: str
    amount: int
    said: str


def page(site: Site) -> str:
    """The last run, and how many orphans each run found; no script, nothing from elsewhere."""
    found = dict(counts(site))
    begun = f"{datetime.fromtimestamp(site.begun, UTC):%Y-%m-%d %H:%M}Z"
    partial = "; ".join(require_whole(site.dataset(phase) for phase in PHASES))
    warning = f"This run covers a part alone, so nothing may be deleted by it: {partial}"
    rows = list(held(site)) if site.dataset("capacity").is_sealed else []
    parts = [
        f'<p class="warn">{shown(warning)}</p>' if partial else "",
        "<h2>Findings</h2>",
        table(("class", "count", "meaning"), _classes(found)),
        "<h2>Orphans, run by run</h2>",
        _plot(orphans_by_run(site)),
        *(_capacity(column, rows) for column in ("bucket", "age", "protection") if rows),
        "" if rows else "<p>Capacity: run <code>bucketline ring capacity</code> first.</p>",
    ]
    return document(f"Ring {site.ring.name}, run of {begun}", parts)


def every_finding(site: Site) -> Iterator[Sequence[object]]:
    """Every finding, under the names of its columns; in the same order each time."""
    yield passes.FINDING
    yield from site.engine.rows(passes.FINDINGS, site.files("orphans", "missing"))


def _classes(found: dict[str, int]) -> Iterator[tuple[str, int, str]]:
    known = [name for name in MEANING if name in found]
    for name in [*known, *sorted(found.keys() - MEANING.keys())]:
        yield name, found[name], MEANING.get(name, "")


def orphans_by_run(site: Site) -> Iterator[Bar]:
    for folder in runs(site.ring):
        one = replace(site, folder=folder)
        if one.dataset("orphans").is_sealed and one.dataset("missing").is_sealed:
            told = dict(counts(one))
            count = told.get("ORPHAN", 0) + told.get("ORPHAN_CHILD", 0)
            day = f"{datetime.fromtimestamp(one.begun, UTC):%Y-%m-%d %H:%M}"
            yield Bar(day, count, f"{count:,}")


def _capacity(column: str, rows: list[tuple[str, Held]]) -> str:
    those = [row for by, row in rows if by == column]
    bars = [
        Bar(row.by or "(nobody)", row.stored, f"{show_size(row.stored)}, {row.objects:,} objects")
        for row in those[:_ROWS]
    ]
    more = f"<p>and {len(those) - _ROWS:,} more</p>" if len(those) > _ROWS else ""
    return f"<h2>On disks, by {column}</h2>{_plot(bars)}{more}"


def _plot(bars: Iterable[Bar]) -> str:
    """Bars, the longest as long as there is room."""
    some = list(bars)
    most = max([1, *(bar.amount for bar in some)])
    lines = "".join(
        f'<text x="190" y="{22 * n + 15}" text-anchor="end">{shown(bar.label[:28])}'
        f'</text><rect x="200" y="{22 * n + 3}" height="16" width="{bar.amount * 400 / most:.1f}"/>'
        f'<text x="{206 + bar.amount * 400 / most:.1f}" y="{22 * n + 15}">{shown(bar.said)}</text>'
        for n, bar in enumerate(some)
    )
    return f'<svg viewBox="0 0 820 {22 * len(some) + 6}" role="img">{lines}</svg>'
