"""One object across by the service itself, where both sides are one service: no byte comes here.

Nobody hashes what is copied so: it is done only when the target tells the etag that the source had,
and that etag is made of the bytes. Whatever else comes of it, the object is streamed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bucketline.errors import (
    BadRequest,
    BucketlineError,
    Changed,
    Conflict,
    Denied,
    Interrupted,
    Mismatch,
    NotFound,
    TooLarge,
    Unsupported,
)
from bucketline.flow.move.carry import carried, looked, said_of
from bucketline.flow.move.hints import SentPart, Upload, fingerprint
from bucketline.flow.move.layout import Span, part_size_of, spans
from bucketline.flow.move.live import WouldDelete, look_after, look_before
from bucketline.flow.move.proof import MovePolicy
from bucketline.flow.move.resume import (
    OpenUpload,
    abandon_upload,
    begin_upload,
    left_upload,
    may_go_on,
)
from bucketline.flow.move.traits import IN_PARTS
from bucketline.flow.move.wanted import Fitted
from bucketline.flow.proof.rehash import PART_SIZE
from bucketline.model import NOTHING, Attributes, Copy, Fate, Found, Outcome, Proof
from bucketline.stores.base import Flow, Receipt, Store, Together
from bucketline.stores.beyond import copy_part_within, copy_within, first_part
from bucketline.stores.digests import etag_of_parts

_OF_BYTES = re.compile(r"([0-9a-f]{32})(?:-(\d{1,5}))?").fullmatch
_WHOLE_MAX = 5 << 30  # CopyObject takes no more.
_AT_ONCE = 8  # Parts; they take no memory here.
# The service will not, or not for us: the next object need not be tried.
_NEVER = (Denied, Unsupported, BadRequest, TooLarge)


class _Other(Exception):
    """The target tells another etag than the source's."""


def copied_within(
    action: Copy, source: Store, target: Store, policy: MovePolicy
) -> Flow[Outcome | None]:
    """The outcome; None = it must be streamed."""
    learnt = policy.learnt
    if learnt.copies_within is False or policy.accept.value > Proof.ETAG.value:
        return None
    if learnt.copies_within is None and action.replaces is not None:
        return None  # A server that takes a copy for a write of nothing would empty what is there.
    found = yield from source.stat(action.source.key, version=action.source.version)
    told = _OF_BYTES(found.entry.etag)
    if told is None or found.is_etag_opaque or found.archived:
        return None
    try:
        if told[2] is None:
            outcome = yield from _whole(action, found, source, target, policy)
        else:
            outcome = yield from _in_parts(action, found, source, target, policy)
    except _NEVER:
        learnt.copies_within = False
        return None
    except (
        _Other
    ):  # Of parts, their sizes may have been guessed wrong; of the whole, it is a habit.
        learnt.copies_within = learnt.copies_within if told[2] else False
        return None
    except WouldDelete:
        return None
    if outcome is not None:
        learnt.copies_within = True
    return outcome


def _whole(
    action: Copy, found: Found, source: Store, target: Store, policy: MovePolicy
) -> Flow[Outcome | None]:
    if found.entry.size > _WHOLE_MAX:
        return None
    key = action.target_key
    fitted = yield from carried(found, key, source, target, policy)
    if _is_at_risk(fitted, target):
        return None
    try:
        receipt = yield from copy_within(source, target, key, found.entry, _to_say(fitted, found))
    except Conflict:
        raise _changed(found, source) from None
    return (yield from _outcome(_Errand(found, fitted, source, target, policy), key, receipt))


def _in_parts(
    action: Copy, found: Found, source: Store, target: Store, policy: MovePolicy
) -> Flow[Outcome | None]:
    entry = found.entry
    step = part_size_of(entry, target.able, (yield from first_part(source, entry)))
    if not step:
        return None  # Nobody knows which parts would make the same etag.
    key = action.target_key
    fitted = yield from carried(found, key, source, target, policy, way=IN_PARTS)
    if _is_at_risk(fitted, target):
        return None
    mark = fingerprint(entry, step, fitted.attributes)
    wanted = Upload(key, "", entry.size, step, entry.pin, f"within {mark}" if mark else "")
    errand = _Errand(found, fitted, source, target, policy)
    upload = yield from left_upload(wanted, target, policy)
    if upload is None:
        looks = yield from look_before(key, action.replaces, target, policy.learnt)
        upload = yield from begin_upload(wanted, fitted.attributes, target, policy.hints)
        if looks:
            yield from look_after(key, target, policy.learnt)
    receipt = yield from errand.send(upload, list(spans(entry.size, step)))
    yield from policy.hints.finished(key, upload.name)
    return (yield from _outcome(errand, key, receipt, part_size=step))


