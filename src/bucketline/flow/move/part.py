"""One part across: read pinned, hashed, sent, and its receipt judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bucketline.errors import Changed, Interrupted, Mismatch
from bucketline.flow.move.hashing import Hashed, Hashing, is_right
from bucketline.flow.move.hints import SentPart
from bucketline.flow.move.layout import Span
from bucketline.flow.move.proof import Learnt, MovePolicy, md5
from bucketline.flow.move.resume import OpenUpload
from bucketline.flow.move.whole import InOrder
from bucketline.model import Found
from bucketline.stores.base import Flow, Receipt, Store, Together
from bucketline.stores.beyond import held_part

_SENDINGS = 3  # Of a part whose etag denies it.


@dataclass(frozen=True, slots=True)
class Mover:
    """What all parts of one object share."""

    found: Found
    source: Store
    target: Store
    upload: OpenUpload
    policy: MovePolicy
    hashing: Hashing  # Of each part.
    order: InOrder | None  # Where the source's etag is the MD5 of the whole.

    def move(self, span: Span) -> Flow[SentPart]:
        """Have the part at the target, by sending it or because it is there."""
        held = self.upload.held.get(span.number)
        if held is not None and self.order is None and self.hashing.again(held.named):
            return held
        if self.policy.wish.cuts and self.policy.hints.lasts:
            raise Interrupted(
                f"{self.target.name}: stopped in the middle of an object, of which the parts"
                " that arrived are kept; run again"
            )
        if self.order is None:
            body, hashed = yield from self.read(span)
            return (yield from self._deliver(span, body, hashed))
        is_across = False
        try:
            body, hashed = yield from self._nearest(span, held)
            in_order = self.order.add(span.number, body)
            sent, _ = yield Together([self._deliver(span, body, hashed), in_order])
            yield from self.order.passed(span.number)
            is_across = True
        finally:
            if not is_across:
                self.order.give_up()
        kept: SentPart = sent
        return kept

    def _nearest(self, span: Span, held: SentPart | None) -> Flow[tuple[bytes, Hashed]]:
        """The part as the target was given it, where it vouches for that; else of the source."""
        hashed = self.hashing.again(held.named) if held is not None else None
        if hashed is None or not self.target.able.vouches_for_parts:
            return (yield from self.read(span))
        upload = self.upload
        return (yield from held_part(self.target, upload.key, upload.name, span.number)), hashed

    def read(self, span: Span) -> Flow[tuple[bytes, Hashed]]:
        """One part of the source, and its hashes."""
        body = yield from self._bounded(span, self._range)
        return body, (yield from self.hashing.of(body))

    def read_back(self, span: Span) -> Flow[Hashed]:
        """The hashes of what the target holds there."""
        return (yield from self.hashing.of((yield from self._bounded(span, self._range_back))))

    def _bounded(self, span: Span, read: Callable[[int, int], Flow[bytes]]) -> Flow[bytes]:
        """A stretch; what is larger than an answer may be comes as several."""
        most, end = self.policy.answer_max, span.start + span.size
        if span.size <= most:
            return (yield from read(span.start, span.size))
        starts = range(span.start, end, most)
        flows = [read(start, min(most, end - start)) for start in starts]
        bodies: list[bytes] = yield Together(flows, width=self.policy.parts_at_once)
        return b"".join(bodies)

    def _range(self, start: int, size: int) -> Flow[bytes]:
        entry = self.found.entry
        piece = yield from self.source.read(
            entry.key, start=start, size=size, version=entry.version, etag=entry.pin
        )
        if piece.found.entry.size != entry.size or len(piece.body) != size:
            raise Changed(
                "its size changed while it was read", store=self.source.name, key=entry.key
            )
        return piece.body

    def _range_back(self, start: int, size: int) -> Flow[bytes]:
        key = self.upload.key
        piece = yield from self.target.read(key, start=start, size=size)
        if piece.found.entry.size != self.found.entry.size:
            raise Mismatch("it arrived with another size", store=self.target.name, key=key)
        return piece.body

    def _deliver(self, span: Span, body: bytes, hashed: Hashed) -> Flow[SentPart]:
        """Send the part, unless the target holds just these bytes."""
        number, hints, upload = span.number, self.policy.hints, self.upload
        held = upload.held.get(number)
        if held is not None and self._is_same(held, hashed):
            return self._sent(held.etag, hashed)
        theirs = upload.unproven.get(number)
        if theirs and theirs == (hashed.md5 or (yield from md5(body))).hex():
            sent = self._sent(theirs, hashed)  # Arrived, and its answer was lost.
        else:
            sent = yield from self._send(span, body, hashed)
        if not self.target.able.vouches_for_parts:
            yield from hints.remember_parts(upload.key, upload.name, {number: sent})
        return sent

    def _send(self, span: Span, body: bytes, hashed: Hashed) -> Flow[SentPart]:
        checksum = self.hashing.checksum(hashed)
        denied: set[str] = set()
        for _ in range(_SENDINGS):
            receipt = yield from self.target.part(
                *(self.upload.key, self.upload.name, span.number, body),
                offset=span.start,
                md5=hashed.md5,
                checksum=checksum,
            )
            is_told = is_right(receipt.checksums, checksum)
            if is_told is None:  # Who takes checksums has refused a wrong one.
                is_told = not hashed.md5 or agrees(receipt, hashed.md5, self.policy.learnt, denied)
            if is_told:
                etag = receipt.etag or (hashed.md5 or (yield from md5(body))).hex()
                return self._sent(etag, hashed)
            denied.add(receipt.etag)
        raise Mismatch(
            f"part {span.number} arrived as other bytes",
            store=self.target.name,
            key=self.upload.key,
        )

    def _is_same(self, held: SentPart, hashed: Hashed) -> bool:
        """Whether it has these bytes, by the hashes that it was remembered with."""
        known, named = held.named, self.hashing.named(hashed)
        both = known.keys() & named.keys()
        return bool(both) and all(known[name] == named[name] for name in both)

    def _sent(self, etag: str, hashed: Hashed) -> SentPart:
        named = self.hashing.named(hashed)
        named.pop("md5", None)
        sums = " ".join(f"{name}={value}" for name, value in named.items())
        return SentPart(etag, hashed.md5.hex(), sums)


def agrees(receipt: Receipt, digest: bytes, learnt: Learnt, denied: set[str]) -> bool:
    """Whether the target's answer to a part allows that it holds these bytes.

    An etag that is no MD5 says nothing, unless this target has told MD5s: then these are other
    bytes. Before that it is believed when it comes twice; the whole will be read back.
    """
    if receipt.etag == digest.hex():
        learnt.target_tells_md5 = True
        return True
    if not receipt.etag or receipt.is_etag_opaque:
        return True
    return not learnt.target_tells_md5 and receipt.etag in denied
