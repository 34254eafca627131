"""A big object across in bounded parts: each proven, then the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bucketline.errors import BucketlineError, Changed, Mismatch, TooLarge
from bucketline.flow.move.carry import carried, looked, said_of
from bucketline.flow.move.proof import (
    Learnt,
    MovePolicy,
    disagreement,
    md5,
    tells_md5,
    tells_parts,
)
from bucketline.flow.move.traits import IN_PARTS
from bucketline.flow.move.whole import InOrder
from bucketline.model import Copy, Entry, Fate, Found, Outcome, Proof
from bucketline.stores.base import Abilities, Flow, Receipt, Store, Together, remember

_MIB = 1 << 20
# What the world's clients make their parts of, the most common first.
USUAL_PART_SIZES = tuple(
    mib * _MIB for mib in (8, 16, 5, 64, 10, 15, 25, 32, 50, 100, 128, 256, 512, 6, 12, 20, 200)
)


@dataclass(frozen=True, slots=True)
class _Span:
    number: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How an object crosses: in pieces of this size, so many at once."""

    part_size: int
    at_once: int


def copy_in_parts(action: Copy, source: Store, target: Store, policy: MovePolicy) -> Flow[Outcome]:
    """Read pinned ranges and write them as parts, a few at once; leaves no upload behind."""
    found = yield from source.stat(action.source.key, version=action.source.version)
    if found.entry.size != action.source.size:  # By its size we came here: see `layout`, `weight`.
        raise Changed("it has another size now", store=source.name, key=action.source.key)
    fitted = yield from carried(found, action.target_key, source, target, policy, way=IN_PARTS)
    plan = layout(found.entry, target.able, policy)
    upload = yield from target.begin(
        action.target_key, found.entry.size, attributes=fitted.attributes
    )
    order = InOrder() if tells_md5(found, source) else None
    mover = _Mover(found, source, target, action.target_key, upload, plan, order)
    spans = list(_spans(found.entry.size, plan.part_size))
    try:
        flows = [mover.move(span) for span in spans]
        digests: list[bytes] = yield Together(flows, width=plan.at_once)
        yield from _agree_with_source(mover, spans, digests, policy.learnt)
        etags = [digest.hex() for digest in digests]
        receipt = yield from target.finish(action.target_key, upload, etags)
    except BucketlineError:
        yield from _abandon(target, action.target_key, upload)
        raise
    etag = yield from _etag_of_whole(receipt, action.target_key, found.entry.size, target)
    proof = yield from _prove_whole(mover, spans, digests, etag)
    changes = yield from looked(fitted, action.target_key, receipt, target, policy, way=IN_PARTS)
    whole = etag_of_parts(digests)
    remember(source, found.entry, whole)
    return Outcome(
        Fate.DONE,
        size=found.entry.size,
        changes=changes,
        message=said_of(changes),
        proof=proof,
        source_etag=found.entry.pin,
        target_etag=receipt.stamp or etag,
        target_version=receipt.version,
        hashes={"md5-parts": whole, "part-size": str(plan.part_size)},
    )


@dataclass(frozen=True, slots=True)
class _Mover:
    """What all parts of one object share."""

    found: Found
    source: Store
    target: Store
    key: str
    upload: str
    plan: Layout
    order: InOrder | None  # Where the source's etag is the MD5 of the whole.

    def move(self, span: _Span) -> Flow[bytes]:
        """One part across; its MD5."""
        if self.order is None:
            body, digest = yield from self.read(span)
            yield from self._write(span, body, digest)
            return digest
        is_across = False
        try:
            body, digest = yield from self.read(span)
            hashing = self.order.add(span.number, body)
            yield Together([self._write(span, body, digest), hashing])
            yield from self.order.passed(span.number)
            is_across = True
        finally:
            if not is_across:
                self.order.give_up()
        return digest

    def read(self, span: _Span) -> Flow[tuple[bytes, bytes]]:
        """One part of the source, and its MD5."""
        entry = self.found.entry
        piece = yield from self.source.read(
            entry.key, start=span.start, size=span.size, version=entry.version, etag=entry.pin
        )
        if piece.found.entry.size != entry.size or len(piece.body) != span.size:
            raise Changed(
                "its size changed while it was read", store=self.source.name, key=entry.key
            )
        return piece.body, (yield from md5(piece.body))

    def _write(self, span: _Span, body: bytes, digest: bytes) -> Flow[None]:
        receipt = yield from self.target.part(
            self.key, self.upload, span.number, body, offset=span.start, md5=digest
        )
        if receipt.etag and receipt.etag != digest.hex():
            raise Mismatch(
                f"part {span.number} arrived as other bytes", store=self.target.name, key=self.key
            )

    def read_back(self, span: _Span) -> Flow[bytes]:
        """The MD5 of what the target holds there."""
        piece = yield from self.target.read(self.key, start=span.start, size=span.size)
        if piece.found.entry.size != self.found.entry.size:
            raise Mismatch("it arrived with another size", store=self.target.name, key=self.key)
        return (yield from md5(piece.body))


