"""What a job has delivered and proven, object by object, as its ledger tells it. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Any

from bucketline.flow.ledger.read import Reader
from bucketline.flow.report.objects import PAGE
from bucketline.flow.report.runs import RunRow
from bucketline.model import Entry, Proof, Verify, nothing


@dataclass(frozen=True, slots=True)
class Delivered:
    """The last proven delivery of one object."""

    key: str
    size: int
    run: str  # Which proved it.
    time: float  # When it was proven.
    started: float | None = None
    proof: str = "none"
    hashes: Mapping[str, str] = field(default_factory=nothing)
    source_etag: str = ""
    target_etag: str = ""
    version: str = ""
    endpoint: str = ""

    def to_verify(self, key: str = "") -> Verify:
        """The step that looks at it again, under this key if it has another one there."""
        etag, version = self.target_etag, self.version
        known = Entry(key or self.key, self.size, self.time, etag, version)
        return Verify(known, self.hashes, self.run)


@dataclass(frozen=True, slots=True)
class Verified:
    """When an object was last proven, in a ledger of verifications."""

    key: str
    run: int  # The number of the run there; later ones are larger.
    time: float


# The lines that still prove something outlive their runs.
_FACTS = """line.key, line.size, coalesce(
            (SELECT run FROM runs WHERE number = line.run),
            (SELECT run FROM pruned WHERE number = line.run), ''), line.time,
        (SELECT began.time FROM lines AS began WHERE began.run = line.run
            AND began.key = line.key AND began.fate = 0 ORDER BY began.seq DESC LIMIT 1),
        line.proof, line.hashes, line.source_etag, line.target_etag, line.target_version,
        line.endpoint"""
# Fate 1 is done; verbs 1 (delete), 3 (update), 4 (thaw) and 5 (mark) prove nothing. Of a key the
# last line counts.
_LAST = """NOT EXISTS (SELECT 1 FROM lines AS later
        WHERE later.run = line.run AND later.key = line.key AND later.seq > line.seq)"""
_OF_RUN = f"""SELECT {_FACTS} FROM lines AS line
    WHERE line.run = :run AND line.key > :after AND line.fate = 1
        AND line.verb NOT IN (1, 3, 4, 5) AND {_LAST}
    ORDER BY line.key LIMIT :limit"""  # noqa: S608 - parts of our own
# What the last run began and never ended is in doubt, although `current` does not say so yet.
_STANDING = f"""SELECT {_FACTS} FROM current CROSS JOIN lines AS line
        ON line.run = current.run AND line.key = current.key AND line.fate = 1
    WHERE current.key > :after AND current.fate = 1 AND current.verb NOT IN (1, 3, 4, 5)
        AND current.run < :run AND {_LAST}
        AND coalesce((SELECT last.fate FROM lines AS last
            WHERE last.run = (SELECT max(number) FROM runs) AND last.key = current.key
            ORDER BY last.seq DESC LIMIT 1), 1) <> 0
    ORDER BY current.key LIMIT :limit"""  # noqa: S608 - parts of our own
_VERIFIED = """SELECT current.key, current.run, line.time FROM current CROSS JOIN lines AS line
        ON line.run = current.run AND line.key = current.key AND line.fate = 1
    WHERE current.key > :after AND current.fate = 1 ORDER BY current.key LIMIT :limit"""
_EVERY_RUN = 1 << 62


def of_run(row: RunRow) -> Iterator[Delivered]:
    """What this run itself delivered, in key order."""
    return _paged(row.path, _OF_RUN, row.number)


def of_job(row: RunRow) -> Iterator[Delivered]:
    """What this run delivered, and what earlier ones of the job did and none has touched since."""
    return merge(of_run(row), _paged(row.path, _STANDING, row.number), key=attrgetter("key"))


def standing(path: Path) -> Iterator[Delivered]:
    """All that the job has delivered and still stands by, in key order."""
    return _paged(path, _STANDING, _EVERY_RUN)


def verified(path: Path) -> Iterator[Verified]:
    """What was verified last when, in key order; asked while the ledger is written, too."""
    if not path.exists():
        return
    with closing(Reader(path)) as reader:
        after = ""
        while rows := reader.rows(_VERIFIED, {"after": after, "limit": PAGE}):
            yield from (Verified(*row) for row in rows)
            after = rows[-1][0]


def _paged(path: Path, sql: str, run: int) -> Iterator[Delivered]:
    """Page by page, so that no reader ever holds a transaction for long."""
    with closing(Reader(path)) as reader:
        after = ""
        while rows := reader.rows(sql, {"run": run, "after": after, "limit": PAGE}):
            for row in rows:
                yield _delivered(*row)
            after = rows[-1][0]


def _delivered(
    key: str, size: int, run: str, time: float, started: float | None, *rest: Any
) -> Delivered:
    proof, hashes, source_etag, target_etag, version, endpoint = rest
    return Delivered(
        key=key,
        size=size,
        run=run,
        time=time,
        started=started,
        proof=Proof(proof or 0).label,
        hashes=dict(word.split("=", 1) for word in (hashes or "").split()),
        source_etag=source_etag or "",
        target_etag=target_etag or "",
        version=version or "",
        endpoint=endpoint or "",
    )
