"""What shows that an object in parts is the source's, and that the target holds it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bucketline.errors import Mismatch
from bucketline.flow.move.hashing import Hashed, Hashing, tells_md5
from bucketline.flow.move.layout import Span
from bucketline.flow.move.part import Mover
from bucketline.flow.move.proof import disagreement, prove_size, tells_parts
from bucketline.flow.move.wholes import Whole, whole_of
from bucketline.model import Proof
from bucketline.stores.base import Flow, Receipt, Sums, Together, Work
from bucketline.stores.digests import Algorithm, etag_of_parts


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an object that was read, and their hashes."""

    hashing: Hashing
    stretches: Sequence[Span]
    hashes: Sequence[Hashed]

    @property
    def etag(self) -> str:
        """Of an object of these parts; "" = their MD5s were not needed."""
        return etag_of_parts([one.md5.hex() for one in self.hashes]) if self.hashing.md5 else ""

    @property
    def sent(self) -> Whole | None:
        """What the target can tell of the whole."""
        return self._whole(self.hashing.sent, [one.sent for one in self.hashes])

    @property
    def told(self) -> Whole | None:
        """What the source told, if these are its bytes."""
        return self._whole(self.hashing.told, [one.told for one in self.hashes])

    @property
    def sums(self) -> Sums | None:
        """What ends the upload."""
        algorithm, whole = self.hashing.sent, self.sent
        if algorithm is None or whole is None:
            return None
        return Sums(whole.checksum, [algorithm.checksum(one.sent).value for one in self.hashes])

    def named(self, part_size: int) -> dict[str, str]:
        """For the ledger."""
        named = {"md5-parts": self.etag, "part-size": str(part_size)} if self.hashing.md5 else {}
        for algorithm, digests in (
            (self.hashing.told, [one.told for one in self.hashes]),
            (self.hashing.sent, [one.sent for one in self.hashes]),
        ):
            if algorithm is not None:
                named[algorithm.name] = algorithm.of_parts(self._sized(digests)).hex()
        return named

    def _whole(self, algorithm: Algorithm | None, digests: list[bytes]) -> Whole | None:
        if algorithm is None:
            return None
        return whole_of(algorithm, digests, [span.size for span in self.stretches])

    def _sized(self, digests: list[bytes]) -> list[tuple[bytes, int]]:
        return [(one, span.size) for one, span in zip(digests, self.stretches, strict=True)]


def agree_in_parts(parts: Parts, mover: Mover) -> Flow[None]:
    """As for an object in one piece. An etag of as many parts tells, if its parts were ours."""
    told, found, learnt = parts.told, mover.found, mover.policy.learnt
    if told is not None:
        if told.is_told(found.checksums[told.checksum.algorithm]):
            learnt.source_tells_checksums = True
            return
        yield from _disagrees(parts, mover, told.checksum.algorithm)
        return
    entry, order = found.entry, mover.order
    if order is None and not tells_parts(found, mover.source, len(parts.stretches)):
        return
    if entry.etag == (parts.etag if order is None else order.etag):
        learnt.source_tells_md5 |= order is not None
        return
    yield from _read_again(parts, mover)
    if order is not None and learnt.source_tells_md5:
        raise disagreement(entry, mover.source)


def prove_in_parts(parts: Parts, mover: Mover, receipt: Receipt, etag: str) -> Flow[Proof]:
    """Each part's answer agreed with its bytes; now the whole: by what the target tells of it."""
    whole, algorithm = parts.sent, parts.hashing.sent
    key, target = mover.upload.key, mover.target
    if whole is not None and algorithm is not None:
        told = receipt.checksums.get(algorithm.name, "")
        if not told and not parts.etag:
            found = yield from target.stat(key, version=receipt.version)
            told = found.checksums.get(algorithm.name, "")
        if told and not whole.is_told(told):
            raise _other_bytes(mover)
        if told:
            return algorithm.proof
        mover.policy.learnt.target_tells_no_whole = True
    if parts.etag and etag == parts.etag:
        return Proof.MD5_PARTS
    if mover.policy.accept is Proof.SIZE:
        return (yield from prove_size(key, mover.found.entry.size, receipt, target)).proof
    backs = [mover.read_back(span) for span in parts.stretches]
    held: list[Hashed] = yield Together(backs, width=min(2, mover.policy.parts_at_once))
    if held != list(parts.hashes):
        raise _other_bytes(mover)
    return Proof.READBACK


def _other_bytes(mover: Mover) -> Mismatch:
    said = "the target holds other bytes than were sent"
    return Mismatch(said, store=mover.target.name, key=mover.upload.key)


def _disagrees(parts: Parts, mover: Mover, name: str) -> Flow[None]:
    """Raises `Mismatch`, unless it is the checksum that is wrong: see `agree_with_source`."""
    found, source, learnt = mover.found, mover.source, mover.policy.learnt
    if name in source.able.checksums:
        raise disagreement(found.entry, source, name)
    if tells_md5(found, source):
        if (yield from _md5_again(parts, mover)) != found.entry.etag and learnt.source_tells_md5:
            raise disagreement(found.entry, source)
        return
    yield from _read_again(parts, mover)
    if learnt.source_tells_checksums:
        raise disagreement(found.entry, source, name)


def _read_again(parts: Parts, mover: Mover) -> Flow[None]:
    """Raises `Mismatch` unless the same bytes come once more."""
    readings = [_hashes_of(mover.read(span)) for span in parts.stretches]
    again: list[Hashed] = yield Together(readings, width=mover.policy.parts_at_once)
    if again != list(parts.hashes):
        raise disagreement(mover.found.entry, mover.source)


def _hashes_of(reading: Flow[tuple[bytes, Hashed]]) -> Flow[Hashed]:
    return (yield from reading)[1]


def _md5_again(parts: Parts, mover: Mover) -> Flow[str]:
    """The same in order; the MD5 of the whole."""
    whole = hashlib.md5(usedforsecurity=False)
    for span, before in zip(parts.stretches, parts.hashes, strict=True):
        body, hashed = yield from mover.read(span)
        if hashed != before:
            raise disagreement(mover.found.entry, mover.source)
        yield Work(partial(whole.update, body), name="hash")
    return whole.hexdigest()
