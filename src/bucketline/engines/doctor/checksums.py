"""Which checksums a server really checks: it refuses wrong ones, and tells those it accepted."""

from __future__ import annotations

from dataclasses import replace

from bucketline.engines.doctor.finding import NO, Bucket, Finding, Patient
from bucketline.errors import BadRequest, Mismatch, StoreError
from bucketline.stores.base import Flow
from bucketline.stores.digests import VOUCHED, Algorithm

_BODY, _OTHER = b"bucketline doctor\n", b"bucketline victim\n"


def prove_checksums(store: Bucket, key: str) -> Flow[frozenset[str]]:
    """The algorithms of which the server proved that; writes and leaves an object at `key`.

    To be told the checksum that was sent shows nothing: many servers keep any header. So each is
    sent wrong, too, with an object and with a part: whoever takes that does not look at it.
    """
    proven: frozenset[str] = frozenset()
    for algorithm in VOUCHED.values():
        if (yield from _is_checked(store, key, algorithm)):
            proven |= {algorithm.name}
    return proven


def try_checksums(patient: Patient, store: Bucket, key: str) -> Finding:
    """What was found out, which the store knows from now on."""
    about = "checks checksums"
    try:
        proven = patient.ask(prove_checksums(store, key))
    except StoreError as error:
        return Finding(about, NO, f"{error.cause}: {error}")
    store.learn(replace(store.able, checksums=proven))
    told = ", ".join(name for name in VOUCHED if name in proven)
    if told:
        return Finding(about, told, "each refused when it is wrong")
    return Finding(about, NO, "wrong ones are not refused; MD5s and etags prove what arrives")


def _is_checked(store: Bucket, key: str, algorithm: Algorithm) -> Flow[bool]:
    right, wrong = (algorithm.checksum(algorithm.digest(body)) for body in (_BODY, _OTHER))
    try:
        receipt = yield from store.write(key, _BODY, checksum=right)
        told = receipt.checksums or (yield from store.stat(key)).checksums
    except StoreError:
        return False
    if told.get(algorithm.name) != right.value:
        return False
    if not (yield from _is_refused(store.write(key, _BODY, checksum=wrong))):
        return False
    return algorithm.combine is None or (yield from _refuses_part(store, key, algorithm))


def _refuses_part(store: Bucket, key: str, algorithm: Algorithm) -> Flow[bool]:
    """An upload that is never finished leaves the object as it is."""
    wrong = algorithm.checksum(algorithm.digest(_OTHER))
    upload = yield from store.begin(key, len(_BODY), algorithm=algorithm.name)
    part = store.part(key, upload, 1, _BODY, offset=0, checksum=wrong)
    is_refused = yield from _is_refused(part)
    yield from store.abandon(key, upload)
    return is_refused


def _is_refused(writing: Flow[object]) -> Flow[bool]:
    try:
        yield from writing
    except (Mismatch, BadRequest):
        return True
    return False