@dataclass(frozen=True, slots=True)
class _Errand:
    """One object on its way."""

    found: Found
    fitted: Fitted
    source: Store
    target: Store
    policy: MovePolicy

    def send(self, upload: OpenUpload, stretches: Sequence[Span]) -> Flow[Receipt]:
        """Have all parts copied and finished."""
        hints = self.policy.hints
        try:
            flows = [self._part(upload, span) for span in stretches]
            sent: list[SentPart] = yield Together(flows, width=_AT_ONCE)
            if upload.receipt is not None:
                return upload.receipt
            etags = [part.etag for part in sent]
            if etag_of_parts(etags) == self.found.entry.etag:
                return (yield from self.target.finish(upload.key, upload.name, etags))
        except BucketlineError as error:
            if not (hints.lasts and may_go_on(error)):
                yield from abandon_upload(upload, self.target, hints)
            if isinstance(error, NotFound) and upload.is_resumed:
                raise _changed(self.found, self.target) from None  # The upload is gone: anew.
            if isinstance(error, Conflict):
                raise _changed(self.found, self.source) from None
            raise
        yield from abandon_upload(upload, self.target, hints)
        raise _Other

    def _part(self, upload: OpenUpload, span: Span) -> Flow[SentPart]:
        policy, number = self.policy, span.number
        held = upload.held.get(number)
        if held is not None:
            return held
        if policy.wish.cuts and policy.hints.lasts:
            raise Interrupted(
                f"{self.target.name}: stopped in the middle of an object, of which the parts"
                " that arrived are kept; run again"
            )
        receipt = yield from copy_part_within(
            self.source,
            self.target,
            (upload.key, upload.name, number),
            (self.found.entry, span.start, span.size),
        )
        if _OF_BYTES(receipt.etag) is None:
            raise Unsupported(
                "the service tells no etag of a part that it copied",
                store=self.target.name,
                key=upload.key,
            )
        sent = SentPart(receipt.etag, receipt.etag)
        yield from policy.hints.remember_parts(upload.key, upload.name, {number: sent})
        return sent


def _outcome(errand: _Errand, key: str, receipt: Receipt, *, part_size: int = 0) -> Flow[Outcome]:
    """DONE, if the target tells what the source had told; raises `_Other`, `Mismatch`."""
    way = IN_PARTS if part_size else ""
    entry, target = errand.found.entry, errand.target
    etag = receipt.etag
    if not etag or receipt.stamp:
        there = yield from target.stat(key, version=receipt.version)
        etag = there.entry.etag
    if etag != entry.etag:
        raise _Other
    changes = yield from looked(errand.fitted, key, receipt, target, errand.policy, way=way)
    return Outcome(
        Fate.DONE,
        size=entry.size,
        changes=changes,
        message=said_of(changes),
        proof=Proof.MD5_PARTS if way else Proof.ETAG,
        source_etag=entry.pin,
        target_etag=etag,
        target_version=receipt.version,
        hashes=_told_hash(etag, part_size) if target.able.etag_is_md5 else NOTHING,
    )


def _told_hash(etag: str, part_size: int) -> dict[str, str]:
    """The hash that the etag is: nobody made it here, and a later verification can."""
    if part_size:
        return {"md5-parts": etag, PART_SIZE: str(part_size)}
    return {"md5": etag}


def _to_say(fitted: Fitted, found: Found) -> Attributes | None:
    """The attributes that a copy must be told; None = it takes over all that matters."""
    wanted, there = fitted.attributes, found.attributes
    is_as_there = (wanted.headers, wanted.metadata) == (there.headers, there.metadata)
    return None if is_as_there and not (wanted.tier or wanted.protection) else wanted


def _is_at_risk(fitted: Fitted, target: Store) -> bool:
    """Whether the target may lose in a copy what it keeps of a write: many servers do."""
    attributes = fitted.attributes
    return bool(attributes.tags or attributes.protection) and not target.able.keeps_attributes


def _changed(found: Found, store: Store) -> Changed | Mismatch:
    return Changed("it changed while it was copied", store=store.name, key=found.entry.key)
