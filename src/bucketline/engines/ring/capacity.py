"""capacity: what the ring holds for whom, how old, how protected, and what that takes."""
# ruff: noqa: S608 - All pieces are ours.

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bucketline.engines.ring.site import Site
from bucketline.flow.query.datasets import require_whole

_DAY = 86_400
_AGES = ((30, "< 30 days"), (90, "30-90 days"), (365, "90-365 days"), (1095, "1-3 years"))
# How a main chunk is protected, as its key says; and its bytes on disks, by the copies there are.
_PROTECTION = """CASE WHEN class = 7 THEN data || '+' || coding
    WHEN class IN (6, 8) THEN '3 copies' WHEN class < 6 THEN (class + 1) || ' copies'
    ELSE 'other' END"""
_STORED = """CASE WHEN m.copies IS NULL THEN 0.0
    WHEN m.class = 7 AND m.data > 0 THEN r.size * 1.0 * m.copies / m.data
    ELSE r.size * 1.0 * m.copies END"""
_BY = ("what", "bucket", "protection", "age")


class Held(NamedTuple):
    """One line: `objects` counts data, each once however often it is referred to."""

    by: str
    objects: int
    bytes: int
    stored: int


def _rows(begun: int) -> str:
    """A split object lies where its pieces do; its own key leads to an index alone."""
    ages = " ".join(f"WHEN r.modified > {begun - days * _DAY} THEN '{age}'" for days, age in _AGES)
    return f"""SELECT r.what, r.bucket, coalesce(m.protection, 'nowhere') AS protection,
        CASE WHEN r.modified <= 0 THEN 'unknown' {ages} ELSE '> 3 years' END AS age,
        count(*) AS objects, CAST(sum(r.size) AS BIGINT) AS bytes,
        CAST(round(sum({_STORED})) AS BIGINT) AS stored
    FROM (
        SELECT e.input_key, min(e.bucket) AS bucket, max(e.size) AS size,
            max(e.modified) AS modified,
            CASE WHEN max(CASE WHEN e.kind = 'object' THEN 1 ELSE 0 END) = 1 THEN 'object'
            ELSE 'upload' END AS what
        FROM export e WHERE e.input_key <> '' AND e.kind <> 'journal' GROUP BY e.input_key
    ) r
    LEFT JOIN (
        SELECT d.input_key, min(coalesce(c.dig, d.dig)) AS dig FROM digest d
        LEFT JOIN (SELECT parent, min(dig) AS dig FROM digest
            WHERE parent <> '' AND issue = '' GROUP BY parent) c ON c.parent = d.input_key
        WHERE d.parent = '' GROUP BY d.input_key
    ) p ON p.input_key = r.input_key
    LEFT JOIN (
        SELECT f.dig, f.class, f.data, f.copies, {_PROTECTION} AS protection FROM filter f
        JOIN (SELECT dig, min(main) AS main FROM filter
            WHERE service IN ('50', '51') GROUP BY dig) b ON b.main = f.main
    ) m ON m.dig = p.dig
    GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT o.class, '', f.protection, 'unknown', count(*), 0, 0 FROM orphans o
    JOIN (SELECT main, {_PROTECTION} AS protection FROM filter) f ON f.main = o.main
    GROUP BY o.class, f.protection"""


def capacity(site: Site) -> None:
    dataset = site.dataset("capacity")
    if dataset.is_sealed:
        return
    sources = ("export", "digest", "filter", "orphans")
    inputs = site.files(*sources)
    if not dataset.has("all"):
        sql = _rows(int(site.begun))
        dataset.made("all", lambda path: site.engine.write(sql, inputs, path))
    dataset.seal(why_partial="; ".join(require_whole(site.dataset(one) for one in sources)))


def held(site: Site) -> Iterator[tuple[str, Held]]:
    """The same by each of its columns, the most first."""
    inputs = site.files("capacity")
    for column in _BY:
        sql = f"""SELECT {column}, sum(objects), sum(bytes), sum(stored) FROM capacity
            GROUP BY {column} ORDER BY sum(stored) DESC, sum(objects) DESC, {column}"""
        for name, *numbers in site.engine.rows(sql, inputs):
            objects, size, stored = (int(number) for number in numbers)
            yield column, Held(str(name), objects, size, stored)
