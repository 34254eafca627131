"""digest: from what S3 refers to, to where the ring keeps it. Only split objects are asked for."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from bucketline.engines.ring import passes
from bucketline.engines.ring.client import Client
from bucketline.engines.ring.keys import children_of, dig
from bucketline.engines.ring.site import Site, all_of
from bucketline.errors import StoreError
from bucketline.flow.query.datasets import require_whole
from bucketline.stores.base import Flow

_AT_ONCE = 500
_RAW = ("x-scal-split-policy: raw",)


def digest(site: Site) -> None:
    """The parent's own key is a reference too: its index is data like any other."""
    dataset = site.dataset("digest")
    if dataset.is_sealed:
        return
    site.going.begin("digest")
    inputs = site.files("listkeys", "export")
    if not dataset.has("references"):
        dataset.made(
            "references", lambda path: site.engine.write(passes.DIG_REFERENCES, inputs, path)
        )
    if not dataset.has("children"):
        client = site.client(site.ring.rebuild)
        known = list(site.engine.rows(passes.SPLIT_PARENTS, inputs))
        site.going.begin("digest", "split objects", len(known))
        parents = iter(known)
        with dataset.piece("children") as rows:
            while some := list(islice(parents, _AT_ONCE)):
                found = all_of([children(client, site, parent) for parent, _ in some])
                for (parent, modified), keys in zip(some, found, strict=True):
                    if not keys:
                        rows.add(_row(parent, "", modified, "UNRESOLVED"))
                    for key in keys:
                        rows.add(_row(key, parent, modified, ""))
                site.going.step(len(some))
    unresolved = next(site.engine.rows(passes.UNRESOLVED, {"digest": pieces(site)}))[0]
    reasons = require_whole([site.dataset("listkeys"), site.dataset("export")])
    if unresolved:
        reasons.append(f"{unresolved} references could not be resolved")
    dataset.seal(why_partial="; ".join(reasons))


def pieces(site: Site) -> list[Path]:
    """Of the dataset before it is sealed."""
    return sorted(site.dataset("digest").folder.glob("*.parquet"))


def children(client: Client, site: Site, parent: str) -> Flow[list[str]]:
    """The keys of its pieces; none when that cannot be told."""
    alias = site.ring.arc_alias or f"arc-{site.ring.name}"
    try:
        answer = yield from client.ask("GET", f"/rebuild/{alias}/{parent}", _RAW)
    except StoreError:
        return []
    return children_of(bytes(answer.body))


def _row(key: str, parent: str, modified: int, issue: str) -> tuple[str | int, ...]:
    return (
        *("split_child", "", "", "", "", key, 0, modified, parent),
        *("" if issue else dig(key), issue),
    )
