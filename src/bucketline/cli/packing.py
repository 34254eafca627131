"""`--batch-tar`: where archives of small objects are looked for, and what it does not go with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bucketline.clock import SystemClock
from bucketline.errors import UsageError, printable
from bucketline.flow.compare.sides import Side
from bucketline.flow.report.runs import RunRow, runs_of
from bucketline.settings import Location
from bucketline.stores.base import Store
from bucketline.stores.packing import Packing

if TYPE_CHECKING:
    from bucketline.cli.wish import Wish


def packed(side: Side, location: Location) -> Side:
    """The side with what lies in its archives; folders have none."""
    if location.remote is None:
        return side
    return replace(side, store=packing(side.store, [side.prefix]))


def packing(store: Store, prefixes: Sequence[str]) -> Packing:
    """Archives lie in the folder that a prefix names."""
    folders = dict.fromkeys(prefix[: prefix.rfind("/") + 1] for prefix in prefixes)
    return Packing(store, list(folders), SystemClock())


def packed_under(rows: Sequence[RunRow]) -> list[str]:
    """The prefixes to which these runs have delivered archives."""
    found = []
    for row in rows:
        said: dict[str, Any] = json.loads(row.configuration or "{}")
        if said.get("batch_tar"):
            found.append(str(said.get("places", {}).get("target", {}).get("prefix", "")))
    return list(dict.fromkeys(found))


def check_wish(wish: Wish) -> None:
    """Raise `UsageError` for what archives do not go with."""
    if wish.target.remote is None and wish.source.remote is None:
        raise UsageError(f"--batch-tar is for devices: {printable(wish.target.text)} is a folder")
    for name in ("master", "metadata_only"):
        if wish.words[name]:
            option = "--engine spark" if name == "master" else "--metadata-only"
            raise UsageError(f"--batch-tar does not go with {option}; leave one of them out")
    if wish.processes not in (None, 1):
        raise UsageError("--batch-tar packs in one process; leave out --processes")


def check_packing(wish: Wish, path: Path) -> None:
    """Raise `UsageError` where a sync without archives would send anew what lies in them."""
    rows = runs_of(path) if path.exists() else []
    last = json.loads(rows[-1].configuration or "{}") if rows else {}
    if last.get("batch_tar") and wish.words["batch_tar"] is None:
        raise UsageError(
            f"{rows[-1].run} has packed small objects; say --batch-tar again, or --no-batch-tar"
            " once the device has extracted them"
        )
