"""What the runs of one saved plan have done so far, by the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bucketline.flow.ledger.read import Reader
from bucketline.flow.ledger.schema import FATES, VERBS
from bucketline.model import Fate, Verb

_DONE, _DELETE = FATES[Fate.DONE], VERBS[Verb.DELETE]
_LAST = """SELECT key, fate, verb, size, source_etag, target_etag FROM lines
    WHERE run IN (SELECT number FROM runs WHERE json_extract(configuration, '$.plan')=?)
    AND key IN (SELECT value FROM json_each(?)) ORDER BY run, seq"""


class Applied(NamedTuple):
    """How far a plan came with a key: done and proven, or begun, which may mean anything."""

    is_done: bool
    is_delete: bool = False
    size: int = 0
    source_pin: str = ""
    target_pin: str = ""


def applied(reader: Reader, plan: str, keys: Sequence[str]) -> Mapping[str, Applied]:
    """By key, for those of these keys that the plan with this SHA-256 has begun."""
    asked = json.dumps(list(keys), ensure_ascii=False)
    return {
        key: Applied(fate == _DONE, verb == _DELETE, size or 0, source or "", target or "")
        for key, fate, verb, size, source, target in reader.rows(_LAST, (plan, asked))
    }


def applied_at(path: Path, plan: str, keys: Sequence[str]) -> Mapping[str, Applied]:
    """The same of a job that may be running, or never have run."""
    if not path.exists():
        return {}
    with closing(Reader(path)) as reader:
        return applied(reader, plan, keys)
