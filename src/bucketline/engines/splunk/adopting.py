"""Buckets that an old script put into their place: taken over, once they are the archive's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bucketline.engines.splunk.fetch import shown
from bucketline.engines.splunk.journal import counted
from bucketline.engines.splunk.look import Seen
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import PLACED, Record
from bucketline.engines.splunk.rest import Index
from bucketline.engines.splunk.restoring import Restoring
from bucketline.engines.splunk.structure import PENDING_EVICT, PENDING_UPLOAD
from bucketline.engines.splunk.tool import lacking
from bucketline.errors import Refused
from bucketline.model import Proof

Hints = Mapping[tuple[str, str], str]  # (index, bucket) -> the status that an old file gives it.


def is_adoptable(one: Planned, hints: Hints) -> bool:
    """Whether an old file says that it was begun, and it is there."""
    said = hints.get((one.bucket.index, one.bucket.name.text), "")
    return one.is_local and said in (PENDING_UPLOAD, PENDING_EVICT)


def adopted(steps: Restoring, one: Planned, index: Index) -> Record:
    """As if we had placed it. Raises `Refused` unless its journals are the archive's."""
    bucket = one.bucket
    names = (bucket.name.text, bucket.name.owned(steps.guid).text)
    homes = (Path(index.home, name) for name in names)
    folder = next((home for home in homes if home.exists()), Path(index.home, names[0]))
    if missing := lacking(folder):
        raise Refused(f"{folder} lacks {missing}: it is half built. Remove it, and run this again")
    record = steps.record_of(one)
    weakest = Proof.READBACK
    for entry in bucket.entries:
        path = bucket.within(entry)
        if not (folder / path).is_file():
            raise Refused(f"{folder} lacks {path}: remove the folder, and run this again")
        if not path.startswith("rawdata/"):
            continue  # A rebuild makes it anew.
        came = steps.world.drive.call(shown(steps.world.archive.store, entry, folder / path))
        if came is None:
            raise Refused(f"{folder / path} is not shown to be what the archive holds")
        record.hashes[path] = came.sha256
        weakest = min(weakest, came.proof, key=lambda proof: proof.value)
    found = counted(folder / bucket.within(bucket.journals[0]))
    record.events, record.raw_size, record.digest = found.events, found.raw_size, found.digest
    record.folder, record.bytes, record.proof = str(folder), bucket.size, weakest.label
    steps.note(record, PLACED)
    return record


def differing(seen: Seen, hints: Hints) -> Iterator[str]:
    """Where an old file says other things than the facts do, and what it names in vain."""
    there = {(one.bucket.index, one.bucket.name.text): one for one in seen.planned}
    for (index, bucket), said in hints.items():
        one = there.get((index, bucket))
        if one is None:
            yield f"{index}/{bucket}: the old file says {said}; the archive does not hold it"
        elif one.status != said:
            yield f"{index}/{bucket}: the old file says {said}; it is {one.status}"
