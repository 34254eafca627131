"""Whether an object has the attributes that it should have, and what it is to get if not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bucketline.flow.move.traits import HOLD, LOCK_MODE, LOCK_UNTIL, SSE, same_value
from bucketline.flow.move.wanted import NONE, Fidelity
from bucketline.model import Attributes
from bucketline.stores.local.attributes import from_seconds

_SLACK_NANOSECONDS = 2_000  # Times pass through floats and file systems.
_KEY_ID = f"{SSE}-aws-kms-key-id"
_DAY = 10  # So many characters of a time tell the day.


def unlike(wanted: Attributes, there: Attributes, wish: Fidelity) -> list[str]:
    """The attributes that differ. Of protection and storage class only what was asked for."""
    return sorted({*_headers(wanted, there), *_rest(wanted, there, wish)})


def completed(wanted: Attributes, there: Attributes, wish: Fidelity) -> Attributes:
    """All that the object is to have: what was not asked about stays as it is there."""
    kept = dict(there.protection)
    if wish.encryption not in {"", NONE}:
        kept = {name: told for name, told in kept.items() if not name.startswith(SSE)}
    return Attributes(
        wanted.headers,
        wanted.metadata,
        wanted.tags if wish.tags else there.tags,
        wanted.tier if wish.tier else there.tier,
        {**kept, **wanted.protection},
    )


def _headers(wanted: Attributes, there: Attributes) -> Iterator[str]:
    for name in wanted.headers.keys() | there.headers.keys():
        if not same_value(name, wanted.headers.get(name, ""), there.headers.get(name, "")):
            yield name


def _rest(wanted: Attributes, there: Attributes, wish: Fidelity) -> Iterator[str]:
    if not _is_same_metadata(wanted.metadata, there.metadata):
        yield "metadata"
    if wish.tags and wanted.tags != there.tags:
        yield "tags"
    if wish.tier and wanted.tier != there.tier:
        yield "storage-class"
    mine, other = wanted.protection, there.protection
    if wish.encryption not in {"", NONE} and any(
        name in mine and mine[name] != other.get(name, "") for name in (SSE, _KEY_ID)
    ):
        yield "encryption"
    if wish.acl and mine.get("acl", "private") != other.get("acl", "private"):
        yield "acl"
    if LOCK_UNTIL in mine and not _is_locked_so(mine, other):
        yield "object-lock"
    if HOLD in mine and other.get(HOLD) != mine[HOLD]:
        yield "legal-hold"


def _is_locked_so(mine: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """A lock for so many days begins anew with each run: the day is close enough."""
    is_mode = mine[LOCK_MODE] == other.get(LOCK_MODE)
    return is_mode and mine[LOCK_UNTIL][:_DAY] <= other.get(LOCK_UNTIL, "")[:_DAY]


def _is_same_metadata(wanted: Mapping[str, str], there: Mapping[str, str]) -> bool:
    mine = {name.lower(): told for name, told in wanted.items()}
    other = {name.lower(): told for name, told in there.items()}
    time, other_time = (from_seconds(one.get("mtime", "")) for one in (mine, other))
    if time is not None and other_time is not None:
        if abs(time - other_time) > _SLACK_NANOSECONDS:
            return False
        mine["mtime"] = other["mtime"]
    return mine == other
