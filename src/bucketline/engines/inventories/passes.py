"""The passes over two inventories: plain SQL that DuckDB and Spark both read."""
# ruff: noqa: S608 - The pieces are ours; what strangers say comes in tables alone.

from __future__ import annotations

from bucketline.engines.inventories.told import COLUMNS, SUMS, Epoch

ONLY_A, ONLY_B, TOO_NEW, DUPLICATE = "ONLY_A", "ONLY_B", "TOO_NEW", "DUPLICATE"
SIZE_DIFF, CHECKSUM_DIFF, ETAG_DIFF = "SIZE_DIFF", "CHECKSUM_DIFF", "ETAG_DIFF"
STALE, NOT_COMPARABLE = "STALE", "NOT_COMPARABLE"
VERSION_DIFF, META_DIFF = "VERSION_DIFF", "META_DIFF"
ALSO = {"version": ("version", VERSION_DIFF), "class": ("tier", META_DIFF)}
_FOR_EVER = 1 << 62
_SLACK = 1000  # Some tell their times in whole seconds.

_NAMES = ", ".join(column.name for column in COLUMNS)
_ANY_DIFFER = " OR ".join(f"(a.{s} <> '' AND b.{s} <> '' AND a.{s} <> b.{s})" for s in SUMS)
_ANY_EQUAL = " OR ".join(f"(a.{s} <> '' AND a.{s} = b.{s})" for s in SUMS)
_ETAGS = " OR ".join(
    f"(a.{one} <> '' AND a.{one} = b.{other})"
    for one in ("etag", "other_etag")
    for other in ("etag", "other_etag")
)
# What the bytes are to each other. A checksum outweighs etags, which may have been made anyhow.
_CONTENT = f"""CASE
    WHEN a.issue <> '' OR b.issue <> '' THEN '{NOT_COMPARABLE}'
    WHEN a.size <> b.size AND a.size >= 0 AND b.size >= 0 THEN '{SIZE_DIFF}'
    WHEN {_ANY_DIFFER} THEN '{CHECKSUM_DIFF}'
    WHEN {_ANY_EQUAL} THEN ''
    WHEN {_ETAGS} THEN ''
    WHEN a.md5 <> '' AND b.md5 <> '' THEN CASE WHEN a.md5 = b.md5 THEN '' ELSE '{ETAG_DIFF}' END
    WHEN a.modified > 0 AND b.modified > 0 AND b.modified + {_SLACK} < a.modified THEN '{STALE}'
    ELSE '{NOT_COMPARABLE}' END"""

# Keys that one inventory tells of twice, as one that is made while its bucket changes may.
TWINS = "SELECT key, count(*) AS times FROM side GROUP BY key HAVING count(*) > 1"
# Of twins the newest counts; `side` has them all, and `twins` their keys.
WITHOUT_TWINS = f"""SELECT {_NAMES} FROM (
        SELECT s.*, row_number() OVER (
            PARTITION BY s.key ORDER BY s.modified DESC, s.size, s.etag) AS place
        FROM side s JOIN twins t ON s.key = t.key) n WHERE place = 1
    UNION ALL
    SELECT {", ".join(f"s.{c.name}" for c in COLUMNS)} FROM side s
    LEFT JOIN twins t ON s.key = t.key WHERE t.key IS NULL"""
TWINS_FOUND = f"""SELECT '{DUPLICATE}' AS class, key, CAST(-1 AS BIGINT) AS a_size,
    CAST(-1 AS BIGINT) AS b_size, '' AS a_etag, '' AS b_etag, CAST(0 AS BIGINT) AS a_modified,
    CAST(0 AS BIGINT) AS b_modified, '' AS sides,
    concat(side, ' tells of it ', times, ' times') AS detail
    FROM (SELECT key, times, 'A' AS side FROM twins_a
        UNION ALL SELECT key, times, 'B' AS side FROM twins_b) t"""


