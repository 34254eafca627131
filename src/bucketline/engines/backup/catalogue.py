"""The catalogue of a backup: what it holds, with all that is known of each object.

It lies in the backup itself, under a reserved prefix: layers of gzipped JSON lines in key order,
the later over the earlier, and a manifest that names them. A manifest is written last and never
again; the one with the highest number is the catalogue, the ones before it are what it was.
"""

from __future__ import annotations

import gzip
import heapq
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import md5, sha256
from typing import Any

from bucketline.engines.backup.rows import GONE, Row, folded, row_of
from bucketline.errors import Broken, Conflict, Mismatch, NotFound
from bucketline.flow.look.listing import Caller
from bucketline.model import Attributes
from bucketline.stores.base import Flow, Store

RESERVED = ".bucketline/"
HISTORY = "history"  # What a manifest tells of a backup that holds every version.
VERSION = 1
HOME = f"{RESERVED}catalogue/"
_TRIES = 5  # At a number that others take, too.
_ROWS, _BYTES = 50_000, 32 << 20  # Of a segment, at most: what is in memory of each layer.
_LAYERS_MAX = 8  # Beyond it, the newest of about the same size are written as one.
_SHARE = 4  # All are written as one, too, when the later layers have a quarter of the rows.
_ABOUT = (
    "What this backup holds. `layers` are lists of gzipped files of JSON lines in key order; of"
    " several lines of one key the one in the later layer holds, and one without an etag only"
    " changes what it names. Times are seconds since 1970."
)
_CURE = (
    "remove {}: the state before it counts then, and the next backup finds what that does not tell"
)
_JSON = Attributes(headers={"content-type": "application/json"})
_GZIP = Attributes(headers={"content-type": "application/gzip"})


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of rows."""

    name: str
    sha256: str
    rows: int
    first: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One state of the catalogue."""

    number: int = 0
    source: str = ""
    run: str = ""
    time: float = 0.0
    layers: tuple[tuple[Segment, ...], ...] = ()
    told: dict[str, Any] = field(default_factory=dict)  # Of the source: for a new bucket.

    @property
    def counts(self) -> list[int]:
        return [sum(one.rows for one in layer) for layer in self.layers]

    def packed(self) -> bytes:
        """Its file."""
        layers = [
            [{"name": s.name, "sha256": s.sha256, "rows": s.rows, "first": s.first} for s in layer]
            for layer in self.layers
        ]
        told = {"v": VERSION, "kind": "backup catalogue", "about": _ABOUT, "number": self.number}
        told |= {"source": self.source, "run": self.run, "time": self.time, "told": self.told}
        return json.dumps({**told, "layers": layers}, ensure_ascii=False, indent=1).encode()


