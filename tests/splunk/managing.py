"""What the stand-in for Splunk lets its administrator do: make indexes, send events, roll them."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

from splunk.journals import journal
from splunk.program import rebuild

_SIX_YEARS = 188_697_600  # What an index keeps unless told otherwise.
_PROPS = 45  # More than a page has.


GUID = "A0000000-0000-4000-8000-00000000000A"


def managed(double: Any, method: str, parts: list[str], form: dict[str, str]) -> tuple[int, Any]:
    match method, parts:
        case "GET", ["configs", "conf-props"]:
            return 200, [(f"stanza-{number:02}", {}) for number in range(_PROPS)]
        case "POST", ["data", "indexes"]:
            if form["name"] in double.indexes:
                return 409, f"An object with name={form['name']} already exists"
            said = {"remotePath": form.get("remotePath", ""), "frozenTimePeriodInSecs": _SIX_YEARS}
            double.add_index(form["name"], **said)
            return 201, [(form["name"], double.indexes[form["name"]])]
        case _, ["data", "indexes", name, *action] if name in double.indexes:
            return _index(double, method, name, action)
        case _, ["data", "indexes", name, *_]:
            return 404, f"Could not find object id={name}"
        case "POST", ["receivers", "simple"]:
            return _sent(double, form["index"])
        case "GET", ["admin", "cacheman"]:
            return 200, [(f"bid|{bid}|", double.cached(one)) for bid, one in double.known.items()]
    return 404, "Not Found"


def _index(double: Any, method: str, name: str, action: list[str]) -> tuple[int, Any]:
    if method == "DELETE":
        for one in [one for one in double.known.values() if one.index == name]:
            double.freeze(one)
        shutil.rmtree(Path(double.indexes.pop(name)["homePath_expanded"]).parent)
        return 200, []
    if method == "POST" and action == ["roll-hot-buckets"]:
        for one in [one for one in double.known.values() if one.index == name]:
            double.upload(one)
        return 200, []
    return 200, [(name, double.indexes[name])]


def _sent(double: Any, name: str) -> tuple[int, Any]:
    """One event, in a bucket of its own."""
    now = int(time.time())
    number = sum(1 for one in double.known.values() if one.index == name)
    home = Path(double.indexes[name]["homePath_expanded"])
    path = home / f"db_{now}_{now}_{number}_{GUID}"
    (path / "rawdata").mkdir(parents=True)
    (path / "rawdata" / "journal.zst").write_bytes(journal(1))
    rebuild(path)
    double.scan()
    return 200, []


def inspected(double: Any, query: str) -> list[dict[str, Any]]:
    """The rows of `dbinspect`."""
    double.seen["search"] += 1
    question, _, wanted = query.partition("| search bucketId IN (")
    indexes, bids = re.findall(r"index=(\S+)", question), re.findall(r'"([^"]+)"', wanted)
    ones = [one for one in double.known.values() if one.index in indexes]
    ones = [one for one in ones if one.bid in bids or not wanted]
    lost = {one.bid: double.faults.get("forgets", 0) for one in ones if one.status == "remote"}
    return [
        {
            "bucketId": one.bid,
            "eventCount": str(one.events - lost.get(one.bid, 0)),
            "path": str(one.path),
            "state": "warm",
        }
        for one in ones
    ]
