"""A big object across in bounded parts: each proven, then the whole."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from bucketline.errors import (
    BucketlineError,
    Changed,
    Mismatch,
    NotFound,
)
from bucketline.flow.move.carry import carried, looked, said_of
from bucketline.flow.move.hashing import Hashed, Hashing, choose_for_parts, tells_md5, unjudged
from bucketline.flow.move.hints import SentPart, Upload, fingerprint
from bucketline.flow.move.layout import Layout, Span, layout, spans
from bucketline.flow.move.live import look_after, look_before
from bucketline.flow.move.part import Mover
from bucketline.flow.move.proof import MovePolicy, told_md5
from bucketline.flow.move.prove_parts import Parts, agree_in_parts, prove_in_parts
from bucketline.flow.move.resume import (
    OpenUpload,
    abandon_upload,
    begin_upload,
    left_upload,
    may_go_on,
)
from bucketline.flow.move.traits import IN_PARTS
from bucketline.flow.move.wanted import Fitted
from bucketline.flow.move.whole import InOrder
from bucketline.model import Copy, Entry, Fate, Found, Outcome, Proof
from bucketline.stores.base import Flow, Receipt, Store, Together
from bucketline.stores.beyond import first_part, remember


def copy_in_parts(action: Copy, source: Store, target: Store, policy: MovePolicy) -> Flow[Outcome]:
    """Read pinned ranges and write them as parts, a few at once.

    Goes on with what an earlier process left, and leaves an upload only for a later one.
    """
    found = yield from source.stat(action.source.key, version=action.source.version)
    if found.entry.size != action.source.size:  # By its size we came here: see `layout`, `weight`.
        raise Changed("it has another size now", store=source.name, key=action.source.key)
    fitted = yield from carried(found, action.target_key, source, target, policy, way=IN_PARTS)
    plan = layout(found.entry, target.able, policy, (yield from first_part(source, found.entry)))
    silent = policy.learnt.target_tells_no_whole
    count = -(-found.entry.size // plan.part_size)
    if policy.accept is Proof.SIZE:
        hashing = unjudged(found, target, in_parts=True)
    else:
        hashing = choose_for_parts(found, source, target, count, is_silent=silent)
    errand = _Errand(found, fitted, source, target, policy, plan, hashing)
    wanted = errand.wanted(action.target_key)
    upload = yield from left_upload(wanted, target, policy)
    if upload is not None:
        with suppress(NotFound):  # Of the upload: it is gone, although nothing had told so.
            return (yield from errand.carry_out(upload))
    upload = yield from errand.begin(wanted, action.replaces)
    return (yield from errand.carry_out(upload))


@dataclass(frozen=True, slots=True)
class _Errand:
    """One object on its way."""

    found: Found
    fitted: Fitted
    source: Store
    target: Store
    policy: MovePolicy
    plan: Layout
    hashing: Hashing

    @property
    def algorithm(self) -> str:
        """Whose checksums go along with the parts; "" = none's."""
        return self.hashing.sent.name if self.hashing.sent else ""

    def wanted(self, key: str) -> Upload:
        """The upload that it needs."""
        entry, step = self.found.entry, self.plan.part_size
        mark = fingerprint(entry, step, self.fitted.attributes, self.algorithm)
        return Upload(key, "", entry.size, step, entry.pin, mark)

    def begin(self, wanted: Upload, replaces: Entry | None) -> Flow[OpenUpload]:
        """A new upload, if what stands there stays until it is finished."""
        learnt, hints, target = self.policy.learnt, self.policy.hints, self.target
        looks = yield from look_before(wanted.key, replaces, target, learnt)
        attributes = self.fitted.attributes
        upload = yield from begin_upload(
            wanted, attributes, target, hints, algorithm=self.algorithm
        )
        if looks:
            yield from look_after(wanted.key, target, learnt)
        return upload

    def carry_out(self, upload: OpenUpload) -> Flow[Outcome]:
        """All parts across, the whole finished and proven."""
        entry, step = self.found.entry, self.plan.part_size
        is_judged = self.policy.accept is not Proof.SIZE and self.hashing.told is None
        order = InOrder() if is_judged and tells_md5(self.found, self.source) else None
        mover = Mover(
            self.found, self.source, self.target, upload, self.policy, self.hashing, order
        )
        parts, receipt = yield from self._send(mover, list(spans(entry.size, step)))
        yield from self.policy.hints.finished(upload.key, upload.name)
        try:
            etag, proof = yield from self._shown(mover, parts, receipt)
        except Mismatch:  # Whatever stands there, this upload can be of no use any more.
            yield from self.policy.hints.forget(upload.key, upload.name)
            raise
        changes = yield from looked(
            self.fitted, upload.key, receipt, self.target, self.policy, way=IN_PARTS
        )
        if known := parts.etag or told_md5(receipt, self.target):
            remember(self.source, entry, known)
        return Outcome(
            Fate.DONE,
            size=entry.size,
            changes=changes,
            message=said_of(changes),
            proof=proof,
            source_etag=entry.pin,
            target_etag=receipt.stamp or etag,
            target_version=receipt.version,
            hashes=parts.named(step),
        )

    def _send(self, mover: Mover, stretches: list[Span]) -> Flow[tuple[Parts, Receipt]]:
        """The hashes of the parts, and what the target said to all of them."""
        upload, hints = mover.upload, self.policy.hints
        try:
            flows = [mover.move(span) for span in stretches]
            sent: list[SentPart] = yield Together(flows, width=self.plan.at_once)
            parts = Parts(self.hashing, stretches, _hashes_of(sent, self.hashing))
            if self.policy.accept is not Proof.SIZE:
                yield from agree_in_parts(parts, mover)
            if upload.receipt is not None:
                return parts, upload.receipt
            etags = [part.etag for part in sent]
            finish = self.target.finish(upload.key, upload.name, etags, sums=parts.sums)
            return parts, (yield from finish)
        except BucketlineError as error:
            if not (hints.lasts and may_go_on(error)):
                yield from abandon_upload(upload, self.target, hints)
            raise

    def _shown(self, mover: Mover, parts: Parts, receipt: Receipt) -> Flow[tuple[str, Proof]]:
        """What the target holds now: its etag, and what shows that it is this object."""
        key = mover.upload.key
        if mover.upload.is_resumed and not self.target.able.vouches_for_parts:
            yield from self._look(key, receipt)
        etag = yield from _etag_of_whole(receipt, key, self.found.entry.size, self.target)
        return etag, (yield from prove_in_parts(parts, mover, receipt, etag))

    def _look(self, key: str, receipt: Receipt) -> Flow[None]:
        """An earlier process may have finished it, and somebody replaced the object since: some
        servers say then what they said the first time.
        """
        if not receipt.pin:
            return  # The server will be asked anyway.
        try:
            found = yield from self.target.stat(key, version=receipt.version)
        except NotFound:
            raise self._replaced(key) from None
        if found.entry.pin != receipt.pin:
            raise self._replaced(key)

    def _replaced(self, key: str) -> Mismatch:
        return Mismatch("another object or none stands there now", store=self.target.name, key=key)


def _hashes_of(sent: list[SentPart], hashing: Hashing) -> list[Hashed]:
    """Those of each part; of one that is remembered, too, as its upload began with these."""
    found = [hashing.again(part.named) for part in sent]
    return [one for one in found if one is not None]


def _etag_of_whole(receipt: Receipt, key: str, size: int, target: Store) -> Flow[str]:
    """The finished object's etag; some servers keep it to themselves until they are asked."""
    if receipt.etag:
        return receipt.etag
    found = yield from target.stat(key, version=receipt.version)
    if found.entry.size != size:
        raise Mismatch(f"it has {found.entry.size} bytes, not {size}", store=target.name, key=key)
    return found.entry.etag