def manifest_of(text: bytes, name: str) -> Manifest:
    """Raises `Broken` where it is damaged or of a newer program."""
    try:
        told = json.loads(text)
        if told["v"] > VERSION:
            raise Broken(f"{name}: is of a newer bucketline; take that one")
        return Manifest(
            *(int(told["number"]), str(told["source"]), str(told["run"]), float(told["time"])),
            tuple(tuple(Segment(**one) for one in layer) for layer in told["layers"]),
            dict(told["told"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        said = f"this manifest of the catalogue is damaged ({error})"
        raise Broken(f"{name}: {said}; {_CURE.format(name)}") from error


def _there(rows: Iterable[Row]) -> Iterator[Row]:
    """What the backup holds."""
    return (row for row in rows if row.state != GONE and row.is_whole)


def _cut(rows: Iterable[Row]) -> Iterator[tuple[str, list[bytes]]]:
    """The lines of each segment, and its first key: of histories, a few may be many megabytes."""
    first, lines, size = "", list[bytes](), 0
    for row in rows:
        first = first if lines else row.key
        lines.append(row.line().encode())
        size += len(lines[-1])
        if len(lines) == _ROWS or size >= _BYTES:
            yield first, lines
            lines, size = [], 0
    if lines:
        yield first, lines


def _with_any(layer: Sequence[Segment], keys: Sequence[str]) -> tuple[Segment, ...]:
    """The files that may hold any of them."""
    found = []
    for place, segment in enumerate(layer):
        at = bisect_left(keys, segment.first)
        is_last = place + 1 == len(layer)
        if at < len(keys) and (is_last or keys[at] < layer[place + 1].first):
            found.append(segment)
    return tuple(found)


def _unmerged(counts: Sequence[int]) -> int:
    """How many layers stay: a row is then written again only a few times, however many come."""
    kept, rows = len(counts) - 2, sum(counts[-2:])
    while kept > 1 and counts[kept - 1] <= 2 * rows:
        kept -= 1
        rows += counts[kept]
    return kept


class Catalogue:
    """The newest state, or the newest that is not later than `at`."""

    def __init__(
        self, store: Store, prefix: str, drive: Caller, *, at: float | None = None
    ) -> None:
        self._store = store
        self.prefix = prefix
        self._home = prefix + HOME
        self._drive = drive
        self.manifest = self._newest(at)

    @classmethod
    def nearest(
        cls, store: Store, prefix: str, drive: Caller, *, at: float | None = None
    ) -> Catalogue:
        """The one of the backup that `prefix` is in: there, or on the way up from there."""
        while True:
            found = cls(store, prefix, drive, at=at)
            if not found.is_new or not prefix:
                return found
            above = prefix.rstrip("/").rpartition("/")[0]
            prefix = f"{above}/" if above else ""

    @property
    def about(self) -> int:
        """How many objects the backup holds, about: limits are shares of that."""
        return max(self.manifest.counts, default=0)

    @property
    def is_new(self) -> bool:
        return not self.manifest.number

    def rows(self, keys: Sequence[str] | None = None) -> Iterator[Row]:
        """What the backup holds, in key order; of these keys alone (in order), if any are named."""
        layers = self.manifest.layers
        if keys is not None:
            layers = tuple(_with_any(layer, keys) for layer in layers)
        only = None if keys is None else set(keys)
        for row in _there(self._folded(layers)):
            if only is None or row.key in only:
                yield row

    def add(
        self,
        rows: Iterable[Row],
        *,
        source: str,
        run: str,
        now: float,
        told: dict[str, Any] | None = None,
        is_patient: bool = False,
    ) -> Manifest:
        """A state with these rows over those there are, in key order and one a key. With none of
        them it stays the same. Who `is_patient` puts them over what another has written meanwhile.
        """
        # Named by the run as well: of two that make the same number, neither harms the other.
        stem = f"{self.manifest.number + 1:08}-{run}-"
        layer = self._written(rows, stem)
        for tries_left in reversed(range(_TRIES if is_patient else 1)):
            old = self.manifest
            now_told = told or old.told
            if not layer and not self.is_new and now_told == old.told:
                return old
            layers = (*old.layers, layer) if layer else old.layers
            made = Manifest(old.number + 1, source, run, now, layers, now_told)
            made = replace(made, layers=self._fewer(made, stem))
            try:
                self._drive.call(self._publish(made))
            except Conflict:
                self.manifest = self._newest(None)  # For who goes on.
                if not tries_left:
                    raise
            else:
                self.manifest = made
                break
        return self.manifest

    def _fewer(self, made: Manifest, stem: str) -> tuple[tuple[Segment, ...], ...]:
        """Its layers, some or all of them written as one where they have become too many."""
        layers, counts = made.layers, made.counts
        if sum(counts[1:]) * _SHARE > sum(counts[:1]):
            return (self._written(_there(self._folded(layers)), f"{stem}all-"),)
        if len(counts) > _LAYERS_MAX:
            kept = _unmerged(counts)
            some = self._written(self._folded(layers[kept:]), f"{stem}some-")
            return (*layers[:kept], some)
        return layers

    def _newest(self, at: float | None) -> Manifest:
        names = sorted(self._manifests())
        if at is None:
            return self._read(names[-1]) if names else Manifest()
        # Their times ascend: of a hundred thousand, a few are read.
        there = bisect_right(names, at, key=lambda name: self._read(name).time)
        return self._read(names[there - 1]) if there else Manifest()

    def _read(self, name: str) -> Manifest:
        return manifest_of(self._drive.call(self._store.read(name)).body, name)

    def _manifests(self) -> Iterator[str]:
        token = ""
        while True:
            page = self._drive.call(self._store.page(self._home, token=token))
            for entry in page.entries:
                name = entry.key.removeprefix(self._home)
                if name.endswith(".json") and name[:-5].isdigit():
                    yield entry.key
            token = page.token
            if not token:
                return

    def _folded(self, layers: Sequence[Iterable[Segment]]) -> Iterator[Row]:
        keyed = [self._keyed(layer, place) for place, layer in enumerate(layers)]
        return folded(row for _, _, row in heapq.merge(*keyed))

    def _keyed(self, layer: Iterable[Segment], place: int) -> Iterator[tuple[str, int, Row]]:
        return ((row.key, place, row) for row in self._layer(layer))

    def _layer(self, layer: Iterable[Segment]) -> Iterator[Row]:
        for segment in layer:
            name = self._home + segment.name
            try:
                body = self._drive.call(self._store.read(name)).body
            except NotFound:
                body = b""
            if sha256(body).hexdigest() != segment.sha256:
                there = f"{self._home}{self.manifest.number:08}.json"
                said = f"the catalogue is damaged; {_CURE.format(there)}"
                raise Mismatch(said, store=self._store.name, key=name)
            yield from map(row_of, gzip.decompress(body).splitlines())

    def _written(self, rows: Iterable[Row], stem: str) -> tuple[Segment, ...]:
        segments = list[Segment]()
        for first, lines in _cut(rows):
            body = gzip.compress(b"\n".join(lines), compresslevel=6, mtime=0)
            name = f"{stem}{len(segments):05}.jsonl.gz"
            self._drive.call(self._put(self._home + name, body, _GZIP))
            digest = sha256(body).hexdigest()
            segments.append(Segment(name, digest, len(lines), first))
        return tuple(segments)

    def _put(self, key: str, body: bytes, attributes: Attributes) -> Flow[None]:
        digest = md5(body, usedforsecurity=False).digest()
        yield from self._store.write(key, body, attributes=attributes, md5=digest)

    def _publish(self, manifest: Manifest) -> Flow[None]:
        """Where the server can refuse, nobody else's state of that number is written over."""
        key, body = f"{self._home}{manifest.number:08}.json", manifest.packed()
        digest = md5(body, usedforsecurity=False).digest()
        try:
            yield from self._store.write(key, body, attributes=_JSON, md5=digest, if_absent=True)
        except Conflict:
            there = (yield from self._store.read(key)).body
            if there != body:  # Else it was ours, and only its answer was lost.
                said = "another backup has written the catalogue meanwhile; run again"
                raise Conflict(said, store=self._store.name, key=key) from None
