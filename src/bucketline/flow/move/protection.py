"""Encryption, access and locks of an object on its way: what of them can be had at the target."""

from __future__ import annotations

from collections.abc import Mapping

from bucketline.flow.move.traits import (
    HOLD,
    LOCK_MODE,
    LOCK_UNTIL,
    PROTECTIONS,
    SSE,
    dropped,
    spoken,
)
from bucketline.flow.move.wanted import KEEP, NONE, Fitting
from bucketline.model import NOTHING

_KEY_ID = f"{SSE}-aws-kms-key-id"
_BUCKET_KEY = f"{SSE}-bucket-key-enabled"
_CUSTOMER = f"{SSE}-customer-algorithm"


def protected(fitting: Fitting) -> Mapping[str, str]:
    """S3's words for all of it."""
    wish = fitting.wish
    is_asked = wish.encryption or wish.acl or wish.lock or wish.legal_hold
    if not is_asked and not fitting.given.attributes.protection:
        return NOTHING
    return {**_encryption(fitting), **_acl(fitting), **_lock(fitting), **_legal_hold(fitting)}


def _encryption(fitting: Fitting) -> Mapping[str, str]:
    wish, given = fitting.wish, fitting.given.attributes.protection
    was = "a customer's key" if _CUSTOMER in given else given.get(SSE, "")
    if fitting.able.seals:
        return NOTHING
    if wish.encryption in {"", NONE}:
        if was not in {"", "AES256"} and not wish.encryption:
            fitting.map("encryption", f"encrypted as the target does it, not with {was}")
        return NOTHING
    if wish.encryption != KEEP:
        return _encrypted(fitting, wish.encryption)
    if _CUSTOMER in given:
        fitting.refuse("encryption", "encrypted as the target does it, not with a customer's key")
        return NOTHING
    if not was:
        return NOTHING
    if was != "AES256" and not wish.key_id and not fitting.able.is_folder:
        fitting.map("encryption", f"with {was} and the target's own key, as none was named")
    return _encrypted(fitting, was)


def _encrypted(fitting: Fitting, algorithm: str) -> Mapping[str, str]:
    words, wish = {SSE: algorithm}, fitting.wish
    if algorithm != "AES256" and wish.key_id:
        words[_KEY_ID] = wish.key_id
    told = fitting.given.attributes.protection.get(_BUCKET_KEY, "")
    if wish.bucket_key is not None:
        told = str(wish.bucket_key).lower()
    if told and algorithm == "aws:kms":
        words[_BUCKET_KEY] = told
    return _if_kept(fitting, SSE, words)


def _acl(fitting: Fitting) -> Mapping[str, str]:
    wish = fitting.wish.acl
    if wish not in {"", KEEP}:
        return _if_kept(fitting, "acl", {"acl": wish})
    if not wish:
        return NOTHING
    if fitting.given.other_grants:
        fitting.refuse("acl", "without grants to accounts, which are others at the target")
    told = fitting.given.attributes.protection.get("acl", "private")
    return NOTHING if told == "private" else _if_kept(fitting, "acl", {"acl": told})


def _lock(fitting: Fitting) -> Mapping[str, str]:
    wish, given = fitting.wish, fitting.given.attributes.protection
    until = given.get(LOCK_UNTIL, "")
    is_locked = LOCK_MODE in given and until[:19] > wish.now[:19]
    if not wish.lock and is_locked:
        fitting.refuse("object-lock", "without object lock, which was not asked for")
    if wish.lock == KEEP and is_locked:
        words = {LOCK_MODE: given[LOCK_MODE], LOCK_UNTIL: until}
        return _if_kept(fitting, LOCK_UNTIL, words)
    if wish.lock in {"", NONE, KEEP}:
        return NOTHING
    return _if_kept(fitting, LOCK_UNTIL, {LOCK_MODE: wish.lock, LOCK_UNTIL: wish.lock_until})


def _legal_hold(fitting: Fitting) -> Mapping[str, str]:
    wish = fitting.wish.legal_hold
    if not wish and fitting.wish.lock in {KEEP, NONE}:
        wish = fitting.wish.lock
    is_held = fitting.given.attributes.protection.get(HOLD) == "ON"
    if is_held and not wish:
        fitting.refuse("legal-hold", "without legal hold, which was not asked for")
    if wish == "ON" or (wish == KEEP and is_held):
        return _if_kept(fitting, HOLD, {HOLD: "ON"})
    return NOTHING


def _if_kept(fitting: Fitting, trait: str, words: Mapping[str, str]) -> Mapping[str, str]:
    """These words, unless the target drops them; a folder can only note them."""
    if fitting.is_lost(trait) or not fitting.able.metadata:
        fitting.changes.append(dropped(trait))
        return NOTHING
    if fitting.able.is_folder:
        name = PROTECTIONS[trait]
        fitting.map(name, f"with {spoken(name)} noted only: a folder cannot enforce it")
    return words
