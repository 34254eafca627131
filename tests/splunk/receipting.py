"""Receipts by hand, as SmartStore writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

STRANGER = "B0000000-0000-4000-8000-00000000000B"


def receipt(
    objects: Mapping[str, int], *, bid: str, path: str, uploader: str, events: int, raw_size: int
) -> bytes:
    """`objects` are named relative to the uploader's folder."""
    data: dict[str, Any] = {
        "objects": [
            {"name": f"./guidSplunk-{uploader}/{name}", "size": size}
            for name, size in objects.items()
        ],
        "manifest": {
            "id": bid,
            "path": path,
            "raw_size": str(raw_size),
            "event_count": str(events),
            "frozen_in_cluster": "0",
        },
        "user_data": {"uploader_guid": uploader},
    }
    return sealed(data)


def sealed(data: Mapping[str, Any]) -> bytes:
    bare = json.dumps(data, separators=(",", ":"))
    seal = hashlib.sha256(bare.encode()).hexdigest().upper()
    return (bare[:-2] + f',"content_hash":"{seal}"' + "}}\n").encode()


def spoilt(text: bytes, what: str) -> bytes:
    """As it should not be; what is no such fault spoils nothing."""
    if what == "bad hash":
        return text.replace(b'"raw_size":"', b'"raw_size":"1')
    data = json.loads(text)
    del data["user_data"]["content_hash"]
    if what == "foreign":
        data["user_data"]["uploader_guid"] = STRANGER
    if what == "frozen":
        data["manifest"]["frozen_in_cluster"] = "1"
    return sealed(data)


def is_whole(s3: Any, bucket: str, root: str) -> bool:
    """Whether a receipt is there, and each object that it names with its size."""
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=root).get("Contents", [])
    there = {one["Key"].removeprefix(root): one["Size"] for one in listed}
    if "receipt.json" not in there:
        return False
    told = json.loads(s3.get_object(Bucket=bucket, Key=f"{root}receipt.json")["Body"].read())
    named = {one["name"].removeprefix("./"): one["size"] for one in told["objects"]}
    return named.items() <= there.items()
