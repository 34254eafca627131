"""The passes over large tables: plain SQL that DuckDB and Spark both read."""
# ruff: noqa: S608 - The pieces are ours; what strangers say comes in tables alone.

from __future__ import annotations

from collections.abc import Iterable

from bucketline.engines.ring.keys import padded

_REF = "kind, bucket, key, version, upload, input_key"
# An input key without its leading zeros, with an even number of digits, hashed.
_PLAIN = "regexp_replace(input_key, '^0+', '')"
_DIG = f"""upper(substr(md5(unhex(
    CASE WHEN length({_PLAIN}) % 2 = 1 THEN concat('0', {_PLAIN}) ELSE {_PLAIN} END)), 1, 22))"""
# Listed as split, by any of its chunks.
_SPLIT = """SELECT DISTINCT substr(main, 1, 22) AS dig FROM listkeys
    WHERE CAST(floor(flag / 32) AS BIGINT) % 2 = 1"""

DIG_REFERENCES = f"""SELECT {_REF}, part, modified, '' AS parent,
    CASE WHEN input_key = '' THEN '' ELSE {_DIG} END AS dig, issue FROM export"""
SPLIT_PARENTS = f"""SELECT DISTINCT e.input_key, e.modified FROM
    (SELECT input_key, max(modified) AS modified, {_DIG} AS dig FROM export
     WHERE input_key <> '' GROUP BY input_key) e
    JOIN ({_SPLIT}) s ON e.dig = s.dig ORDER BY e.input_key"""


def _digit(column: str, place: int) -> str:
    return f"(instr('0123456789ABCDEF', substr({column}, {place}, 1)) - 1)"


_NUMBER = f"""CASE WHEN {_digit("main", 39)} = 7
    THEN {_digit("chunk", 38)} * 16 + {_digit("chunk", 40)} ELSE {_digit("chunk", 40)} END"""


def _seen(start: int) -> str:
    """How many of sixty copies from `start` on are there: a bit each, which costs least memory."""
    return f"""bit_count(bit_or(CASE
        WHEN flag % 4 = 0 AND {_NUMBER} BETWEEN {start} AND {start + 59}
        THEN CAST(power(2, {_NUMBER} - {start}) AS BIGINT) ELSE CAST(0 AS BIGINT) END))"""


# What a main chunk's key says, and which of its copies are there: neither deleted (1) nor
# placeholders (2), each once however many nodes list it.
MAINS = f"""SELECT main, substr(main, 1, 22) AS dig, substr(main, 31, 2) AS service,
    {_digit("main", 39)} AS class,
    {_digit("main", 33)} * 4 + CAST(floor({_digit("main", 34)} / 4) AS BIGINT) AS data,
    {_digit("main", 34)} % 4 * 16 + {_digit("main", 35)} AS coding,
    count(*) AS listed, max(CASE WHEN is_new THEN 1 ELSE 0 END) AS is_new,
    {" + ".join(_seen(start) for start in (0, 60, 120))} AS copies
    FROM listkeys GROUP BY main"""

# How well each dig is protected, by the best of its mains. A key of another service than the
# erasure coding's is no object of S3. No key is kept of those that are fine: it takes memory.
_STATE = """SELECT dig, min(state) AS state,
    min(CASE WHEN state = 0 THEN '' ELSE main END) AS main FROM (
    SELECT dig, main, CASE
        WHEN class = 7 AND copies >= data + coding THEN 0
        WHEN class = 7 AND copies >= data AND copies > 0 THEN 1
        WHEN class IN (6, 8) AND copies >= 3 THEN 0
        WHEN class < 6 AND copies > class THEN 0
        WHEN class <> 7 AND copies > 0 THEN 1
        ELSE 2 END AS state
    FROM filter WHERE service IN ('50', '51')) s GROUP BY dig"""


def missing(begun: int) -> str:
    """References whose data is not there, or not as it should be; none of those that are fine."""
    return f"""
    SELECT class, main, input_key, bucket, key, version, part, detail FROM (
        SELECT CASE
            WHEN s.state = 2 THEN 'UNREADABLE'
            WHEN s.state = 1 THEN 'UNDER_PROTECTED'
            WHEN d.modified >= {begun} THEN 'TOO_NEW'
            WHEN d.parent <> '' THEN 'SPLIT_PARTIAL'
            ELSE 'MISSING' END AS class,
            coalesce(s.main, '') AS main, d.input_key, d.bucket, d.key, d.version, d.part,
            d.parent AS detail
        FROM digest d LEFT JOIN ({_STATE}) s ON d.dig = s.dig
        WHERE d.issue = '' AND d.kind <> 'journal' AND (s.state IS NULL OR s.state > 0)) f
    UNION ALL
    SELECT issue, '', input_key, bucket, key, version, part, upload FROM digest WHERE issue <> ''
    UNION ALL
    SELECT 'ABANDONED_MPU_PART', '', input_key, bucket, key, version, part, upload
    FROM digest WHERE kind = 'abandoned_part' AND issue = ''
    UNION ALL
    SELECT 'DUP_REF', '', d.input_key, d.bucket, d.key, d.version, d.part, ''
    FROM digest d JOIN (
        SELECT c.input_key FROM digest c JOIN (
            SELECT input_key FROM digest WHERE kind = 'object' AND input_key <> ''
            GROUP BY input_key HAVING count(*) > 1) m ON m.input_key = c.input_key
        WHERE c.kind = 'object' GROUP BY c.input_key
        HAVING count(DISTINCT c.bucket || chr(1) || c.key || chr(1) || c.version) > 1) t
        ON d.input_key = t.input_key WHERE d.kind = 'object'"""


