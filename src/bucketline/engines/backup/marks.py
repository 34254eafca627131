"""The tags that say of an object in a backup that it vanished from its source. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

DELETED, DELETED_AT = "Deleted", "DeletedAt"
UNDATED = "undated"
_MOST = 10  # Tags that an object may have.
# What earlier tools wrote has no zone, and sometimes no seconds: it is read as UTC.
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"
)


def moment(seconds: float) -> str:
    """As a tag says it: UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float | None:
    """What a tag says; None = it says nothing that makes sense."""
    told = _MOMENT.fullmatch(text.strip())
    if told is None:
        return None
    zone = (told[7] or "Z").replace("Z", "+0000").replace(":", "")
    plain = "-".join(told.group(1, 2, 3)) + "T" + ":".join((told[4], told[5], told[6] or "00"))
    try:
        there = datetime.strptime(plain + zone, "%Y-%m-%dT%H:%M:%S%z")
        return there.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):  # Its zone may take it out of all years.
        return None


def deleted_at(tags: Mapping[str, str]) -> str:
    """Since when it is gone at the source, as these tags say; "" = it is not.

    Without a date that makes sense nobody can say for how long, so that no purge ever takes it.
    """
    if tags.get(DELETED, "").lower() != "true":
        return ""
    told = seconds_of(tags.get(DELETED_AT, ""))
    return moment(told) if told is not None else UNDATED


def marked(tags: Mapping[str, str], at: str) -> dict[str, str] | None:
    """The same and ours; None = there is no room for ours."""
    both = {**tags, DELETED: "True", DELETED_AT: at}
    return both if len(both) <= _MOST else None


def unmarked(tags: Mapping[str, str]) -> dict[str, str]:
    """The same without ours."""
    return {name: tags[name] for name in tags if name not in (DELETED, DELETED_AT)}
