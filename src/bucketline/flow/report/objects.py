"""Objects of a run, as its ledger tells them: page by page, in key order, by an index alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from bucketline.flow.ledger.read import Reader
from bucketline.flow.ledger.schema import FATE_NAMES, FATES, VERB_NAMES
from bucketline.flow.report.runs import RunRow
from bucketline.model import Fate, Proof

PAGE = 1_000
_LAST, _SURROGATES, _BEHIND_SURROGATES = 0x10FFFF, 0xD800, 0xE000
_LEFT = (Fate.STARTED, Fate.FAILED, Fate.WAITING)


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """Where one object of a run stands: its last line, and what was intended."""

    key: str
    verb: str
    fate: str  # `started` = under way, or in doubt when the run is over.
    time: float
    size: int
    reason: str
    proof: str
    source_etag: str
    target_etag: str
    target_version: str
    hashes: dict[str, str]
    cause: str
    message: str
    started: float | None


@dataclass(frozen=True, slots=True)
class Which:
    """Some of a run's objects, in key order."""

    fate: Fate | None = None  # None = whatever became of them.
    prefix: str = ""  # How their keys begin.
    after: str = ""  # Only what comes behind this key.


_ALL = Which()


def objects(row: RunRow, which: Which, limit: int = PAGE) -> list[ObjectRow]:
    """The next `limit` of them; one short transaction."""
    with closing(Reader(row.path)) as reader:
        return _page(reader, row.number, which, limit)


def all_objects(row: RunRow, *some: Which) -> Iterator[ObjectRow]:
    """All of them, or these; page by page, so that no reader ever holds a transaction for long."""
    with closing(Reader(row.path)) as reader:
        for which in some or (_ALL,):
            while page := _page(reader, row.number, which, PAGE):
                yield from page
                which = replace(which, after=page[-1].key)  # noqa: PLW2901 - where to go on


def failures(row: RunRow) -> Iterator[str]:
    """What is left to do as JSON lines, which `sync --only FILE` takes."""
    fates = [fate for fate in _LEFT if fate is not Fate.STARTED or row.state != "running"]
    for one in all_objects(row, *map(Which, fates)):
        said = {"key": one.key, "verb": one.verb, "fate": one.fate, "size": one.size}
        said |= {"cause": one.cause, "message": one.message}
        yield json.dumps(said, ensure_ascii=False)


# Of each key the last line, with what its intent said.
_OBJECTS = """SELECT end.key, end.verb, end.fate, end.time, end.size, intent.size, intent.reason,
        end.proof, coalesce(nullif(end.source_etag, ''), intent.source_etag),
        coalesce(nullif(end.target_etag, ''), intent.target_etag), end.target_version, end.hashes,
        end.cause, end.message, intent.time
    FROM lines AS end LEFT JOIN lines AS intent
        ON intent.run = end.run AND intent.key = end.key AND intent.fate = 0 AND intent.seq = (
            SELECT max(seq) FROM lines AS began
            WHERE began.run = end.run AND began.key = end.key AND began.fate = 0)
    WHERE end.run = :run AND end.key >= :first AND end.key < :last AND NOT EXISTS (
        SELECT 1 FROM lines AS later
        WHERE later.run = end.run AND later.key = end.key AND later.seq > end.seq)"""
_ORDER = " ORDER BY end.key LIMIT :limit"


def _page(reader: Reader, number: int, which: Which, limit: int) -> list[ObjectRow]:
    # One bound below: given two, SQLite walks from the first of them.
    first = max(which.prefix, f"{which.after}\0" if which.after else "")
    last = _behind(which.prefix)
    values = {"run": number, "first": first, "last": last, "limit": limit}
    if which.fate is not Fate.STARTED:
        return [_object(row) for row in reader.rows(_objects_sql(which.fate), values)]
    # Intents have no index; they are few, and known.
    doubted = reader.in_doubt(number)
    keys = [key for key in doubted if key >= first and key.startswith(which.prefix)][:limit]
    return [
        _object(row)
        for key in keys
        for row in reader.rows(_OBJECTS + " AND end.key = :key", {**values, "key": key})
    ]


def _behind(prefix: str) -> str | bytes:
    """What comes behind every key that begins so."""
    while prefix:
        prefix, last = prefix[:-1], ord(prefix[-1])
        if last < _LAST:
            return prefix + chr(_BEHIND_SURROGATES if last + 1 == _SURROGATES else last + 1)
    return b""  # SQLite puts bytes behind all text.


def _objects_sql(fate: Fate | None) -> str:
    if fate is None:
        return _OBJECTS + _ORDER
    which = f" AND end.fate = {FATES[fate]}"
    if fate is Fate.DONE:  # Nearly all are: walking the run is the shortest way.
        return _OBJECTS + which + _ORDER
    # Left to itself, SQLite walks the run and looks at every object in it.
    indexed = _OBJECTS.replace("lines AS end ", "lines AS end INDEXED BY troubles ", 1)
    return indexed + which + " AND end.fate > 1" + _ORDER


def _object(row: Sequence[Any]) -> ObjectRow:
    key, verb, fate, time, size, size_intended, reason, proof, *rest, started = row
    source_etag, target_etag, target_version, hashes, cause, message = rest
    return ObjectRow(
        key=key,
        verb=VERB_NAMES[verb],
        fate=FATE_NAMES[fate],
        time=time,
        size=size or size_intended or 0,
        reason=reason or "",
        proof=Proof(proof or 0).label,
        source_etag=source_etag or "",
        target_etag=target_etag or "",
        target_version=target_version or "",
        hashes=dict(word.split("=", 1) for word in (hashes or "").split()),
        cause=cause or "",
        message=message or "",
        started=started,
    )