def differences(a: Epoch, b: Epoch, grace_seconds: int, also: tuple[str, ...] = ()) -> str:
    """Everything about which the tables `a` and `b` do not agree; all that is judged as it was."""
    grace = grace_seconds * 1000
    late_a, late_b = (_FOR_EVER if e.is_live else e.milliseconds - grace for e in (a, b))
    more = " ".join(
        f"WHEN content = '' AND a_{column} <> '' AND b_{column} <> ''"
        f" AND a_{column} <> b_{column} THEN '{kind}'"
        for column, kind in (ALSO[one] for one in also)
    )
    return f"""SELECT class, key, a_size, b_size, a_etag, b_etag, a_modified, b_modified, sides,
        CASE WHEN issue <> '' THEN issue
            WHEN class IN ('{SIZE_DIFF}', '{CHECKSUM_DIFF}', '{ETAG_DIFF}')
                AND a_modified > 0 AND b_modified > 0 AND b_modified + {_SLACK} < a_modified
            THEN 'older on B' ELSE '' END AS detail
    FROM (SELECT *, CASE
            WHEN content = '{ONLY_A}' AND a_modified > {late_b} THEN '{TOO_NEW}'
            WHEN content = '{ONLY_B}' AND b_modified > {late_a} THEN '{TOO_NEW}'
            WHEN content IN ('{ONLY_A}', '{ONLY_B}') THEN content
            WHEN content <> '' AND greatest(a_modified, b_modified) > {min(late_a, late_b)}
            THEN '{TOO_NEW}' {more}
            ELSE content END AS class
        FROM (SELECT coalesce(a.key, b.key) AS key,
            coalesce(a.size, -1) AS a_size, coalesce(b.size, -1) AS b_size,
            coalesce(a.etag, '') AS a_etag, coalesce(b.etag, '') AS b_etag,
            coalesce(a.modified, 0) AS a_modified, coalesce(b.modified, 0) AS b_modified,
            coalesce(a.version, '') AS a_version, coalesce(b.version, '') AS b_version,
            coalesce(a.tier, '') AS a_tier, coalesce(b.tier, '') AS b_tier,
            concat(coalesce(a.issue, ''), coalesce(b.issue, '')) AS issue,
            CASE WHEN b.key IS NULL THEN 'A' WHEN a.key IS NULL THEN 'B' ELSE 'AB' END AS sides,
            CASE WHEN b.key IS NULL THEN '{ONLY_A}' WHEN a.key IS NULL THEN '{ONLY_B}'
            ELSE {_CONTENT} END AS content
            FROM a FULL OUTER JOIN b ON a.key = b.key) j) f
    WHERE class <> ''"""


# What is worth another look at the objects themselves, and what both sides said of it.
SETTLED = f"SELECT * FROM found WHERE class IN ('{VERSION_DIFF}', '{META_DIFF}')"
SUSPECTED = f"SELECT * FROM found WHERE class NOT IN ('{VERSION_DIFF}', '{META_DIFF}')"
SUSPECTS = f"SELECT DISTINCT key FROM ({SUSPECTED}) f"
OF_SUSPECTS = f"""SELECT {", ".join(f"s.{c.name}" for c in COLUMNS)} FROM side s
    JOIN suspects k ON s.key = k.key"""
ALL_FOUND = "SELECT * FROM settled UNION ALL SELECT * FROM found UNION ALL SELECT * FROM twins"
IN_ORDER = "SELECT * FROM found ORDER BY key, class"
CLASSES = """SELECT class, count(*),
    CAST(sum(greatest(a_size, b_size, CAST(0 AS BIGINT))) AS BIGINT)
    FROM found GROUP BY class ORDER BY class"""
KEYS = "SELECT count(*) FROM side"
KEYS_OF_BOTH = "SELECT count(*) FROM a JOIN b ON a.key = b.key"
NOT_EQUAL = "SELECT count(*) FROM found WHERE sides IN ('A', 'AB')"
NOT_EQUAL_OF_BOTH = "SELECT count(*) FROM found WHERE sides = 'AB'"
