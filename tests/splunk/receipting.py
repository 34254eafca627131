"""Receipts by hand, as SmartStore writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


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
