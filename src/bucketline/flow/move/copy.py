"""One object across, proven: hashed while it passes, then compared with what the target answers."""

from __future__ import annotations

from dataclasses import replace

from bucketline.errors import (
    BadRequest,
    Changed,
    Denied,
    Mismatch,
    StoreError,
    Unholdable,
    Unsupported,
)
from bucketline.flow.compare.pairs import is_same_etag
from bucketline.flow.move.carry import carried, looked, said_of
from bucketline.flow.move.hashing import choose, unjudged
from bucketline.flow.move.layout import weight
from bucketline.flow.move.live import WouldDelete
from bucketline.flow.move.parts import copy_in_parts
from bucketline.flow.move.pinned import fits, held
from bucketline.flow.move.proof import (
    MovePolicy,
    Sent,
    agree_with_source,
    prove,
    told_md5,
)
from bucketline.flow.move.within import copied_within
from bucketline.model import Copy, Delete, Entry, Fate, Outcome, Proof
from bucketline.stores.base import Flow, Store
from bucketline.stores.beyond import remember

__all__ = ["MovePolicy", "copy", "remove"]

_ATTEMPTS = 3  # At a source that changes under way, or bytes that do not agree.


def copy(action: Copy, source: Store, target: Store, policy: MovePolicy) -> Flow[Outcome]:
    """Make the target hold the source's object; a disagreement is tried again from the start."""
    for _ in range(_ATTEMPTS - 1):
        kept_tags = target.able.tags
        try:
            return (yield from _copy_once(action, source, target, policy))
        except (Changed, Mismatch):
            found = yield from source.stat(action.source.key)
            action = replace(action, source=found.entry)
        except Unholdable:
            if target.able.tags == kept_tags:
                raise  # Else it has just shown that it keeps none: the bytes go without.
    return (yield from _copy_once(action, source, target, policy))


def _is_still_that(entry: Entry, source: Store) -> Flow[None]:
    """What came is not what was listed: it changed since, or a cache on the way mixes up objects.

    An answer that is another object's agrees with itself; who is asked once more does not.
    """
    found = yield from source.stat(entry.key, version=entry.version)
    if found.entry.etag != entry.etag:
        said = "what came is another object, or it changes while it is read"
        raise Changed(said, store=source.name, key=entry.key)


def remove(action: Delete, target: Store, *, error: type[StoreError] = Changed) -> Flow[Outcome]:
    """Make the target stop holding the object; another one that came since it was seen stays."""
    key, then = action.target.key, action.target
    now = yield from _now(target, key)
    if now is not None and not fits(now, then):
        raise error("the target holds another one now", store=target.name, key=key)
    if now is not None:
        yield from target.delete(key)
    return Outcome(Fate.DONE, target_etag=then.pin)


def _now(target: Store, key: str) -> Flow[Entry | None]:
    """Who may not read an object may still see it in a listing, where it is the first."""
    try:
        return (yield from held(target, key))
    except (Denied, BadRequest, Unsupported):
        page = yield from target.page(key)
        for entry in page.entries:
            if entry.key == key:
                return entry
        if page.token and not target.able.sorted:
            raise
        return None


def _copy_once(action: Copy, source: Store, target: Store, policy: MovePolicy) -> Flow[Outcome]:
    if action.replaces is not None and is_same_etag(action.source, action.replaces):
        # An etag that two places gave to it is made of its bytes: a source that does not agree with
        # it has rotted, and must not replace a copy that may be whole.
        policy = replace(policy, learnt=replace(policy.learnt, source_tells_md5=True))
    if policy.is_within:
        outcome = yield from copied_within(action, source, target, policy)
        if outcome is not None:
            return outcome
    if action.source.size > policy.part_size:
        try:
            return (yield from copy_in_parts(action, source, target, policy))
        except WouldDelete:
            if action.source.size > weight(action.source, target.able, policy):
                raise  # Else it takes no more memory than was foreseen.
    return (yield from _copy_in_one_piece(action, source, target, policy))


def _copy_in_one_piece(
    action: Copy, source: Store, target: Store, policy: MovePolicy
) -> Flow[Outcome]:
    piece = yield from source.read(action.source.key, version=action.source.version)
    body, entry = piece.body, piece.found.entry
    if len(body) != entry.size:
        raise Mismatch(
            f"{len(body)} bytes came, not {entry.size}", store=source.name, key=entry.key
        )
    if entry.etag != action.source.etag and entry.etag and action.source.etag:
        yield from _is_still_that(entry, source)
    if policy.accept is Proof.SIZE:
        hashing = unjudged(piece.found, target)
        hashed = yield from hashing.of(body)
    else:
        hashing = choose(piece.found, source, target, is_silent=policy.learnt.target_is_silent)
        hashed = yield from hashing.of(body)
        yield from agree_with_source(hashing, hashed, piece, source, policy.learnt)
    key = action.target_key
    fitted = yield from carried(piece.found, key, source, target, policy)
    sent = Sent(key, entry.size, hashing, hashed)
    receipt = yield from target.write(
        key, body, attributes=fitted.attributes, md5=hashed.md5, checksum=sent.checksum
    )
    proven = yield from prove(sent, receipt, target, policy)
    changes = yield from looked(fitted, key, receipt, target, policy)
    if etag := hashed.md5.hex() or told_md5(receipt, target):
        remember(source, entry, etag)
    return Outcome(
        Fate.DONE,
        size=entry.size,
        changes=changes,
        message=said_of(changes),
        proof=proven.proof,
        source_etag=entry.pin,
        target_etag=proven.pin,
        target_version=receipt.version,
        hashes=hashing.named(hashed),
    )
