"""What most objects have, on a short path: their number makes each microsecond count."""

from __future__ import annotations

from collections.abc import Collection

from bucketline.flow.move.traits import UNTYPED
from bucketline.model import Attributes, Found
from bucketline.stores.base import Abilities
from bucketline.stores.local.types import type_of

_TYPE = "content-type"


def as_usual(found: Found, able: Abilities, *, is_file: bool) -> Attributes | None:
    """What `fit` would make of an object without anything unusual; None = it may have such.

    Nothing is asked for, and nothing is known to be dropped.
    """
    attributes = found.attributes
    if attributes.tags or attributes.tier or attributes.protection or not able.metadata:
        return None
    headers, metadata = attributes.headers, attributes.metadata
    if able.is_folder:
        if "mtime" in metadata or not found.entry.modified:
            return attributes if not is_file or _TYPE in headers else None
        if is_file:
            return None
        return Attributes(headers, {**metadata, "mtime": f"{found.entry.modified:.6f}"})
    if metadata and able.metadata_size_max and (len(metadata) > 1 or "mtime" not in metadata):
        return None
    if is_file and _TYPE not in headers and (told := type_of(found.entry.key)):
        return Attributes({_TYPE: told, **headers}, metadata)
    return attributes


def is_proven(attributes: Attributes, kept: Collection[str]) -> bool:
    """Whether the target was seen to keep all of it that comes in one piece."""
    if attributes.tier or attributes.protection:
        return False
    for name in attributes.headers:
        if name not in kept and (name != _TYPE or attributes.headers[name] not in UNTYPED):
            return False
    metadata = attributes.metadata
    return not metadata or ("metadata" in kept and all(map(str.isascii, metadata.values())))
