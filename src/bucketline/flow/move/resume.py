"""An upload to send parts to: one that an earlier process left, if the target confirms it, or new.

Whatever else was begun for the key, and by us, is removed.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bucketline.errors import (
    BucketlineError,
    Changed,
    Interrupted,
    LedgerError,
    Mismatch,
    NoRoom,
    NotFound,
    Remedy,
    StoreError,
    Unsupported,
)
from bucketline.flow.move.hints import Hints, SentPart, Upload
from bucketline.flow.move.layout import spans
from bucketline.flow.move.proof import MovePolicy, Wish
from bucketline.flow.move.wholes import whole_of
from bucketline.model import Attributes, Found
from bucketline.stores.base import Flow, Part, Receipt, Store
from bucketline.stores.digests import VOUCHED, etag_of_parts

_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch

# When an upload of exactly our key began around the time at which we were about to begin one, it is
# ours: clocks agree to seconds, and attempts to begin go on for minutes.
_BEFORE_SECONDS = 5.0
_AFTER_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that takes parts."""

    key: str
    name: str
    is_resumed: bool = False
    held: dict[int, SentPart] = field(default_factory=dict)  # These need not be sent.
    # Parts of the right size that the target holds, and nobody remembers: number -> etag.
    unproven: dict[int, str] = field(default_factory=dict)
    receipt: Receipt | None = None  # It has become the object already.


def may_go_on(error: BucketlineError) -> bool:
    """Whether the parts that arrived are as good as ever, once what failed has passed."""
    if isinstance(error, Interrupted | LedgerError):
        return True
    if not isinstance(error, StoreError) or isinstance(error, Mismatch | Changed | NoRoom):
        return False
    return error.remedy in {Remedy.RETRY, Remedy.STOP}


def left_upload(wanted: Upload, target: Store, policy: MovePolicy) -> Flow[OpenUpload | None]:
    """One for `wanted` that an earlier process left; others of its key are removed.

    To find out what the target holds of it may take long: a wish to end is heard meanwhile.
    """
    hints = policy.hints
    going: OpenUpload | None = None
    for hint in (yield from hints.of(wanted.key)):
        if going is None and _fits(hint, wanted):
            going = yield from _unless_cut(_confirmed(hint, target), policy.wish, target.name)
            if going is not None:
                continue
        yield from let_go(hint, target, hints)
    return going


def begin_upload(
    wanted: Upload, attributes: Attributes, target: Store, hints: Hints, *, algorithm: str = ""
) -> Flow[OpenUpload]:
    """A new one. Between the deed and the note of its name lies a crash that the intent cures."""
    key = wanted.key
    intent = yield from hints.remember(replace(wanted, started=0.0))
    name = yield from target.begin(key, wanted.size, attributes=attributes, algorithm=algorithm)
    again: set[str] = getattr(target, "begun_again", set())
    if key in again:
        again.discard(key)
        yield from _sweep(key, intent.started, target, but=name)
    yield from hints.remember(replace(intent, upload=name))
    return OpenUpload(key, name)


def abandon_upload(upload: OpenUpload, target: Store, hints: Hints) -> Flow[None]:
    """It will not become the object. What cannot be removed stays remembered for the next run."""
    try:
        yield from target.abandon(upload.key, upload.name)
        yield from hints.forget(upload.key, upload.name)
    except StoreError:
        return  # The error that brought us here is the one to tell.


def let_go(hint: Upload, target: Store, hints: Hints) -> Flow[None]:
    """Remove what is remembered of no use. Raises when that fails: it stays remembered."""
    if hint.upload:
        yield from target.abandon(hint.key, hint.upload)
    else:
        yield from _sweep(hint.key, hint.started, target)
    yield from hints.forget(hint.key, hint.upload)


def _fits(hint: Upload, wanted: Upload) -> bool:
    return bool(hint.upload and wanted.fingerprint) and hint.fingerprint == wanted.fingerprint


def _confirmed(hint: Upload, target: Store) -> Flow[OpenUpload | None]:
    """What the target holds of it, held against what is remembered; None = nothing any more."""
    sizes = {span.number: span.size for span in spans(hint.size, hint.part_size)}
    opened = OpenUpload(hint.key, hint.upload, is_resumed=True)
    if not target.able.lists_parts:
        return replace(opened, held=dict(hint.parts))
    try:
        parts = yield from target.list_parts(hint.key, hint.upload)
    except Unsupported:
        return replace(opened, held=dict(hint.parts))
    except NotFound:
        return (yield from _finished(opened, hint, len(sizes), target))
    for part in parts:
        known = hint.parts.get(part.number)
        if sizes.get(part.number) != part.size:
            continue
        if known is None and target.able.vouches_for_parts:
            known = _told(part)
        if known is not None and known.etag == part.etag:
            opened.held[part.number] = known
        else:
            opened.unproven[part.number] = part.etag
    return opened


def _unless_cut(
    flow: Flow[OpenUpload | None], wish: Wish, target_name: str
) -> Flow[OpenUpload | None]:
    """The flow, as long as nobody wishes to end: to see what is there changes nothing."""
    try:
        effect = flow.send(None)
        while True:
            if wish.cuts:
                raise Interrupted(
                    f"{target_name}: stopped while it was seen what has arrived of an object;"
                    " that is kept; run again"
                )
            try:
                answer = yield effect
            except StoreError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as end:
        opened: OpenUpload | None = end.value
        return opened
    finally:
        flow.close()


def _told(part: Part) -> SentPart:
    """As it was sent."""
    sums = ""
    if part.checksum is not None:
        sums = f"{part.checksum.algorithm}={b64decode(part.checksum.value).hex()}"
    return SentPart(part.etag, part.etag if _MD5(part.etag) else "", sums)


def _finished(
    opened: OpenUpload, hint: Upload, count: int, target: Store
) -> Flow[OpenUpload | None]:
    """The upload is gone: if the object is there that its parts make, it has become that."""
    parts = [hint.parts[number] for number in range(1, count + 1) if number in hint.parts]
    if len(parts) < count:
        return None
    try:
        found = yield from target.stat(hint.key)
    except NotFound:
        return None
    entry = found.entry
    if entry.size != hint.size or not _is_made_of(found, parts, hint):
        return None
    receipt = Receipt(entry.etag, entry.version, found.checksums, entry.stamp)
    return replace(opened, held=dict(hint.parts), receipt=receipt)


def _is_made_of(found: Found, parts: Sequence[SentPart], hint: Upload) -> bool:
    """By its etag, or by a checksum that both it and the parts have."""
    etags = [part.md5 or part.etag for part in parts]
    if all(map(_MD5, etags)) and found.entry.etag == etag_of_parts(etags):
        return True
    sizes = [span.size for span in spans(hint.size, hint.part_size)]
    for name, told in found.checksums.items():
        algorithm = VOUCHED.get(name)
        digests = [bytes.fromhex(part.named.get(name, "")) for part in parts]
        if algorithm and algorithm.combine and all(digests):
            return whole_of(algorithm, digests, sizes).is_told(told)
    return False


def _sweep(key: str, started: float, target: Store, *, but: str = "") -> Flow[None]:
    """Remove uploads of exactly this key that were begun when we were about to."""
    try:
        uploads = yield from target.list_uploads(key, is_key=True)
    except StoreError as error:
        if error.remedy is Remedy.RETRY:
            raise
        return  # Nobody can tell, or not us.
    for one in uploads:
        if one.upload != but and -_BEFORE_SECONDS <= one.begun - started <= _AFTER_SECONDS:
            yield from target.abandon(key, one.upload)
