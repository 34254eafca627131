"""Attributes of an object whose bytes are the same on both sides: compared, and brought over."""

from __future__ import annotations

from dataclasses import replace

from bucketline.errors import Changed, Remedy, StoreError, Unsupported
from bucketline.flow.compare.pairs import Both
from bucketline.flow.move.alike import completed, unlike
from bucketline.flow.move.carry import carried, looked, said_of
from bucketline.flow.move.layout import part_size
from bucketline.flow.move.proof import MovePolicy
from bucketline.flow.move.traits import IN_PARTS
from bucketline.flow.move.wanted import Fitted
from bucketline.model import Fate, Found, Outcome, Update
from bucketline.stores.base import Flow, Store
from bucketline.stores.beyond import access, retouched

UNKNOWN = "could not be compared"


def differing(both: Both, source: Store, target: Store, policy: MovePolicy) -> Flow[str]:
    """The names of attributes that differ; empty = none does."""
    try:
        mine = yield from source.stat(both.source.key, version=both.source.version)
        there = yield from target.stat(both.target.key)
        fitted, there = yield from _fitted(mine, there, source, target, policy)
    except StoreError as error:
        if error.remedy is Remedy.STOP:
            raise
        return UNKNOWN  # To bring them over fails likewise, and is told.
    return ", ".join(unlike(fitted.attributes, there.attributes, policy.fidelity))


def update(action: Update, source: Store, target: Store, policy: MovePolicy) -> Flow[Outcome]:
    """Give the target's object the attributes of the source's; no bytes cross."""
    key = action.key
    mine = yield from source.stat(action.source.key, version=action.source.version)
    there = yield from target.stat(key)
    for found, planned, store in (
        (mine, action.source, source),
        (there, action.target, target),
    ):
        if found.entry.size != planned.size or not _is_it(found, planned.pin):
            raise Changed("it is another object now", store=store.name, key=planned.key)
    fitted, there = yield from _fitted(mine, there, source, target, policy)
    whole = completed(fitted.attributes, there.attributes, policy.fidelity)
    size = part_size(there.entry, target.able, policy.part_size)
    receipt = yield from retouched(target, key, whole, there, size)
    way = IN_PARTS if "-" in there.entry.etag else ""
    changes = yield from looked(fitted, key, receipt, target, policy, way=way)
    return Outcome(
        Fate.DONE,
        changes=changes,
        message=said_of(changes),
        source_etag=mine.entry.pin,
        target_etag=receipt.pin,
        target_version=receipt.version,
    )


def _is_it(found: Found, pin: str) -> bool:
    """A file in motion has a pin that fits nothing; its size must do."""
    return not pin or found.entry.pin.removesuffix("~") == pin or found.entry.etag == pin


def _fitted(
    mine: Found, there: Found, source: Store, target: Store, policy: MovePolicy
) -> Flow[tuple[Fitted, Found]]:
    """What the target should have, and what it has; tags and ACLs are asked for where needed."""
    way = IN_PARTS if "-" in there.entry.etag else ""
    has = there.attributes
    if target.able.tags and not has.tags and (mine.tag_count or there.tag_count):
        has = replace(has, tags=(yield from _tags(target, there)))
    fitted = yield from carried(mine, there.entry.key, source, target, policy, way=way)
    if policy.fidelity.acl and "acl" not in has.protection:
        given = yield from access(target, there.entry.key)
        has = replace(has, protection={**has.protection, "acl": given.canned})
    return fitted, replace(there, attributes=has)


def _tags(target: Store, there: Found) -> Flow[dict[str, str]]:
    """Not all servers count them in the answer about an object; who has none learns that here."""
    try:
        return (yield from target.tags(there.entry.key))
    except Unsupported:
        return {}
