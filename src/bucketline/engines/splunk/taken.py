"""Ids that other buckets have: a second bucket with one of them would cost Splunk its index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from bucketline.engines.splunk.names import BucketName, parse
from bucketline.engines.splunk.receipts import Receipt

_HOT = re.compile(r"hot_(?:[a-z]+_)?v1_(\d{1,19})", re.ASCII)
_COMING = re.compile(r"(\d{1,19})_([0-9A-F-]{36})", re.ASCII)  # Replicated to here right now.
Folders = Mapping[str, list[str]]  # Number and GUID, as in a bucket's id -> names of folders.


def folders(homes: Iterable[str], guid: str) -> Folders:
    """Every bucket on this machine; one whose name has no GUID is this server's."""
    found: dict[str, list[str]] = {}
    for home in filter(None, homes):
        with suppress(OSError):  # It is not there, or not for us to see: then we place nothing.
            for folder in Path(home).iterdir():
                if identity := _identity(folder.name, guid):
                    found.setdefault(identity, []).append(folder.name)
    return found


def by_folder(bid: str, names: Iterable[str], there: Folders) -> str:
    """Why a bucket of these names cannot get this id; "" = nobody has it."""
    others = set(there.get(bid.partition("~")[2], ())) - {*names}
    return f"its id is that of {min(others)}, which is here" if others else ""


def by_receipt(name: BucketName, receipt: Receipt) -> str:
    """A receipt tells the times of its bucket: other times are another bucket."""
    other = parse(receipt.path)
    if other is None or (other.newest, other.oldest) == (name.newest, name.oldest):
        return ""
    return f"its id is that of {other.text}, which SmartStore holds"


def _identity(name: str, guid: str) -> str:
    if (bucket := parse(name)) is not None:
        return f"{bucket.number}~{bucket.guid or guid}"
    if (hot := _HOT.fullmatch(name)) is not None:
        return f"{hot[1]}~{guid}"
    coming = _COMING.fullmatch(name)
    return f"{coming[1]}~{coming[2]}" if coming is not None else ""
