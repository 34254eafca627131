"""What of a ledger is derived: made again from its lines, or checked against them."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from bucketline.flow.ledger.schema import PASSED_OVER

# A later failure changes the fate of a key, and leaves what was last proven of it. (Who asks is
# told of a doubt then: wrong bytes may stand where the proven ones stood.)
# An update, a thaw and a mark (verbs 3 to 5) move no bytes: what was proven of them stands, under
# another etag perhaps.
UPSERT = """ON CONFLICT(key) DO UPDATE SET run=iif(excluded.verb>2, run, excluded.run),
    verb=iif(excluded.verb>2, verb, excluded.verb),
    fate=iif(excluded.verb>2, fate, excluded.fate), size=coalesce(excluded.size, size),
    source_etag=coalesce(excluded.source_etag, source_etag),
    target_etag=coalesce(excluded.target_etag, target_etag)"""
GONE = -1  # The size of a key whose deletion is proven.
# What the last run left without a fate, for the next one. A run's keys come in key order, so these
# are near the end: it begins there, and stops when there are as many as the counter says.
_IN_DOUBT = """INSERT INTO current SELECT key, run, verb, 0, NULL, NULL, NULL FROM lines
    WHERE run = (SELECT max(number) FROM runs) AND fate = 0 AND NOT EXISTS (
        SELECT 1 FROM lines AS later
        WHERE later.run=lines.run AND later.key=lines.key AND later.seq>lines.seq)
    ORDER BY key DESC LIMIT coalesce((
        SELECT count FROM counters WHERE run = (SELECT max(number) FROM runs) AND fate = 0), 0)"""
MARK_DOUBTS = f"{_IN_DOUBT} {UPSERT}"
_LAST_LINES = """SELECT key, run, verb, fate,
    CASE WHEN fate=1 THEN CASE WHEN verb=1 THEN -1 WHEN verb>2 THEN NULL ELSE size END END,
    CASE WHEN fate=1 THEN CASE WHEN verb=1 THEN '' WHEN verb>2 THEN NULL ELSE source_etag END END,
    CASE WHEN fate=1 THEN CASE WHEN verb=1 THEN '' WHEN verb>2 THEN nullif(target_etag, '')
        ELSE target_etag END END
    FROM lines WHERE fate > 0 OR run IS NOT (SELECT max(number) FROM runs) AND NOT EXISTS (
        SELECT 1 FROM lines AS later
        WHERE later.run=lines.run AND later.key=lines.key AND later.seq>lines.seq)
    ORDER BY run, key, seq"""
_RECOUNT = """SELECT run, fate, count(*), sum(size) FROM lines
    WHERE fate > 0 AND run IN (SELECT number FROM runs) GROUP BY run, fate
    UNION ALL SELECT run, 0, count(*), 0 FROM lines
    WHERE fate = 0 AND run IN (SELECT number FROM runs) AND NOT EXISTS (
        SELECT 1 FROM lines AS later
        WHERE later.run=lines.run AND later.key=lines.key AND later.seq>lines.seq)
    GROUP BY run"""
_COUNTED = "SELECT run, fate, count, bytes FROM counters WHERE count AND fate < ?"


def rebuild_current(db: apsw.Connection) -> None:
    """Make `current` again. What only pruned lines told stays as it is."""
    if not db.execute("SELECT seq > (SELECT count(*) FROM runs) FROM sqlite_sequence").get:
        db.execute("DELETE FROM current")
    db.execute(f"INSERT INTO current {_LAST_LINES} {UPSERT}")


def complaints(db: apsw.Connection) -> Iterator[str]:
    """Where the file is damaged, or what is derived disagrees with the lines."""
    for (said,) in db.execute("PRAGMA integrity_check").fetchall():
        if said != "ok":
            yield f"damaged: {said}"
    counted, recounted = set(db.execute(_COUNTED, (PASSED_OVER,))), set(db.execute(_RECOUNT))
    if counted != recounted:
        yield f"counters: {sorted(counted)} but the lines say {sorted(recounted)}"
    before = set(db.execute("SELECT * FROM current"))
    db.execute("SAVEPOINT audit")
    try:
        rebuild_current(db)
        after = set(db.execute("SELECT * FROM current"))
    finally:
        db.execute("ROLLBACK TO audit; RELEASE audit")
    if before != after:
        yield f"current: {len(before ^ after)} keys stand otherwise than their lines say"
