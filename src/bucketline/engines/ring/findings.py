"""filter, orphans, missing: what both sides say of each other. Nothing here deletes anything."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from bucketline.engines.ring import passes
from bucketline.engines.ring.client import Client
from bucketline.engines.ring.digest import digest
from bucketline.engines.ring.export import export
from bucketline.engines.ring.keys import (
    REPLICATED,
    S3_DATA,
    SPLIT_CHILDREN,
    STRIPED,
    fingerprint,
    padded,
    service_of,
)
from bucketline.engines.ring.listing import list_keys
from bucketline.engines.ring.old import is_of_old
from bucketline.engines.ring.site import Site, all_of
from bucketline.errors import StoreError
from bucketline.flow.query.base import Inputs
from bucketline.flow.query.datasets import require_whole
from bucketline.stores.base import Flow

_AT_ONCE = 500
_PARENT = re.compile(rb"index\W*([0-9A-Fa-f]{40})")


class Judged(NamedTuple):
    """What an unreferenced main chunk turned out to be."""

    kind: str
    input_key: str = ""
    detail: str = ""


def filter_mains(site: Site) -> None:
    _one_pass(site, "filter", passes.MAINS, ("listkeys",))


def missing(site: Site) -> None:
    """By an old list nothing is missing for certain."""
    told = passes.doubted if is_of_old(site.dataset("listkeys")) else passes.missing
    _one_pass(site, "missing", told(int(site.begun)), ("filter", "digest"))


def orphans(site: Site) -> None:
    """Each candidate is asked for what it is; what nobody can tell stays unresolved."""
    dataset = site.dataset("orphans")
    if dataset.is_sealed:
        return
    site.going.begin("orphans")
    inputs = site.files("filter", "digest")
    known = known_buckets(site)
    with dataset.piece("all") as rows:
        candidates = list(site.engine.rows(passes.UNREFERENCED, inputs))
        site.going.begin("orphans", "candidates", len(candidates))
        found = iter(candidates)
        client = site.client(site.ring.rebuild)
        while some := list(islice(found, _AT_ONCE)):
            judged = all_of([judge(client, site, row, known) for row in some])
            judged = _doubted(site, judged, inputs)
            for (main, _, _), one in zip(some, judged, strict=True):
                rows.add((one.kind, main, one.input_key, "", "", "", 0, one.detail))
            site.going.step(len(some))
    reasons = require_whole([site.dataset("filter"), site.dataset("digest")])
    dataset.seal(why_partial="; ".join(reasons), notes={"ended": site.clock.now()})


def known_buckets(site: Site) -> frozenset[str]:
    """What input keys of our buckets have in common."""
    ours = {row[0] for row in site.engine.rows(passes.FINGERPRINTS, site.files("digest"))}
    return frozenset(one[:14] for one in ours | set(site.ring.fingerprints))


PHASES: dict[str, Callable[[Site], None]] = {
    "listkeys": list_keys,
    "export": export,
    "digest": digest,
    "filter": filter_mains,
    "orphans": orphans,
    "missing": missing,
}


def counts(site: Site) -> Iterator[tuple[str, int]]:
    """How many findings there are of each class."""
    yield from site.engine.rows(passes.CLASSES, site.files("orphans", "missing"))


def _doubted(site: Site, judged: list[Judged], inputs: Inputs) -> list[Judged]:
    """A piece whose parent the metadata refers to is no orphan, whatever the listing lacks."""
    parents = {one.detail for one in judged if one.kind == "ORPHAN_CHILD"}
    if not parents:
        return judged
    alive = {row[0] for row in site.engine.rows(passes.referred(sorted(parents)), inputs)}
    return [
        Judged("UNRESOLVED", one.input_key, f"its parent {one.detail} is referred to")
        if one.kind == "ORPHAN_CHILD" and one.detail in alive
        else one
        for one in judged
    ]


def _one_pass(site: Site, name: str, sql: str, sources: tuple[str, ...]) -> None:
    dataset = site.dataset(name)
    if dataset.is_sealed:
        return
    site.going.begin(name)
    inputs = site.files(*sources)
    if not dataset.has("all"):
        dataset.made("all", lambda path: site.engine.write(sql, inputs, path))
    reasons = require_whole(site.dataset(source) for source in sources)
    dataset.seal(why_partial="; ".join(reasons))


def judge(
    client: Client, site: Site, row: tuple[str, str, int], known: frozenset[str]
) -> Flow[Judged]:
    main, service, is_new = row
    if service not in {STRIPED, REPLICATED}:
        return Judged("FOREIGN", "", f"service {service}")
    if is_new:
        return Judged("TOO_NEW")
    alias = site.ring.arcdata_alias or f"arcdata-{site.ring.name}"
    try:
        answer = yield from client.ask("HEAD", f"/rebuild/{alias}/{main}")
        told = answer.headers.get("x-scal-attr-object-id", "")
        input_key = padded(told.removeprefix("text="))
        usermd = b64decode(answer.headers.get("x-scal-usermd", ""))
    except (StoreError, ValueError) as error:
        return Judged("UNRESOLVED", "", str(error).partition("\n")[0])
    return _kind(input_key, usermd, known)


def _kind(input_key: str, usermd: bytes, known: frozenset[str]) -> Judged:
    service = service_of(input_key)
    if service in SPLIT_CHILDREN:
        mark = _PARENT.search(usermd)
        if mark is None:
            return Judged("UNRESOLVED", input_key, "its parent is not told")
        parent = mark[1].decode().upper()
        if fingerprint(parent)[:14] not in known:
            return Judged("FOREIGN", input_key, parent)
        return Judged("ORPHAN_CHILD", input_key, parent)
    if service != S3_DATA:
        return Judged("FOREIGN", input_key, f"service {service}")
    if fingerprint(input_key)[:14] not in known:
        return Judged("FOREIGN", input_key, "of no bucket that is known here")
    return Judged("ORPHAN", input_key)
