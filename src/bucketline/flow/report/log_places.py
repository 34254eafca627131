"""A run's two sides in the old logs' words, and how keys of the one follow from the other's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bucketline.flow.ledger.read import Reader
from bucketline.flow.report.runs import RunRow
from bucketline.settings import as_folder

_NO_ENDPOINT = ["no_endpoint"]  # The scripts' word for Amazon's own.


@dataclass(frozen=True, slots=True)
class Naming:
    """The ledger knows keys of the target: `front` takes the place of the first `cut` characters.

    No front = a ledger that does not know where its sides are.
    """

    front: str | None
    cut: int


def side_words(side: str, place: dict[str, Any] | None) -> dict[str, Any]:
    """src_… or dst_…; of a folder, its path instead of a bucket."""
    if place is None:
        words: dict[str, Any] = dict.fromkeys(("service", "bucket", "prefix", "region"))
        words["endpoint_urls"] = None
    elif "folder" in place:
        words = {"service": "FOLDER", "bucket": None, "prefix": place["prefix"], "region": None}
        words |= {"endpoint_urls": [], "folder": place["folder"]}
    else:
        words = {"service": "AWS", "bucket": place["bucket"], "prefix": place["prefix"]}
        words |= {"region": place["region"] or None}
        words["endpoint_urls"] = place["endpoints"] or _NO_ENDPOINT
    return {f"{side}_{word}": value for word, value in words.items()}


def naming(row: RunRow, reader: Reader) -> Naming:
    """As the comparison renames keys: see flow/compare/sides.py."""
    places = json.loads(row.configuration).get("places")
    if not places:
        return Naming(None, 0)
    source, target = (str(places[side]["prefix"]) for side in ("source", "target"))
    name = source.rpartition("/")[2]
    alone = target if target and not target.endswith("/") else target + name
    if name and _keys(reader, row) == [alone]:
        return Naming(source, len(alone))
    return Naming(as_folder(source), len(as_folder(target)))


def _keys(reader: Reader, row: RunRow) -> list[str]:
    """The first two at most: whether the run is about one object."""
    sql = "SELECT DISTINCT key FROM lines WHERE run=? ORDER BY key LIMIT 2"
    return [key for (key,) in reader.rows(sql, (row.number,))]
