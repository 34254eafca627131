"""A proof of delivery as lines: a header, a line for each object, and a footer that is signed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bucketline.flow.proof.merkle import Tree, leaf_hash
from bucketline.flow.proof.signing import Signer, fingerprint
from bucketline.flow.report.delivered import Delivered
from bucketline.flow.report.runs import RunRow

FORMAT = 1
LINK_LENGTH = 16  # Of the hash of the line before: it finds a change, the root proves it.
_CONTEXT = b"bucketline proof of delivery\n"


def head_of(row: RunRow, scope: str, now: float) -> dict[str, Any]:
    """What the header says of a run; `scope` is `job` or `run`."""
    return {**row.as_told(), "scope": scope, "saved": now, "configuration": row.settings}


def manifest(
    head: Mapping[str, Any], objects: Iterable[Delivered], signer: Signer
) -> Iterator[bytes]:
    """The lines, without their ends, in little memory."""
    public = signer.public_key
    own = {"public_key": public.hex(), "fingerprint": fingerprint(public)}
    header = encoded({"kind": "proof", "format": FORMAT, **own, **head})
    yield header
    tree, leaf, size, earlier = Tree(), leaf_hash(header), 0, 0
    for number, one in enumerate(objects, 1):
        line = encoded({"kind": "object", "n": number, "after": link(leaf), **_facts(one)})
        leaf = leaf_hash(line)
        tree.add(leaf)
        size += one.size
        earlier += one.run != head["run"]
        yield line
    footer: dict[str, Any] = {"kind": "end", "objects": tree.count, "earlier": earlier}
    footer |= {"bytes": size, "after": link(leaf), "root": tree.root.hex()}
    yield encoded({**footer, "signature": signer.sign(signed(header, footer)).hex()})


def extract(header: bytes, line: bytes, footer: bytes, path: Sequence[bytes]) -> Iterator[bytes]:
    """One object's line, and what shows that it is in the proof whose ends these are."""
    yield header
    yield encoded({"kind": "path", "path": [node.hex() for node in path]})
    yield line
    yield footer


def encoded(fields: Mapping[str, Any]) -> bytes:
    """The one way in which such fields are a line."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def link(leaf: bytes) -> str:
    """What a line says of the one before it."""
    return leaf.hex()[:LINK_LENGTH]


def signed(header: bytes, footer: Mapping[str, Any]) -> bytes:
    """What the signature is of: all of the header, and of the footer what stands before it."""
    return _CONTEXT + header + b"\n" + encoded(footer)


def _facts(one: Delivered) -> dict[str, Any]:
    """What is known of an object; what is not known has no name."""
    facts = {
        "key": one.key,
        "version": one.version,
        "size": one.size,
        "hashes": dict(one.hashes),
        "proof": one.proof,
        "source_etag": one.source_etag,
        "target_etag": one.target_etag,
        "started": one.started,
        "time": one.time,
        "endpoint": one.endpoint,
        "run": one.run,
    }
    return {name: value for name, value in facts.items() if value not in ("", None, {})}
