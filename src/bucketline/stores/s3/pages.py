"""A listing's page to entries: in one sweep where it looks as most do, else by a parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from html import escape, unescape
from itertools import repeat
from operator import add
from typing import NamedTuple, cast
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from bucketline.model import Entry
from bucketline.stores.s3.markup import Torn, name_of, named, text, tree

# As most servers write it, in one line or laid out for the eye, and as the others do, Amazon with
# checksums and owners among them; what none accounts for goes to the parser.
_START = (
    r"<Contents>_<Key>([^<]*)</Key>_"
    r"<LastModified>([^<]{16}):(\d\d(?:\.\d+)?)Z</LastModified>_<ETag>([^<]*)</ETag>_"
)
_USUAL = _START + r"<Size>(\d+)</Size>_<StorageClass>([^<]*)</StorageClass>"
_SWEEP = re.compile(_USUAL.replace("_", "")).findall
_WIDE_SWEEP = re.compile(_USUAL.replace("_", r"\s*")).findall
_LOOSE_SWEEP = re.compile(
    (
        _START + r"(?:<ChecksumAlgorithm>[^<]*</ChecksumAlgorithm>_)*"
        r"(?:<ChecksumType>[^<]*</ChecksumType>_)?<Size>(\d+)</Size>_"
        r"(?:<Owner>_(?:<ID>[^<]*</ID>_)?(?:<DisplayName>[^<]*</DisplayName>_)?</Owner>_)?"
        r"(?:<StorageClass>([^<]*)</StorageClass>)?"
    ).replace("_", r"\s*")
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


Row = tuple[str, str, str, str, str, str]  # Key as it is coded, minute, seconds, etag, size, tier.


class Text(NamedTuple):
    """A page, taken apart."""

    rows: list[Row]
    fields: dict[str, str]  # Absent = the server did not say.
    thaws: Sequence[tuple[bool, float]] = ()  # Of each row, if that was asked for: see `thaws`.


def parsed(body: bytes) -> Text:
    """Every object of the page and the fields around them; raises `Torn`."""
    try:
        page = body.decode()
    except UnicodeDecodeError:
        raise Torn from None
    if not (_ROOT(page) and page.endswith("</ListBucketResult>", 0, len(page.rstrip()))):
        return _by_parser(body)
    fields = _fields(page)
    start = page.find("<Contents>") + len("<Contents>")
    is_wide = page[start : start + 1].isspace()
    rows = _WIDE_SWEEP(page) if is_wide else _SWEEP(page)
    objects = page.count("</Contents>")  # Not KeyCount: servers have their own ideas of it.
    if len(rows) != objects:
        rows = _LOOSE_SWEEP(page)
        tiers = page.count("<StorageClass>") - page.count("<StorageClass></StorageClass>")
        if len(rows) != objects or tiers != sum([1 for row in rows if row[5]]):
            return _by_parser(body)
    return Text(rows, fields)


def thaws(body: bytes) -> list[tuple[bool, float]]:
    """Of each object: whether it is being thawed, and until when it is. Both empty = neither."""
    root = tree(body)
    return [_thaw(item) for item in named(root, "Contents")]


def _thaw(item: Element) -> tuple[bool, float]:
    told = item.find("{*}RestoreStatus")
    if told is None:
        return False, 0.0
    return text(told, "IsRestoreInProgress") == "true", from_iso(text(told, "RestoreExpiryDate"))


def entries(rows: list[Row], *, coded: bool, plus: bool) -> list[Entry]:
    """The rows as entries; `coded` keys are unquoted, with "+" for a blank if `plus`."""
    if not rows:
        return []
    words, minutes, seconds, etags, sizes, tiers = zip(*rows, strict=True)
    keys = _keys(words, coded=coded, plus=plus)
    times = map(add, map(_minute, minutes), map(float, seconds))
    shown = ["" if tier == "STANDARD" else tier for tier in tiers]
    bare = "<".join(etags).replace("&quot;", "").replace("&#34;", "").replace('"', "").split("<")
    columns = zip(keys, map(int, sizes), times, bare, repeat(""), shown, repeat(""), strict=False)
    return list(map(_entry, columns))


# An Entry from a tuple without a Python frame: a listing of millions feels it.
_entry = cast(
    "Callable[[tuple[str, int, float, str, str, str, str]], Entry]", partial(tuple.__new__, Entry)
)


def _keys(words: tuple[str, ...], *, coded: bool, plus: bool) -> Sequence[str]:
    """The keys of a page, unquoted all at once: "<" parts them, for no page holds one in a key."""
    joined = "<".join(words)
    if "&" in joined:
        words = tuple(map(unescape, words))
        joined = "<".join(words)
    if not coded or ("%" not in joined and "+" not in joined):
        return words
    if plus:
        words, joined = tuple(word.replace("+", " ") for word in words), joined.replace("+", " ")
    if joined.count("<") >= len(words) or "%3C" in joined or "%3c" in joined:
        return [unquote(word, errors="strict") for word in words]
    return unquote(joined, errors="strict").split("<")


def from_iso(stamp: str) -> float:
    """Seconds since 1970 of `2024-01-02T03:04:05.678Z`; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@lru_cache(maxsize=65_536)
def _minute(stamp: str) -> float:
    return from_iso(stamp + "Z") if stamp else 0.0


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
    word = escape(key, quote=False)  # As it stands in the page: it will be unescaped with the rest.
    time = repr(from_iso(text(item, "LastModified")))
    return (word, "", time, etag.strip('"').replace("<", ""), size, text(item, "StorageClass"))
