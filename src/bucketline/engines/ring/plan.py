"""A plan to reclaim: what two runs call orphans, in a file known by its hash; it expires."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from bucketline.config.values import Ring
from bucketline.durable import whole_file
from bucketline.engines.ring import passes
from bucketline.engines.ring.chunks import Chunk, Nodes
from bucketline.engines.ring.gates import earlier
from bucketline.engines.ring.keys import Main, fingerprint
from bucketline.engines.ring.site import Site, all_of
from bucketline.errors import DiskError, Refused, StoreError
from bucketline.stores.base import Flow

VERSION = 1
_LIFE = 86_400
_AT_ONCE = 200


class Candidate(NamedTuple):
    """A main chunk that nothing refers to, as it stood when it was planned."""

    kind: str
    main: str
    input_key: str
    parent: str
    chunk: Chunk


class Plan(NamedTuple):
    """What would be deleted, and until when that may be approved."""

    ring: str
    runs: tuple[str, ...]
    made: float
    expires: float
    items: tuple[Candidate, ...]
    sha256: str = ""

    @property
    def bytes(self) -> int:
        """What all chunks and copies take; those of one object are of one size."""
        return sum(one.chunk.size * len(Main(one.main).chunks) for one in self.items)


class Made(NamedTuple):
    """A plan that was written down."""

    plan: Plan
    path: Path
    withheld: int  # Orphans that are not in it: they may be what an object does not tell of.


def make(site: Site) -> Made:
    """Written down whole; what cannot be told or has changed is left out."""
    before = earlier(site)
    agreed, vague = _agreed(site, before)
    found = iter(agreed)
    nodes, items = Nodes(site), list[Candidate]()
    while some := list(islice(found, _AT_ONCE)):
        stats = all_of([_stat(nodes, main) for _, main, _, _ in some])
        for row, chunk in zip(some, stats, strict=True):
            if chunk is not None and not chunk.is_deleted and chunk.mtime <= site.cutoff:
                kind, main, input_key, parent = row
                items.append(Candidate(kind, main, input_key, parent, chunk))
    now = site.clock.now()
    names = (before.folder.name, site.folder.name)
    plan = Plan(site.ring.name, names, now, now + _LIFE, tuple(items))
    lines = _lines(plan)
    plan = plan._replace(sha256=hashlib.sha256(lines).hexdigest())
    path = file_of(site.ring, plan.sha256)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_file(path) as file:
        file.write(lines)
    return Made(plan, path, len(vague))


def _agreed(site: Site, before: Site) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """What both runs call orphans; and apart, those of buckets whose metadata says too little."""
    vague = {row[0] for row in site.engine.rows(passes.VAGUE, site.files("digest"))}
    inputs = {**site.files("orphans"), "orphans_before": before.dataset("orphans").files()}
    both: tuple[list[tuple[str, ...]], list[tuple[str, ...]]] = ([], [])
    for row in site.engine.rows(passes.AGREED, inputs):
        _, _, input_key, parent = row
        both[fingerprint(parent or input_key)[:14] in vague].append(row)
    return both


def load(site: Site, sha256: str) -> Plan:
    """The plan of this hash, if it may still be carried out; else `Refused`."""
    path = file_of(site.ring, sha256)
    try:
        raw = path.read_bytes()
    except (OSError, ValueError):
        raise Refused(f"{sha256[:80]}: no plan has this hash; make one without --approve") from None
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise Refused(f"{path}: is not the plan that was made; make a new one")
    plan = _read(raw, sha256, path)
    if not plan.made <= site.clock.now() < plan.expires:
        raise Refused(f"{path}: has expired; make a new one")
    if plan.ring != site.ring.name or plan.runs[-1] != site.folder.name:
        raise Refused(f"{path}: there is a newer run; make a new plan of it")
    return plan


def file_of(ring: Ring, sha256: str) -> Path:
    name = sha256 if sha256.isalnum() else "-"
    return ring.path / ring.name / "plans" / f"{name}.jsonl"


def _stat(nodes: Nodes, main: str) -> Flow[Chunk | None]:
    """None too for one whose other chunks lie where nobody knows."""
    try:
        return (yield from nodes.stat(main)) if Main(main).chunks else None
    except (StoreError, ValueError):
        return None


def _lines(plan: Plan) -> bytes:
    head: dict[str, Any] = {"version": VERSION, **plan._asdict(), "count": len(plan.items)}
    del head["items"], head["sha256"]
    lines = [head, *({**one._asdict(), "chunk": one.chunk._asdict()} for one in plan.items)]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _read(raw: bytes, sha256: str, path: Path) -> Plan:
    try:
        head, *lines = [json.loads(line) for line in raw.splitlines()]
        if head["version"] > VERSION:
            raise Refused(f"{path}: a newer bucketline wrote it; use that one")
        items = tuple(Candidate(**{**one, "chunk": Chunk(**one["chunk"])}) for one in lines)
        return Plan(head["ring"], tuple(head["runs"]), head["made"], head["expires"], items, sha256)
    except (ValueError, KeyError, TypeError) as error:
        raise DiskError(f"{path}: is damaged ({error}); make a new plan") from None
