"""An object's attributes across: asked for where they cost a request, and looked for after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bucketline.errors import Denied, NotFound, Unholdable, Unsupported
from bucketline.flow.move.fidelity import fit, refusal
from bucketline.flow.move.proof import MovePolicy
from bucketline.flow.move.traits import dropped, is_kept, is_there, traits
from bucketline.flow.move.usual import as_usual, is_proven
from bucketline.flow.move.wanted import KEEP, Fitted, Given
from bucketline.model import Attributes, Change, Found
from bucketline.stores.base import Flow, Receipt, Store
from bucketline.stores.beyond import Access, access


def carried(
    found: Found, key: str, source: Store, target: Store, policy: MovePolicy, *, way: str = ""
) -> Flow[Fitted]:
    """What to write at the target under `key`; raises `Unholdable` when that is too little."""
    fitted = yield from _fitted(found, key, source, target, policy, way=way)
    if policy.witness is not None:
        policy.witness(key, found, fitted.attributes)
    return fitted


def _fitted(
    found: Found, key: str, source: Store, target: Store, policy: MovePolicy, *, way: str
) -> Flow[Fitted]:
    attributes, wish = found.attributes, policy.fidelity
    able, is_file = target.able, source.able.is_folder
    is_usual = wish.is_silent and not (found.tag_count or policy.learnt.lost)
    if is_usual and (told := as_usual(found, able, is_file=is_file)) is not None:
        return Fitted(told)
    if found.tag_count and not attributes.tags and wish.tags and able.tags and source.able.tags:
        tags = yield from source.tags(found.entry.key, version=found.entry.version)
        attributes = replace(attributes, tags=tags)
    other_grants = 0
    if wish.acl == KEEP and "acl" not in attributes.protection and not is_file:
        told_of = yield from _access(source, found)
        other_grants = told_of.other_grants
        attributes = replace(
            attributes, protection={**attributes.protection, "acl": told_of.canned}
        )
    given = Given(
        attributes,
        found.entry.key,
        found.entry.modified,
        found.tag_count,
        other_grants,
        is_file,
        way,
    )
    fitted = fit(given, wish, able, policy.learnt.lost)
    if fitted.refusal:
        raise Unholdable(fitted.refusal, store=target.name, key=key)
    return fitted


def looked(
    fitted: Fitted,
    key: str,
    receipt: Receipt,
    target: Store,
    policy: MovePolicy,
    *,
    way: str = "",
) -> Flow[tuple[Change, ...]]:
    """What is not as it was, now that it is written: a target may drop things without a word.

    It is asked until it has shown for each trait whether it keeps it, and never after.
    """
    kept = policy.learnt.kept
    if target.able.keeps_attributes or (not way and is_proven(fitted.attributes, kept)):
        return fitted.changes
    unproven = [trait for trait in traits(fitted.attributes, way) if trait not in kept]
    if not unproven:
        return fitted.changes
    if policy.learnt.is_blind:
        return (*fitted.changes, _UNSEEN)
    try:
        there = yield from target.stat(key, version=receipt.version)
    except (Denied, NotFound, Unsupported) as error:  # We may not look, or it is gone already.
        policy.learnt.is_blind = not isinstance(error, NotFound)
        return (*fitted.changes, _UNSEEN)
    if receipt.pin and there.entry.pin != receipt.pin:  # Somebody wrote another one meanwhile.
        return (*fitted.changes, _UNSEEN)
    has = there.attributes
    if "acl" in fitted.attributes.protection and "acl" not in has.protection:
        has = replace(has, protection={**has.protection, **(yield from _acl(key, receipt, target))})
    changes = (*fitted.changes, *_judged(unproven, fitted.attributes, has, policy))
    if why := refusal(changes, policy.fidelity):
        raise Unholdable(f"it is there, but {why}", store=target.name, key=key)
    return changes


def _access(source: Store, found: Found) -> Flow[Access]:
    """Who has no ACLs has none to keep."""
    try:
        return (yield from access(source, found.entry.key, version=found.entry.version))
    except Unsupported:
        return Access()


def _acl(key: str, receipt: Receipt, target: Store) -> Flow[dict[str, str]]:
    """As it is there now; nothing where nobody can tell."""
    try:
        told = yield from access(target, key, version=receipt.version)
    except (Denied, NotFound, Unsupported):
        return {}
    return {"acl": told.canned}


def said_of(changes: Sequence[Change]) -> str:
    """One line of them, for the ledger."""
    return "; ".join([change.said for change in changes]) if changes else ""


_UNSEEN = Change("attributes", "unproven", "with attributes that could not be looked at there")


def _judged(
    unproven: Sequence[str], written: Attributes, there: Attributes, policy: MovePolicy
) -> list[Change]:
    changes = []
    for trait in unproven:
        if is_kept(trait, written, there):
            policy.learnt.kept.add(trait)
        elif is_there(trait, there):  # Not so these values; others it may keep.
            change = dropped(trait)
            said = f"with {change.attribute} that the target has changed"
            changes.append(Change(change.attribute, "mapped", said))
        else:
            policy.learnt.lost.add(trait)
            changes.append(dropped(trait))
    return changes
