"""The long parts of a run's log: SQLite writes their JSON, a page of lines at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bucketline.flow.ledger.read import Reader
from bucketline.flow.ledger.schema import FATES
from bucketline.flow.report.log_places import Naming
from bucketline.flow.report.runs import RunRow
from bucketline.model import Fate, Proof

PAGE = 1_000
_DONE = FATES[Fate.DONE]
_WRONG = (FATES[Fate.FAILED], FATES[Fate.WAITING])
_PROOFS = json.dumps([proof.label for proof in sorted(Proof, key=lambda proof: proof.value)])
# Codes in these texts never change their meaning: fate 0 is an intent and 1 is done, verb 0 is a
# copy and 1 a delete.
_MOVED = """SELECT count(*), max(key), group_concat(json_object(
        'src_key', :front || substr(key, :cut + 1), 'dst_key', key, 'bytes', size,
        'equivalent_gigabytes', round(size / 1073741824.0, 3),
        'epoch_time_start', CAST(began AS INTEGER), 'epoch_time_end', CAST(time AS INTEGER),
        'total_time_seconds', round(time - began, 3),
        'proof', json_extract(:proofs, '$[' || proof || ']')), ',' || char(10) ORDER BY key)
    FROM (SELECT key, size, time, proof, (
            SELECT time FROM lines AS intent WHERE intent.run=line.run AND intent.key=line.key
            AND intent.fate=0 ORDER BY seq DESC LIMIT 1) AS began
        FROM lines AS line WHERE run=:run AND key>:after AND fate=:fate AND verb=0
        AND NOT EXISTS (SELECT 1 FROM lines AS later
            WHERE later.run=line.run AND later.key=line.key AND later.seq>line.seq)
        ORDER BY key LIMIT :limit)"""
# Left to itself, SQLite walks the run to find the few that went wrong.
_FAILED = """SELECT count(*), max(key), group_concat(
        json_quote(substr(key, :cut + 1)) || ': ' || size, ',' || char(10) ORDER BY key)
    FROM (SELECT key, coalesce((
            SELECT size FROM lines AS intent WHERE intent.run=line.run AND intent.key=line.key
            AND intent.fate=0 ORDER BY seq DESC LIMIT 1), 0) AS size
        FROM lines AS line INDEXED BY troubles
        WHERE run=:run AND key>:after AND fate=:fate AND fate>1 AND verb<>1
        AND NOT EXISTS (SELECT 1 FROM lines AS later
            WHERE later.run=line.run AND later.key=line.key AND later.seq>line.seq)
        ORDER BY key LIMIT :limit)"""
_LEFT = """SELECT count(*), sum((
        SELECT size FROM lines AS intent WHERE intent.run=line.run AND intent.key=line.key
        AND intent.fate=0 ORDER BY seq DESC LIMIT 1))
    FROM lines AS line INDEXED BY troubles WHERE run=:run AND fate=:fate AND fate>1 AND verb<>1
    AND NOT EXISTS (SELECT 1 FROM lines AS later
        WHERE later.run=line.run AND later.key=line.key AND later.seq>line.seq)"""
_IN_DOUBT = """SELECT json_quote(substr(key, :cut + 1)) || ': ' || coalesce(size, 0),
        coalesce(size, 0)
    FROM lines WHERE run=:run AND key=:key AND fate=0 AND verb<>1 ORDER BY seq DESC LIMIT 1"""
_DELETES = "SELECT count(*) FROM lines WHERE run=? AND fate=1 AND verb=1"


@dataclass(frozen=True, slots=True)
class Unsynced:
    """What a run was to copy and did not prove; and how many it deleted, which is no copy."""

    count: int
    size: int
    deletes_done: int


def unsynced(reader: Reader, row: RunRow) -> Unsynced:
    """By the few lines that tell of it."""
    count = size = 0
    for fate in _WRONG:
        ((some, bytes_of_some),) = reader.rows(_LEFT, {"run": row.number, "fate": fate})
        count, size = count + some, size + (bytes_of_some or 0)
    for key in reader.in_doubt(row.number):
        for _, one in reader.rows(_IN_DOUBT, {"run": row.number, "key": key, "cut": 0}):
            count, size = count + 1, size + one
    may_delete = '"delete": true' in row.configuration
    deletes = reader.rows(_DELETES, (row.number,))[0][0] if may_delete else 0
    return Unsynced(count, size, deletes)


@dataclass(slots=True)
class _Pages:
    """JSON by pages, up to so many lines; afterwards `more` says whether there are others."""

    reader: Reader
    row: RunRow
    names: Naming
    more: bool = field(default=False, init=False)
    _count: int = field(default=0, init=False)

    def _run(self, sql: str, most: int | None, fate: int = _DONE) -> Iterator[str]:
        """In short transactions, each from where the last one ended."""
        values: dict[str, Any] = {"run": self.row.number, "fate": fate, "after": ""}
        values |= {"front": self.names.front, "cut": self.names.cut, "proofs": _PROOFS}
        while not self.more:
            left = PAGE if most is None else min(PAGE, most - self._count)
            ((count, last, text),) = self.reader.rows(sql, {**values, "limit": max(left, 1)})
            if not count:
                return
            if left < 1:
                self.more = True
                return
            yield from self._with_comma(text, count)
            values["after"] = last

    def _with_comma(self, text: str, count: int) -> Iterator[str]:
        yield ",\n" if self._count else "\n"
        self._count += count
        yield text


class MovedPages(_Pages):
    """The objects that were copied, in the order of their keys."""

    def pages(self, most: int | None) -> Iterator[str]:
        yield from self._run(_MOVED, most)


class FailedPages(_Pages):
    """Key below the prefix: size, of what was to be copied and was not."""

    def pages(self, most: int | None) -> Iterator[str]:
        for fate in _WRONG:
            yield from self._run(_FAILED, most, fate)
        if self.row.state != "running":
            yield from self._in_doubt()

    def _in_doubt(self) -> Iterator[str]:
        """As many as were under way at once, so few."""
        for key in self.reader.in_doubt(self.row.number):
            values = {"run": self.row.number, "key": key, "cut": self.names.cut}
            for text, _ in self.reader.rows(_IN_DOUBT, values):
                yield from self._with_comma(text, 1)
