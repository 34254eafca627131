"""A restore as one page: what came back, what a person must look at, and by what it is proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bucketline.engines.splunk.records import (
    DONE,
    FAILED,
    FROZEN,
    PLACED,
    PLACING,
    QUARANTINED,
    UPLOADED,
    Record,
)
from bucketline.flow.report.html import document, section
from bucketline.sizes import show_moment, show_size

_STEPS = (DONE, UPLOADED, PLACED, PLACING, QUARANTINED, FROZEN, FAILED)
_BUCKETS = (
    *("index", "bucket", "how it stands", "events", "archived", "restored"),
    *("proof", "events in Splunk", "held for", "last looked at"),
)


def page(title: str, records: Sequence[Record]) -> str:
    """All of them, those first that did not come back."""
    bad = [one for one in records if one.message or one.step in (QUARANTINED, FROZEN, FAILED)]
    told = ((one.index, one.bucket, one.step, one.message) for one in bad)
    heads = ("index", "bucket", "how it stands", "why")
    parts = [
        section("Indexes", ("index", *_STEPS, "events", "archived"), _indexes(records)),
        section("What a person must look at", heads, told),
        section("Buckets", _BUCKETS, map(_bucket, records)),
        section("SHA-256", ("bucket", "of its journal", "of its events"), _hashes(records)),
    ]
    return document(title, parts if records else ["<p>Nothing was restored yet.</p>"])


def _indexes(records: Sequence[Record]) -> Iterator[tuple[object, ...]]:
    for index in sorted({one.index for one in records}):
        those = [one for one in records if one.index == index]
        steps = Counter(one.step for one in those)
        events, size = sum(one.events for one in those), sum(one.bytes for one in those)
        yield index, *(steps[step] for step in _STEPS), events, show_size(size)


def _bucket(one: Record) -> tuple[object, ...]:
    counted = one.counted_after if one.counted_after >= 0 else one.counted_before
    return (
        *(one.index, one.bucket, one.step, one.events),
        *(show_size(one.bytes), show_size(one.restored_bytes), one.proof),
        counted if counted >= 0 else "not asked",
        ", ".join(one.holds),
        show_moment(one.at) if one.at else "",
    )


def _hashes(records: Sequence[Record]) -> Iterator[tuple[str, str, str]]:
    for one in records:
        if one.journal_sha256 or one.digest:
            yield f"{one.index}/{one.bucket}", one.journal_sha256, one.digest