def doubted(begun: int) -> str:
    """The same by a list that leaves out what it does not tell: what it lacks may well be there."""
    lost = "class IN ('MISSING', 'SPLIT_PARTIAL', 'UNREADABLE', 'UNDER_PROTECTED')"
    return f"""SELECT CASE WHEN {lost} THEN 'UNRESOLVED' ELSE class END AS class,
        main, input_key, bucket, key, version, part,
        CASE WHEN {lost} THEN concat('looks ', class) ELSE detail END AS detail
        FROM ({missing(begun)}) m"""


# Main chunks that nothing refers to.
UNREFERENCED = """SELECT f.main, f.service, f.is_new FROM filter f
    WHERE f.copies > 0 AND NOT EXISTS (SELECT 1 FROM digest d WHERE d.dig = f.dig)"""
FINGERPRINTS = "SELECT DISTINCT substr(input_key, 17, 16) FROM digest WHERE kind = 'object'"
# Every finding.
FINDING = ("class", "main", "input_key", "bucket", "key", "version", "part", "detail")
_FINDING = ", ".join(FINDING)
FINDINGS = f"""SELECT {_FINDING} FROM (SELECT {_FINDING} FROM missing
    UNION ALL SELECT {_FINDING} FROM orphans) f ORDER BY {_FINDING}"""
UNRESOLVED = "SELECT count(*) FROM digest WHERE issue = 'UNRESOLVED'"
CLASSES = """SELECT class, count(*) FROM (
    SELECT class FROM orphans UNION ALL SELECT class FROM missing) c
    GROUP BY class ORDER BY class"""


def referred(keys: Iterable[str]) -> str:
    """Which of these checked keys the metadata refers to."""
    listed = ", ".join(f"'{padded(key)}'" for key in keys)
    return f"SELECT DISTINCT input_key FROM digest WHERE input_key IN ({listed})"


# What reclaiming asks. Objects whose data is as it should be:
def sound(seed: int, count: int) -> str:
    """So many of them, drawn by a seed: the engine holds no more than these."""
    return f"""SELECT input_key, bucket, key FROM (
        SELECT d.input_key, min(d.bucket) AS bucket, min(d.key) AS key FROM digest d
        LEFT JOIN (SELECT DISTINCT input_key FROM missing) m ON d.input_key = m.input_key
        WHERE d.kind = 'object' AND d.issue = '' AND d.input_key <> '' AND m.input_key IS NULL
        GROUP BY d.input_key) s
        ORDER BY md5(concat(input_key, '{seed:d}')) LIMIT {count:d}"""


OLDEST_UPLOAD = "SELECT min(modified) FROM digest WHERE kind = 'mpu_part'"
DOUBTS = """SELECT (SELECT count(*) FROM orphans WHERE class = 'UNRESOLVED')
    + (SELECT count(*) FROM missing WHERE class = 'UNRESOLVED')
    + (SELECT count(*) FROM digest WHERE issue = 'UNRESOLVED')"""
SHARE = """SELECT (SELECT count(*) FROM orphans WHERE class IN ('ORPHAN', 'ORPHAN_CHILD')),
    (SELECT count(*) FROM filter)"""
# What input keys have in common of buckets with an object that does not say where its data is.
VAGUE = """SELECT DISTINCT substr(d.input_key, 17, 14) FROM digest d JOIN (
    SELECT DISTINCT bucket FROM digest WHERE issue IN ('EMPTY_MD', 'NO_LOCATION')) v
    ON v.bucket = d.bucket WHERE d.input_key <> ''"""
# Orphans of both runs. One that anything refers to, in either, is none.
AGREED = """SELECT b.class, b.main, b.input_key, b.detail FROM orphans b
    JOIN orphans_before a ON a.main = b.main AND a.input_key = b.input_key
        AND a.class = b.class AND a.detail = b.detail
    WHERE b.class IN ('ORPHAN', 'ORPHAN_CHILD') ORDER BY b.main"""
