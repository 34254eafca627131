"""What each endpoint did, in the words of the old logs of networks: what failed, what answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bucketline.flow.report.endpoints import Counts, as_records
from bucketline.stores.beyond import EndpointCount

_SIDES = {"source": "src", "target": "dst"}


def endpoint_words(counts: Counts) -> dict[str, Any]:
    """Of each side that has endpoints; of real traffic, where the old tools probed."""
    words: dict[str, Any] = {}
    for side, short in _SIDES.items():
        mine = [count for name, count in counts if name == side]
        if mine:
            words |= {f"{short}_{word}": value for word, value in _of_side(mine).items()}
            words[f"{short}_endpoints"] = as_records((side, count) for count in mine)
    return words


def _of_side(counts: Sequence[EndpointCount]) -> dict[str, Any]:
    answered = [one.endpoint for one in counts if one.requests > one.faults]
    failed = [one.endpoint for one in counts if one.requests and one.requests == one.faults]
    return {
        "endpoint_urls_failed": failed,
        "endpoint_urls_succeeded": answered,
        "endpoints_operational_status": _status(counts, failed, answered),
    }


def _status(
    counts: Sequence[EndpointCount], failed: Sequence[str], answered: Sequence[str]
) -> str | None:
    if not answered:
        return "critical" if failed else None  # Nobody asked yet.
    was_down = any(one.times_opened for one in counts)
    return "degraded" if failed or was_down else "operational"
