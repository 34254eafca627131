"""A ring and its metadata, made by a seed, and the truth about both."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bucketline.engines.ring.keys import Main, Protection, replicated_main, striped_main

ARC, OLD_ARC, COS = Protection(8, 4), Protection(4, 2), 3
NOW = 1_700_000_000
OLD, NEW = NOW - 90 * 86_400, NOW - 3_600
BUCKETS = ("one", "zwei-ü", "gone")
NODES = 6
Truth = set[tuple[str, str, str]]  # (class, input key or "", key of the object or "")


@dataclass
class Stored:
    """What the ring holds under one main chunk."""

    main: str
    input_key: str
    flag: int = 0
    mtime: int = OLD
    lost: frozenset[int] = frozenset()
    children: list[str] = field(default_factory=list)
    parent: str = ""

    @property
    def rows(self) -> list[str]:
        chunks = Main(self.main).chunks
        kept = [chunk for number, chunk in enumerate(chunks) if number not in self.lost]
        return [f"{chunk},{self.main},g1disk1,{self.flag}" for chunk in kept]

    @property
    def chunks(self) -> list[str]:
        return [row.partition(",")[0] for row in self.rows]


class World:
    """Everything that the services tell of."""

    def __init__(self, seed: int, count: int) -> None:
        self.random = random.Random(seed)
        self.stored: dict[str, Stored] = {}  # By main chunk.
        self._index: dict[str, Stored] = {}
        self.buckets: dict[str, dict[str, Any]] = {"one": {}, "zwei-ü": {}, "users..bucket": {}}
        self.buckets |= {f"mpuShadowBucket{name}": {} for name in BUCKETS[:2]}
        self.truth: Truth = set()
        self.journal: list[list[dict[str, Any]]] = [[{}], [{}]]  # Of each raft session.
        self.versions: dict[str, int] = {}  # Of chunks that were deleted, or came back.
        self.deleted: set[str] = set()
        self.pruned = 0  # Entries of a journal that are gone.
        for number in range(count):
            self._object(f"path/{number:06}-é", self.random.random())
        self._damage()
        self._strange()

    def input_key(self, bucket: str, *, zeros: int = 0, service: str = "59") -> str:
        about = hashlib.md5(bucket.encode()).hexdigest()[:14].upper()
        start = "0" * zeros + self.random.randbytes(8).hex().upper()[zeros:]
        return f"{start}{about}{service}{self.random.randbytes(3).hex().upper()}20"

    def keep(self, input_key: str, *, large: bool = False, **more: Any) -> Stored:
        protection = OLD_ARC if self.random.random() < 0.05 else ARC
        main = striped_main(input_key, protection) if large else replicated_main(input_key, COS)
        found = self.stored[main] = Stored(main, input_key, **more)
        return found

    def name(self, bucket: str, key: str, input_keys: list[str], **more: Any) -> None:
        location = [{"key": one, "size": 10, "dataStoreType": "scality"} for one in input_keys]
        value = {"content-length": 10 * len(location), "location": location}
        moment = datetime.fromtimestamp(OLD, UTC).isoformat()
        self.buckets[bucket][key] = {**value, "last-modified": moment, **more}

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

    def split(self, bucket: str) -> Stored:
        parent = self.input_key(bucket, zeros=self.random.choice([0, 0, 1, 2, 4, 6, 8]))
        kids = [
            self.input_key(bucket, zeros=self.random.choice([0, 0, 2, 4]), service="4C")
            for _ in range(self.random.randint(2, 9))
        ]
        for kid in kids:
            self.keep(kid, large=True, flag=16, parent=parent)
        large = self.random.random() < 0.5
        return self.keep(parent, large=large, flag=self.random.choice([32, 48]), children=kids)

    def _object(self, key: str, share: float) -> None:
        bucket = self.random.choice(BUCKETS[:2])
        if share < 0.04:
            self.name(bucket, key, [self.split(bucket).input_key])
        elif share < 0.08:
            parts = [self.input_key(bucket) for _ in range(self.random.choice([2, 9, 150]))]
            for part in parts:
                self.keep(part, large=True)
            self.name(bucket, key, parts)
        elif share < 0.10:
            keys = [self.input_key(bucket) for _ in range(3)]
            for number, one in enumerate(keys):
                self.keep(one)
                self.name(bucket, f"{key}\0v{number}", [one], versionId=f"v{number}")
            self.name(bucket, key, [keys[0]], versionId="v0")
        elif share < 0.11:
            self.buckets[bucket][key] = {"content-length": 0, "location": None}
        else:
            one = self.input_key(bucket, zeros=self.random.choice([0, 0, 0, 1, 2, 3, 6]))
            self.keep(one, large=share > 0.8, mtime=NEW if share > 0.97 else OLD)
            self.name(bucket, key, [one])

    def _damage(self) -> None:
        """Each kind of it, twice."""
        for number in range(2):
            self._harm("MISSING", f"d/missing{number}", gone=True)
            self._harm("UNREADABLE", f"d/unreadable{number}", large=True, lost=range(5))
            self._harm("UNDER_PROTECTED", f"d/striped{number}", large=True, lost=[3])
            self._harm("UNDER_PROTECTED", f"d/copies{number}", lost=[1, 2])
            one = self.input_key("one")
            self.keep(one)
            self.name("one", f"d/size{number}", [one], **{"content-length": 11})
            self.truth.add(("SIZE_MISMATCH", "", f"d/size{number}"))
            self.buckets["one"][f"d/empty{number}"] = {}
            self.truth.add(("EMPTY_MD", "", f"d/empty{number}"))
            self.buckets["one"][f"d/nowhere{number}"] = {"content-length": 5, "location": None}
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
        for number in range(2):
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

    def listed(self, node: int, start: int, end: int) -> list[str]:
        """What a node has; a tenth of the chunks are listed by the next one as well."""
        found = []
        for one in self.stored.values():
            if start <= one.mtime <= end:
                for row in one.rows:
                    if row.partition(",")[0] in self.deleted:
                        continue
                    place = int(row[:6], 16) % (NODES * 10)
                    if place % NODES == node or (place < NODES and (place + 1) % NODES == node):
                        found.append(row)
        return found

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

    def by_input_key(self, key: str) -> Stored | None:
        return next((one for one in self.stored.values() if one.input_key == key), None)

    def page(self, bucket: str, marker: str, limit: int) -> dict[str, Any]:
        keys = sorted(key for key in self.buckets[bucket] if key > marker)
        contents = []
        for key in keys[:limit]:
            value = self.buckets[bucket][key]
            if len(json.dumps(value)) >= 10_000:
                value = {name: one for name, one in value.items() if name != "location"}
            contents.append({"key": key, "value": json.dumps(value)})
        return {"Contents": contents, "IsTruncated": len(keys) > limit}
