"""What the old check would have left of a world: its folders, as it wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import quote

from ring.making import NODES, NOW
from ring.world import World

RETENTION = 604_800  # Seconds: what is newer was not listed.


def listkeys(world: World) -> Iterator[tuple[str, bytes]]:
    """Spark's parts, a node each, with a line of names that nobody gave."""
    yield "listkeys.csv/_SUCCESS", b""
    yield "listkeys.csv/.part-00000.crc", b"crc\0"
    for node in range(NODES):
        blocks = world.listed(node, 123_456_789, NOW - RETENTION)
        lines = [line for block in blocks for line in block.decode().split()]
        yield f"listkeys.csv/part-0000{node}-a.csv", "\n".join(["_1,_2,_3,_4", *lines]).encode()


def exports(world: World, *, sign: str = ",") -> Iterator[tuple[str, bytes]]:
    """A file a bucket: no uploads under way, and of each key what follows its last slash."""
    for number, (bucket, entries) in enumerate(sorted(world.buckets.items())):
        if bucket.startswith("mpuShadowBucket") or bucket == "users..bucket":
            continue
        rows = [
            sign.join(f'"{word}"' for word in (bucket, quote(_last(key), safe=""), part["key"]))
            for key, value in entries.items()
            if not _is_twice(entries, key)
            for part in (value.get("location") or [])
        ]
        yield f"s3-bucketd/keys-{number}.txt", "".join(f"{row}\n" for row in rows).encode()


def _is_twice(entries: Mapping[str, Any], key: str) -> bool:
    """A version that its master tells of already."""
    plain, _, version = key.partition("\0")
    return bool(version) and entries.get(plain, {}).get("versionId") == version


def _last(key: str) -> str:
    return key.rpartition("/")[2]


def findings(world: World) -> set[tuple[str, str, str]]:
    """What can be found by that: lost data is in doubt, uploads look like orphans."""
    found = set[tuple[str, str, str]]()
    for kind, input_key, key in world.truth:
        if kind in {"MISSING", "UNREADABLE", "UNDER_PROTECTED", "SPLIT_PARTIAL"}:
            found.add(("UNRESOLVED", input_key, _last(key)))
        elif kind in {"ORPHAN", "ORPHAN_CHILD", "FOREIGN", "DUP_REF"}:
            found.add((kind, input_key, _last(key)))
    new = {one.input_key for one in world.stored.values() if one.mtime > NOW - RETENTION}
    for key, value in chain.from_iterable(bucket.items() for bucket in world.buckets.values()):
        found |= {("ORPHAN", part["key"], "") for part in value.get("partLocations") or []}
        for part in value.get("location") or []:
            if part["key"] in new:
                found.add(("UNRESOLVED", part["key"], _last(key).partition("\0")[0]))
    return found
