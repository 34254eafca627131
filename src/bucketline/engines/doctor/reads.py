"""Questions that change nothing: is it there, may we, how does it list, how fast does it answer?"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from itertools import pairwise
from statistics import median

from bucketline.clock import Clock
from bucketline.engines.doctor.finding import (
    NO,
    UNKNOWN,
    YES,
    Bucket,
    Caller,
    Finding,
    Patient,
    unknown,
    yes_or_no,
)
from bucketline.engines.doctor.uploads import about_uploads
from bucketline.errors import (
    BadCredentials,
    BucketDenied,
    Changed,
    ClockSkew,
    Denied,
    ExpiredCredentials,
    NoBucket,
    StoreError,
    Unreachable,
    Untrusted,
)
from bucketline.model import Entry
from bucketline.stores.base import Page, Store
from bucketline.stores.beyond import may_lack

# The rungs on the way to a listing, and which error means that one broke.
_RUNGS: tuple[tuple[str, tuple[type[StoreError], ...]], ...] = (
    ("reachable", (Unreachable,)),
    ("certificate trusted", (Untrusted,)),
    ("clock agrees", (ClockSkew,)),
    ("credentials accepted", (BadCredentials, ExpiredCredentials)),
    ("bucket exists", (NoBucket,)),
    ("may list", (BucketDenied, Denied)),
)
_PAGES = 3
_SAME_SECONDS = 3  # A date has whole seconds, and was written before it came here.
_ETAG_OF_NOTHING = "0" * 32


def examine(store: Store, prefix: str, drive: Caller, clock: Clock) -> Iterator[Finding]:
    """What can be found out by reading; ends early when there is no way in."""
    patient = Patient(store, drive, clock)
    try:
        pages = _pages(patient, prefix)
    except StoreError as error:
        yield from _broken_rungs(error, answered=bool(patient.exchanges))
        return
    # A folder has no wire, hence no certificate, clock or credentials to speak of.
    rungs = _RUNGS if patient.exchanges else _RUNGS[-1:]
    yield from (Finding(name, YES, _rung_detail(name, patient)) for name, _ in rungs)
    yield from _about_listing(patient, prefix, pages)
    yield from _about_bucket(patient)
    if isinstance(store, Bucket):
        yield about_uploads(patient, prefix)
    entry = next((entry for page in pages for entry in page.entries if entry.size), None)
    if entry is not None:
        yield from _about_object(patient, entry)
    else:
        yield from unknown(
            ["reads ranges", "reads pinned to an etag"], "there is no object to read"
        )
    yield from _about_speed(patient)


def _pages(patient: Patient, prefix: str) -> list[Page]:
    pages = [patient.ask(patient.store.page(prefix))]
    while pages[-1].token and len(pages) < _PAGES:
        pages.append(patient.ask(patient.store.page(prefix, token=pages[-1].token)))
    return pages


def _broken_rungs(error: StoreError, *, answered: bool) -> Iterator[Finding]:
    """What worked before the way broke, what broke it, and what therefore nobody knows."""
    broken = next((n for n, (_, causes) in enumerate(_RUNGS) if isinstance(error, causes)), None)
    for number, (name, _) in enumerate(_RUNGS):
        if broken is None and answered and not number:
            yield Finding(name, YES)
        elif broken is None or number > broken:
            yield from unknown([name], "not found out")
        elif number == broken:
            yield Finding(name, NO, str(error))
        else:
            yield Finding(name, YES)
    if broken is None:
        yield Finding("lists", NO, f"{error.cause}: {error}")


def _rung_detail(name: str, patient: Patient) -> str:
    if name == "may list":
        return ""
    request, answer, _ = patient.exchanges[0]
    if name == "certificate trusted":
        if request.url.startswith("http://"):
            return "no TLS: anyone on the way can read along"
        return "" if request.route.verify_tls else "not verified, as you wished"
    if name == "reachable":
        return answer.headers.get("server", "")
    if name == "clock agrees" and (date := answer.headers.get("date")):
        return _offset(date, patient.clock)
    return ""


def _offset(date: str, clock: Clock) -> str:
    try:
        seconds = parsedate_to_datetime(date).timestamp() - clock.now()
    except ValueError:
        return "the server gives no readable date"
    if abs(seconds) < _SAME_SECONDS:
        return "to within a few seconds"
    return f"the server is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"


def _about_listing(patient: Patient, prefix: str, pages: list[Page]) -> Iterator[Finding]:
    entries = [entry for page in pages for entry in page.entries]
    is_sorted = all(one.key < other.key for one, other in pairwise(entries))
    looked = f"{len(entries):,} keys looked at"
    yield yes_or_no("lists in key order", is_sorted, looked)
    if may_lack(patient.store, prefix):
        yield Finding("lists everything", NO, f"it ends after {len(entries):,}; more may follow")
    if len(pages) > 1:
        yield Finding("page size", f"{len(pages[0].entries):,}")
    else:
        yield Finding("page size", "?", "everything fits on one page")
    lists = [(ask, answer) for ask, answer, _ in patient.exchanges if ask.kind == "LIST"]
    if lists:
        request, answer = lists[-1]
        yield Finding("listing version", _version(request.url, answer.body))
        is_encoded = b"<EncodingType>url" in answer.body
        yield yes_or_no("url-encodes keys in listings", is_encoded)


def _version(url: str, body: bytes) -> str:
    """A server that does not know V2 answers as V1, and then the client asks as V1 too."""
    if "list-type=2" not in url:
        return "V1"
    is_told = b"<KeyCount" in body or b"<NextContinuationToken" in body
    return "V2" if is_told else UNKNOWN


def _about_bucket(patient: Patient) -> Iterator[Finding]:
    store = patient.store
    if not isinstance(store, Bucket):
        return
    yield patient.asked(
        "region", store.head_bucket(), lambda region: Finding("region", region or "not said")
    )
    yield patient.asked(
        "versioning",
        store.get_versioning(),
        lambda kept: Finding("versioning", str(getattr(kept, "value", kept)) or "never"),
    )


def _about_object(patient: Patient, entry: Entry) -> Iterator[Finding]:
    store, key = patient.store, entry.key
    yield patient.asked(
        "reads ranges",
        store.read(key, start=0, size=1),
        lambda piece: yes_or_no("reads ranges", len(piece.body) == 1),
    )
    yield _pinned(patient, entry)
    yield patient.asked(
        "checksums told",
        store.stat(key),
        lambda found: Finding("checksums told", ", ".join(sorted(found.checksums)) or "none", key),
    )


def _pinned(patient: Patient, entry: Entry) -> Finding:
    about = "reads pinned to an etag"
    try:
        patient.ask(patient.store.read(entry.key, size=1, etag=_ETAG_OF_NOTHING))
    except Changed:
        status = patient.exchanges[-1][1].status if patient.exchanges else 412
        detail = "" if status == 412 else "the server ignores If-Match; we compare ourselves"
        return yes_or_no(about, status == 412, detail)
    except StoreError as error:
        return Finding(about, NO, f"{error.cause}: {error}")
    return Finding(about, NO, "the server ignores If-Match")


def _about_speed(patient: Patient) -> Iterator[Finding]:
    kinds: dict[str, list[float]] = {}
    for request, _, seconds in patient.exchanges:
        kinds.setdefault(request.kind, []).append(seconds * 1000)
    for kind, times in kinds.items():
        yield Finding(f"{kind} takes", f"{median(times):.1f} ms", f"median of {len(times)}")
