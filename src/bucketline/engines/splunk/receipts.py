"""SmartStore's receipt, which it writes last of a bucket: believed only as far as it fits."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from bucketline.errors import BucketlineError

_HASH = re.compile(rb',"content_hash":"([0-9A-Fa-f]{64})"')


class BadReceipt(BucketlineError):
    """A receipt that cannot be read, or is not what was written."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Body:
    """One object of the bucket, as the receipt names it."""

    name: str  # Relative to the bucket's folder.
    size: int
    is_prefix: bool = False  # It stands for everything under its name.


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is said of a bucket that is wholly there."""

    bodies: tuple[Body, ...]
    bid: str
    path: str  # The name of its folder, which tells its times.
    events: int
    raw_size: int
    uploader: str
    is_frozen: bool


def read(text: bytes) -> Receipt:
    """Raises `BadReceipt`. Its hash is of the bytes as they stand."""
    said = _HASH.search(text)
    if said is None:
        raise BadReceipt("receipt.json has no content_hash")
    if said[1].decode().upper() != content_hash(text):
        raise BadReceipt("receipt.json is not what was written: its content_hash does not fit")
    try:
        return _understood(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadReceipt(f"receipt.json cannot be understood: {error!r}") from None


def content_hash(text: bytes) -> str:
    """The hash of a receipt, with or without the member that holds it."""
    return hashlib.sha256(_HASH.sub(b"", text).removesuffix(b"\n")).hexdigest().upper()


def _understood(data: Any) -> Receipt:
    manifest, user = data["manifest"], data["user_data"]
    return Receipt(
        bodies=tuple(_body(one) for one in data["objects"]),
        bid=str(manifest["id"]),
        path=str(manifest["path"]),
        events=int(manifest["event_count"]),
        raw_size=int(manifest["raw_size"]),
        uploader=str(user["uploader_guid"]),
        is_frozen=str(manifest.get("frozen_in_cluster", "0")) == "1",
    )


def _body(one: Any) -> Body:
    name = str(one["name"]).removeprefix("./")
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"an object outside of the bucket: {name}")
    return Body(name, int(one.get("size", 0)), bool(one.get("expand", False)))


def doubts(receipt: Receipt, bid: str, uploader: str, events: int | None) -> list[str]:
    """Why a receipt does not show that this server uploaded this bucket; nothing = it does."""
    found = []
    if receipt.bid != bid:
        found.append(f"the receipt is of {receipt.bid}")
    if uploader and receipt.uploader != uploader:
        found.append(f"it was uploaded by {receipt.uploader}, not by this server")
    if receipt.is_frozen:
        found.append("the receipt calls it frozen: Splunk will ignore and delete it")
    if events is not None and receipt.events != events:
        found.append(f"the receipt counts {receipt.events:,} events, its journal has {events:,}")
    if not any("/rawdata/" in body.name for body in receipt.bodies):
        found.append("the receipt names no journal")
    return found
