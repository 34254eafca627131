"""What the runs have found, as one page for a person who decides about deletion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from bucketline.engines.ring.capacity import Held, held
from bucketline.engines.ring.findings import PHASES, counts
from bucketline.engines.ring.site import Site, runs
from bucketline.errors import printable
from bucketline.flow.query.datasets import require_whole
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
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem;text-align:left}
td.n{text-align:right}tr+tr{border-top:1px solid #ddd}.warn{background:#fff3cd;padding:.6rem}
rect{fill:#3b6ea5}text{font:12px system-ui,sans-serif}"""


class Bar(NamedTuple):
    """One line of a plot."""

    label: str
    amount: int
    said: str


def page(site: Site) -> str:
    """The last run, and how many orphans each run found; no script, nothing from elsewhere."""
    found = dict(counts(site))
    begun = f"{datetime.fromtimestamp(site.begun, UTC):%Y-%m-%d %H:%M}Z"
    title = escape(f"Ring {printable(site.ring.name)}, run of {begun}")
    partial = "; ".join(require_whole(site.dataset(phase) for phase in PHASES))
    warning = f"This run covers a part alone, so nothing may be deleted by it: {partial}"
    rows = list(held(site)) if site.dataset("capacity").is_sealed else []
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>",
            f'<p class="warn">{escape(printable(warning))}</p>' if partial else "",
            "<h2>Findings</h2>",
            _table(found),
            "<h2>Orphans, run by run</h2>",
            _plot(orphans_by_run(site)),
            *(_capacity(column, rows) for column in ("bucket", "age", "protection") if rows),
            "" if rows else "<p>Capacity: run <code>bucketline ring capacity</code> first.</p>",
            "</html>\n",
        ]
    )


def _table(found: dict[str, int]) -> str:
    known = [name for name in MEANING if name in found]
    rows = (
        f'<tr><td>{escape(name)}</td><td class="n">{found[name]:,}</td>'
        f"<td>{escape(MEANING.get(name, ''))}</td></tr>"
        for name in [*known, *sorted(found.keys() - MEANING.keys())]
    )
    return f"<table><tr><th>class<th>count<th>meaning</tr>{''.join(rows)}</table>"


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
        f'<text x="190" y="{22 * n + 15}" text-anchor="end">{escape(printable(bar.label[:28]))}'
        f'</text><rect x="200" y="{22 * n + 3}" height="16" width="{bar.amount * 400 / most:.1f}"/>'
        f'<text x="{206 + bar.amount * 400 / most:.1f}" y="{22 * n + 15}">{escape(bar.said)}</text>'
        for n, bar in enumerate(some)
    )
    return f'<svg viewBox="0 0 820 {22 * len(some) + 6}" role="img">{lines}</svg>'
