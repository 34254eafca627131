"""What becomes of an object's attributes: kept, mapped or refused, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bucketline.flow.move.protection import protected
from bucketline.flow.move.traits import NOT_KEPT, dropped, same_value
from bucketline.flow.move.wanted import KEEP, NONE, Fidelity, Fitted, Fitting, Given
from bucketline.model import NOTHING, Attributes, Change
from bucketline.stores.base import Abilities
from bucketline.stores.local.types import type_of

ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})  # Nothing is read from them without a thaw.
_TYPE = "content-type"


def fit(given: Given, wish: Fidelity, able: Abilities, lost: Collection[str]) -> Fitted:
    """What to write of `given` at a place that is `able` and was seen to drop what is `lost`."""
    fitting = Fitting(given, wish, able, lost)
    attributes = Attributes(
        _headers(fitting), _metadata(fitting), _tags(fitting), _tier(fitting), protected(fitting)
    )
    limit = able.metadata_size_max
    if limit and (size := _size(attributes.metadata)) > limit:
        said = f"its metadata has {size:,} bytes and the target takes {limit:,}; shorten it"
        return Fitted(attributes, tuple(fitting.changes), said)
    return Fitted(attributes, tuple(fitting.changes), refusal(fitting.changes, wish))


def refusal(changes: Sequence[Change], wish: Fidelity) -> str:
    """Why these changes must not be; empty = they may."""
    by_name = wish.by_name if changes else frozenset()
    for change in changes:
        if change.attribute in by_name:
            return f"it would arrive {change.said}, but that was asked for by name"
        if wish.strict and change.fate == "refused":
            return f"it would arrive {change.said}; --strict-attributes does not allow that"
    return ""


def _headers(fitting: Fitting) -> Mapping[str, str]:
    given, wish = fitting.given, fitting.wish
    headers = given.attributes.headers
    if wish.content_type == NONE:
        headers = {name: value for name, value in headers.items() if name != _TYPE}
    elif wish.content_type:
        headers = {**headers, _TYPE: wish.content_type}
    elif given.is_file and _TYPE not in headers and (told := type_of(given.key)):
        headers = {_TYPE: told, **headers}
    if wish.headers:
        headers = {**headers, **wish.headers}
    if not fitting.lost and fitting.able.metadata:
        return headers
    return {name: value for name, value in headers.items() if not _is_dropped(fitting, name, value)}


def _is_dropped(fitting: Fitting, name: str, value: str) -> bool:
    is_lost = fitting.is_lost(name) or not fitting.able.metadata
    if is_lost and not same_value(name, value, ""):
        fitting.changes.append(dropped(name))
    return is_lost


def _metadata(fitting: Fitting) -> Mapping[str, str]:
    metadata, able = fitting.given.attributes.metadata, fitting.able
    if fitting.wish.metadata:
        metadata = {**metadata, **fitting.wish.metadata}
    if able.is_folder and fitting.given.modified and "mtime" not in metadata:
        metadata = {**metadata, "mtime": f"{fitting.given.modified:.6f}"}
    if not metadata or (able.metadata and not fitting.lost):
        return metadata
    time = {"mtime": metadata["mtime"]} if able.is_folder and "mtime" in metadata else {}
    if not able.metadata or fitting.is_lost("metadata"):
        if len(metadata) > len(time):
            fitting.changes.append(dropped("metadata"))
        return time
    if not fitting.is_lost("metadata beyond ASCII"):
        return metadata
    plain = {name: value for name, value in metadata.items() if value.isascii()}
    if len(plain) < len(metadata):
        fitting.refuse("metadata", f"without metadata beyond ASCII, {NOT_KEPT}")
    return plain


def _tags(fitting: Fitting) -> Mapping[str, str]:
    tags, is_able = fitting.given.attributes.tags, fitting.able.tags
    if not fitting.wish.tags:
        return NOTHING
    if (fitting.given.tag_count or tags) and not (tags and is_able):
        fitting.changes.append(dropped("tags"))
        return NOTHING
    return tags


def _tier(fitting: Fitting) -> str:
    was, wanted, able = fitting.given.attributes.tier, fitting.wish.tier, fitting.able
    if wanted in {"", KEEP}:
        is_had = wanted == KEEP or able.tiers is None or was in able.tiers
        # In a folder nothing is archived: the name is only noted.
        wanted = was if is_had and (able.is_folder or was not in ARCHIVES) else ""
        if was and not wanted:
            fitting.changes.append(dropped(f"storage-class {was}"))
    if wanted in {"", "STANDARD"}:
        return ""
    if fitting.is_lost(f"storage-class {wanted}") or not able.metadata:
        fitting.changes.append(dropped(f"storage-class {wanted}"))
        return ""
    return wanted


def _size(metadata: Mapping[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