def layout(entry: Entry, able: Abilities, policy: MovePolicy) -> Layout:
    """Small objects in one piece; large ones in parts, as many at once as the memory allows."""
    if entry.size <= policy.part_size:
        return Layout(entry.size, 1)
    size = part_size(entry, able, policy.part_size)
    count = -(-entry.size // size)
    return Layout(size, max(1, min(policy.parts_at_once, count, policy.memory // size)))


def weight(entry: Entry, able: Abilities, policy: MovePolicy) -> int:
    """How many bytes of its body are in memory at once, at most."""
    if entry.size <= policy.part_size:
        return entry.size
    if entry.size > able.object_size_max:
        return 0
    plan = layout(entry, able, policy)
    return min(entry.size, plan.part_size * plan.at_once)


def part_size(entry: Entry, able: Abilities, wanted: int) -> int:
    """The size of all parts but the last.

    Where the source's own etag tells how many parts it was made of, the same size is kept if it is
    a usual one: the target's etag then equals the source's, and comparing stays cheap for ever.
    """
    if entry.size > able.object_size_max:
        raise TooLarge(f"{entry.size} bytes are more than the target takes", key=entry.key)
    least = max(able.part_size_min, -(-entry.size // able.parts_max))
    _, dash, count = entry.etag.partition("-")
    if dash and count.isdigit():
        for usual in USUAL_PART_SIZES:
            if -(-entry.size // usual) == int(count) and usual >= least and usual <= 4 * wanted:
                return usual
    size = -(-max(wanted, least) // _MIB) * _MIB
    return min(size, able.part_size_max)


def etag_of_parts(digests: Sequence[bytes]) -> str:
    """The etag that S3 gives to an object of these parts."""
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{whole}-{len(digests)}"


def _spans(size: int, step: int) -> Iterator[_Span]:
    for number, start in enumerate(range(0, size, step), start=1):
        yield _Span(number, start, min(step, size - start))


def _abandon(target: Store, key: str, upload: str) -> Flow[None]:
    try:
        yield from target.abandon(key, upload)
    except BucketlineError:
        return  # The error that brought us here is the one to tell.


def _agree_with_source(
    mover: _Mover, spans: list[_Span], digests: list[bytes], learnt: Learnt
) -> Flow[None]:
    """As for an object in one piece. An etag of as many parts tells, if its parts were ours."""
    entry, order = mover.found.entry, mover.order
    is_told = order is not None or tells_parts(mover.found, mover.source, len(spans))
    if not is_told:
        return
    if entry.etag == (etag_of_parts(digests) if order is None else order.etag):
        learnt.source_tells_md5 |= order is not None
        return
    again: list[bytes] = yield Together(
        [_digest_of(mover.read(span)) for span in spans], width=mover.plan.at_once
    )
    if again != digests or (order is not None and learnt.source_tells_md5):
        raise disagreement(entry, mover.source)


def _digest_of(reading: Flow[tuple[bytes, bytes]]) -> Flow[bytes]:
    return (yield from reading)[1]


def _prove_whole(mover: _Mover, spans: list[_Span], digests: list[bytes], etag: str) -> Flow[Proof]:
    """Each part's etag agreed with its bytes; now the whole: by its etag, or by reading it."""
    if etag == etag_of_parts(digests):
        return Proof.MD5_PARTS
    backs = [mover.read_back(span) for span in spans]
    if (yield Together(backs, width=min(2, mover.plan.at_once))) != digests:
        raise Mismatch(
            "the target holds other bytes than were sent", store=mover.target.name, key=mover.key
        )
    return Proof.READBACK


def _etag_of_whole(receipt: Receipt, key: str, size: int, target: Store) -> Flow[str]:
    """The finished object's etag; some servers keep it to themselves until they are asked."""
    if receipt.etag:
        return receipt.etag
    found = yield from target.stat(key, version=receipt.version)
    if found.entry.size != size:
        raise Mismatch(f"it has {found.entry.size} bytes, not {size}", store=target.name, key=key)
    return found.entry.etag
