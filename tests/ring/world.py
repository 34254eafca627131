"""A ring and its metadata, made by a seed, and the truth about both."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any

from bucketline.engines.ring.keys import Main
from ring.crowd import Crowd
from ring.making import BUCKETS, NEW, OLD_ARC, Bucket, Maker, Stored, nodes_of

Truth = set[tuple[str, str, str]]  # (class, input key or "", key of the object or "")


class World(Maker):
    """Everything that the services tell of."""

    def __init__(self, seed: int, count: int, *, each: int = 2, crowd: Crowd | None = None) -> None:
        super().__init__(random.Random(seed))
        self.each = each  # So many cases of each kind of damage.
        self.crowd = crowd
        self._index: dict[str, Stored] = {}
        self.buckets["users..bucket"] = Bucket()
        self.buckets |= {f"mpuShadowBucket{name}": Bucket() for name in BUCKETS[:2]}
        self.truth: Truth = set()
        self.journal: list[list[dict[str, Any]]] = [[{}], [{}]]  # Of each raft session.
        self.versions: dict[str, int] = {}  # Of chunks that were deleted, or came back.
        self.deleted: set[str] = set()
        self.pruned = 0  # Entries of a journal that are gone.
        for number in range(count):
            share = self.random.random()
            self.object(self.random.choice(BUCKETS[:2]), f"path/{number:06}-é", share)
        self._damage()
        self._strange()

    def name(self, bucket: str, key: str, input_keys: list[str], **more: Any) -> None:
        super().name(bucket, key, input_keys, **more)
        self.wrote(bucket, key)

    def wrote(self, bucket: str, key: str) -> None:
        """Into the journal, as it is now: written or deleted."""
        value = self.buckets[bucket].get(key)
        entry = {"key": key, "value": json.dumps(value)} if value else {"key": key, "type": "del"}
        line = {"db": bucket, "method": 8, "entries": [entry]}
        self.journal[len(bucket) % 2].append(line)

    def move(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        """To another name; the data stays where it is."""
        value = self.buckets[source[0]].pop(source[1])
        self.buckets[target[0]][target[1]] = value
        self.wrote(*target)
        self.wrote(*source)

    def _damage(self) -> None:
        """Each kind of it."""
        for number in range(self.each):
            self._harm("MISSING", f"d/missing{number}", gone=True)
            self._harm("UNREADABLE", f"d/unreadable{number}", large=True, lost=range(5))
            self._harm("UNDER_PROTECTED", f"d/striped{number}", large=True, lost=[3])
            self._harm("UNDER_PROTECTED", f"d/copies{number}", lost=[1, 2])
            one = self.input_key("one")
            self.keep(one)
            self.name("one", f"d/size{number}", [one], **{"content-length": 11})
            self.truth.add(("SIZE_MISMATCH", "", f"d/size{number}"))
            self.buckets["zwei-ü"][f"d/empty{number}"] = {}
            self.truth.add(("EMPTY_MD", "", f"d/empty{number}"))
            self.buckets["zwei-ü"][f"d/nowhere{number}"] = {"content-length": 5, "location": None}
            self.truth.add(("NO_LOCATION", "", f"d/nowhere{number}"))
            twice = self.input_key("one")
            self.keep(twice)
            for key in (f"d/twice{number}a", f"d/twice{number}b"):
                self.name("one", key, [twice])
                self.truth.add(("DUP_REF", twice, key))
            parent = self.split("one")
            self.name("one", f"d/partial{number}", [parent.input_key])
            lost = parent.children[0]
            self.stored = {m: s for m, s in self.stored.items() if s.input_key != lost}
            self.truth.add(("SPLIT_PARTIAL", lost, ""))

    def _harm(self, kind: str, key: str, *, large: bool = False, **how: Any) -> None:
        one = self.input_key("one")
        if not how.get("gone"):
            self.keep(one, large=large, lost=frozenset(how["lost"]))
            protection = Main(next(m for m, s in self.stored.items() if s.input_key == one))
            if large and protection.protection == OLD_ARC and kind == "UNREADABLE":
                self.stored[protection.key].lost = frozenset(range(3))
        self.name("one", key, [one])
        self.truth.add((kind, one, key))

    def _strange(self) -> None:
        """Data that nothing refers to, of every kind; and uploads."""
        shadow = self.buckets["mpuShadowBucketone"]
        for number in range(self.each):
            orphan = self.keep(self.input_key("one"), large=bool(number))
            self.truth.add(("ORPHAN", orphan.input_key, ""))
            gone = self.keep(self.input_key("gone"))
            self.truth.add(("ORPHAN", gone.input_key, ""))
            family = self.split("one")
            self.truth.add(("ORPHAN", family.input_key, ""))
            self.truth |= {("ORPHAN_CHILD", kid, "") for kid in family.children}
            alien = self.keep(self.input_key("another cluster"))
            self.truth.add(("FOREIGN", alien.input_key, ""))
            sparse = self.keep(self.input_key("one"))
            del self.stored[sparse.main]
            sparse.main = f"{sparse.main[:30]}08{sparse.main[32:]}"
            self.stored[sparse.main] = sparse
            self.truth.add(("FOREIGN", "", ""))
            self.keep(self.input_key("one"), mtime=NEW)
            self.truth.add(("TOO_NEW", "", ""))
            for upload, is_open in (("open", True), ("lost", False)):
                part = self.input_key("one")
                self.keep(part, large=True)
                name = f"{upload}{number}"
                if is_open:
                    shadow[f"overview..|..up/{number}..|..{name}"] = {"id": name}
                moment = datetime.fromtimestamp(NEW, UTC).isoformat()
                parts = [{"key": part, "size": 10}]
                shadow[f"{name}..|..00001"] = {"partLocations": parts, "last-modified": moment}
                if not is_open:
                    self.truth.add(("ABANDONED_MPU_PART", part, ""))

    def uploads_begin(self, moment: float) -> None:
        """Those under way, anew."""
        for bucket, entries in self.buckets.items():
            if bucket.startswith("mpuShadowBucket"):
                for value in entries.values():
                    text = datetime.fromtimestamp(moment, UTC).isoformat()
                    value["last-modified"] = text

    def listed(self, node: int, start: int, end: int) -> Iterator[bytes]:
        """What a node has, with blank lines, a block at a time."""
        if self.crowd is not None:
            yield from self.crowd.listed(node, start, end)
        found = []
        for one in self.stored.values():
            if start <= one.mtime <= end:
                for row in one.rows:
                    chunk = row.partition(",")[0]
                    if chunk not in self.deleted and node in nodes_of(chunk):
                        found.append(f"{row}\n\n")
        yield "".join(found).encode()

    def stat(self, chunk: str) -> dict[str, int | str] | None:
        """What a node tells of a chunk."""
        one = self._holding(chunk)
        if one is None:
            return None
        crc = hashlib.md5(chunk.encode()).hexdigest()[:8]
        flags, version = int(chunk in self.deleted), self.versions.get(chunk, 1)
        told: dict[str, int | str] = {
            "version": version,
            "size": 1000,
            "mtime": one.mtime,
            "crc32": crc,
        }
        return {**told, "mflags": flags}

    def _holding(self, chunk: str) -> Stored | None:
        if len(self._index) != sum(len(one.chunks) for one in self.stored.values()):
            self._index = {key: one for one in self.stored.values() for key in one.chunks}
        return self._index.get(chunk)

    def bury(self, main: str) -> None:
        """Tombstones for all of its chunks."""
        for chunk in self.stored[main].chunks:
            self.deleted.add(chunk)
            self.versions[chunk] = self.versions.get(chunk, 1) + 1

    def raise_up(self, chunk: str, version: int) -> bool:
        if chunk not in self.deleted or version <= self.versions[chunk]:
            return False
        self.deleted.remove(chunk)
        self.versions[chunk] = version
        return True

    def is_there(self, main: str) -> bool:
        return main in self.stored and main not in self.deleted

    @property
    def hash(self) -> str:
        """Stands for everything that can be read from the ring."""
        rows = sorted(c for one in self.stored.values() for c in one.chunks)
        kept = [f"{row} {row in self.deleted}" for row in rows]
        return hashlib.sha256("\n".join(kept).encode()).hexdigest()

    @property
    def live(self) -> set[str]:
        """The main chunks of all that the metadata refers to, pieces of split objects too."""
        keys = set[str]()
        for bucket in self.buckets.values():
            for value in bucket.values():
                parts = value.get("location") or value.get("partLocations") or []
                keys |= {part["key"] for part in parts}
        alive = [one for one in self.stored.values() if one.input_key in keys]
        keys |= {child for one in alive for child in one.children}
        return {one.main for one in self.stored.values() if one.input_key in keys}

    def index_of(self, key: str) -> Stored | None:
        """What is kept under an input key; of the crowd, split objects alone are asked for."""
        found = next((one for one in self.stored.values() if one.input_key == key), None)
        if found is None and self.crowd is not None:
            return self.crowd.split(key)
        return found if found is None or self.is_there(found.main) else None

    def value(self, bucket: str, key: str) -> Any:
        if self.crowd is not None and key not in self.buckets[bucket]:
            return self.crowd.value(bucket, key)
        return self.buckets[bucket][key]

    def page(self, bucket: str, marker: str, limit: int) -> dict[str, Any]:
        crowd = iter(()) if self.crowd is None else self.crowd.after(bucket, marker)
        found = merge(self.buckets[bucket].after(marker), crowd, key=itemgetter(0))
        contents = []
        for key, value in islice(found, limit):
            text = json.dumps(value)
            if len(text) >= 10_000:
                text = json.dumps({k: one for k, one in value.items() if k != "location"})
            contents.append({"key": key, "value": text})
        return {"Contents": contents, "IsTruncated": next(found, None) is not None}
