"""What an inventory tells of one object, whoever wrote the inventory: rows of one table."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bucketline.flow.query.rows import Column, Rows
from bucketline.flow.report.delivered import Delivered
from bucketline.model import Entry, Found, nothing

SUMS = ("crc32", "crc32c", "crc64nvme", "sha256")
UNKNOWN_SIZE = -1
# `md5` is of the bytes, so that two of them can be compared; an etag may be anything. `issue`
# says why the object itself could not be looked at.
COLUMNS = (
    *(Column("key"), Column("size", "int64"), Column("modified", "int64")),  # Milliseconds.
    *map(Column, ("etag", "other_etag", "md5", *SUMS, "version", "tier", "issue")),
)
_IS_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch


class Epoch(NamedTuple):
    """When an inventory was taken: what was written later is not judged by it."""

    milliseconds: int
    is_live: bool = False  # It is asked now, object by object: nothing is too new for it.


@dataclass(frozen=True, slots=True)
class Told:
    """One object."""

    entry: Entry
    other_etag: str = ""  # Of where its bytes came from: the same bytes as well.
    hashes: Mapping[str, str] = field(default_factory=nothing)  # Of all bytes, in hex.
    is_etag_opaque: bool = False
    issue: str = ""


def of_entries(page: Iterable[Entry], *, is_opaque: bool = False) -> list[Told]:
    """A page of a listing; `is_opaque` where etags are no MD5s at all."""
    return [Told(entry, is_etag_opaque=is_opaque) for entry in page]


def of_found(found: Found) -> Told:
    """What a store says of one object now."""
    whole = {name: value for name, value in found.checksums.items() if "-" not in value}
    sums = {name: b64decode(value).hex() for name, value in whole.items()}
    return Told(found.entry, hashes=sums, is_etag_opaque=found.is_etag_opaque)


def of_delivered(one: Delivered) -> Told:
    """What was proven of a delivery: the target held these bytes then."""
    begun = one.started or one.time  # What it made is not older than that.
    entry = Entry(one.key, one.size, begun, one.target_etag, one.version)
    return Told(entry, other_etag=one.source_etag, hashes=one.hashes)


def write(rows: Rows, page: Iterable[Told], cut: int) -> None:
    """Their rows, under keys without the first `cut` characters."""
    for one in page:
        entry = one.entry
        etag = entry.etag.lower()
        md5 = one.hashes.get("md5", "")
        if not md5 and not one.is_etag_opaque and _IS_MD5(etag):
            md5 = etag
        sums = [one.hashes.get(name, "") for name in SUMS]
        numbers = (entry.size, round(entry.modified * 1000))
        about = (entry.version, entry.tier, one.issue)
        rows.add((entry.key[cut:], *numbers, etag, one.other_etag.lower(), md5, *sums, *about))


def pages(stream: Iterable[Told], size: int = 1000) -> Iterator[list[Told]]:
    page: list[Told] = []
    for one in stream:
        page.append(one)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page


def chosen(page: list[Told], kept: Collection[Entry]) -> list[Told]:
    """Those whose entries were kept, by their keys."""
    keys = {entry.key for entry in kept}
    return [one for one in page if one.entry.key in keys]
