"""The reading side of a ledger: its own connection, short transactions, nothing held up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from bucketline.flow.ledger.audit import GONE
from bucketline.flow.ledger.rows import IN_DOUBT, Known, Row
from bucketline.flow.ledger.schema import FATES, open_reader, trouble
from bucketline.model import Fate

_STARTED, _DONE = FATES[Fate.STARTED], FATES[Fate.DONE]

# What earlier runs left in doubt stands in `current`; what the last one did, only in its lines.
_KNOWN = """SELECT asked.value, current.fate, size, source_etag, target_etag, (
        SELECT iif(verb=3, NULL, fate) FROM lines
        WHERE run = (SELECT max(number) FROM runs) AND key = asked.value
        ORDER BY seq DESC LIMIT 1)
    FROM json_each(?) AS asked LEFT JOIN current ON current.key = asked.value AND verb <> 3"""
# Not of what was pruned: its copies are known, and their moments are not.
_WHEN = """SELECT asked.value, (SELECT max(time) FROM lines
        WHERE run=current.run AND key=asked.value AND fate=1)
    FROM json_each(?) AS asked JOIN current ON current.key = asked.value"""
# A run's keys come in key order, so the ones under way are near the end: begin there, and stop
# when as many are found as the counter says.
_IN_DOUBT = """SELECT key FROM lines WHERE run=?1 AND fate=0 AND NOT EXISTS (
    SELECT 1 FROM lines AS later WHERE later.run=?1 AND later.key=lines.key
    AND later.seq>lines.seq) ORDER BY key DESC
    LIMIT coalesce((SELECT count FROM counters WHERE run=?1 AND fate=0), 0)"""


class Reader:
    """Reads one ledger. A file in which nothing was ever written answers with nothing."""

    def __init__(
        self, path: Path | str, *, vfs: str = "", db: apsw.Connection | None = None
    ) -> None:
        self._path = path
        self._db = open_reader(path, vfs=vfs) if db is None else db

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        if self._db is None:
            return []
        try:
            return self._db.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise trouble(self._path, error) from error

    def known(self, keys: Sequence[str]) -> dict[str, Known]:
        """The last proven copies of these keys, from any run, and IN_DOUBT for those of which
        nothing was proven since; keys without a history, or gone, are missing.
        """
        known: dict[str, Known] = {}
        asked = json.dumps(list(keys), ensure_ascii=False)
        for key, fate, size, source, target, last in self.rows(_KNOWN, (asked,)):
            if last == _STARTED or (fate is not None and fate != _DONE):
                known[key] = IN_DOUBT
            elif fate == _DONE and size != GONE:
                known[key] = Known(size, source, target)
        return known

    def proven_at(self, keys: Sequence[str]) -> dict[str, float]:
        """When the last proven copies of these keys were recorded, as far as that is known."""
        asked = json.dumps(list(keys), ensure_ascii=False)
        return {key: time for key, time in self.rows(_WHEN, (asked,)) if time is not None}

    def in_doubt(self, number: int) -> list[str]:
        """The keys of a run that have an intent and no fate."""
        return sorted(key for (key,) in self.rows(_IN_DOUBT, (number,)))
