"""A listing's page to entries: in one sweep where it looks as most do, else by a parser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from bucketline.model import Entry
from bucketline.stores.s3.markup import Torn, name_of, named, text, tree

# In the order in which Amazon and most others write them; anything else goes to the parser.
_SWEEP = re.compile(
    r"<Contents><Key>([^<]*)</Key><LastModified>([^<]*)</LastModified>"
    r"<ETag>(?:&quot;|&#34;|\")?([^<&\"]*)(?:&quot;|&#34;|\")?</ETag>"
    r"(?:<ChecksumAlgorithm>[^<]*</ChecksumAlgorithm>)*(?:<ChecksumType>[^<]*</ChecksumType>)?"
    r"<Size>(\d+)</Size>"
    r"(?:<Owner>(?:<ID>[^<]*</ID>)?(?:<DisplayName>[^<]*</DisplayName>)?</Owner>)?"
    r"(?:<StorageClass>([^<]*)</StorageClass>)?"
).findall
_ROOT = re.compile(r"\s*(?:<\?xml[^>]*\?>)?\s*<ListBucketResult[\s>]").match
_FIELDS = (
    "IsTruncated",
    "NextContinuationToken",
    "NextMarker",
    "KeyCount",
    "EncodingType",
    "Prefix",
)
_HEAD = {name: re.compile(f"<{name}>([^<]*)</{name}>").search for name in _FIELDS}


Row = tuple[str, str, str, str, str]  # Key, modified, etag, size, tier; the key as it is coded.


class Text(NamedTuple):
    """A page, taken apart."""

    rows: list[Row]
    fields: dict[str, str]  # Absent = the server did not say.


def parsed(body: bytes) -> Text:
    """Every object of the page and the fields around them; raises `Torn`."""
    try:
        page = body.decode()
    except UnicodeDecodeError:
        raise Torn from None
    if _ROOT(page) and page.endswith("</ListBucketResult>", 0, len(page.rstrip())):
        rows = _SWEEP(page)
        tiers = page.count("<StorageClass>") - page.count("<StorageClass></StorageClass>")
        if page.count("<Contents") == len(rows) and tiers == _tiers(rows):
            return Text(rows, _fields(page))
    return _by_parser(body)


def entries(rows: list[Row], *, coded: bool, plus: bool) -> list[Entry]:
    """The rows as entries; `coded` keys are unquoted, with "+" for a blank if `plus`."""
    found = []
    for word, modified, etag, size, tier in rows:
        key = unescape(word) if "&" in word else word
        if coded and ("%" in key or "+" in key):
            key = unquote(key.replace("+", " ") if plus else key, errors="strict")
        shown = "" if tier == "STANDARD" else tier
        found.append(Entry(key, int(size), from_iso(modified), etag, "", shown))
    return found


def from_iso(stamp: str) -> float:
    """Seconds since 1970 of `2024-01-02T03:04:05.678Z`; 0 for what is none."""
    try:
        if stamp[-1:] == "Z" and stamp[16:17] == ":":
            return _minute(stamp[:16]) + float(stamp[17:-1])
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@lru_cache(maxsize=65_536)
def _minute(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


def _tiers(rows: list[Row]) -> int:
    return sum([1 for row in rows if row[4]])


def _fields(page: str) -> dict[str, str]:
    """What stands before the first object or after the last: both ends are short."""
    first, last = page.find("<Contents>"), page.rfind("</Contents>")
    around = page if first < 0 else page[:first] + page[last:]
    return {name: unescape(found[1]) for name, search in _HEAD.items() if (found := search(around))}


def _by_parser(body: bytes) -> Text:
    root = tree(body)
    if name_of(root) != "ListBucketResult":
        raise Torn
    rows = [_row(item) for item in named(root, "Contents")]
    fields = {name: told for name in _FIELDS if (told := root.findtext("{*}" + name)) is not None}
    return Text(rows, fields)


def _row(item: Element) -> Row:
    key, size, etag = text(item, "Key"), text(item, "Size"), text(item, "ETag")
    if not key or not size.isdigit():
        raise Torn
    # Keys are unescaped once more later: what looks like an entity here is part of the key.
    escaped = key.replace("&", "&amp;")
    return (escaped, text(item, "LastModified"), etag.strip('"'), size, text(item, "StorageClass"))
