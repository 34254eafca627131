"""Chunks, asked for at the node that holds them: how one stands, and back from its tombstone."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from bucketline.engines.ring.listing import Node, topology
from bucketline.engines.ring.site import Site
from bucketline.errors import BadListing, Mismatch
from bucketline.stores.base import Flow
from bucketline.stores.s3.markup import Torn, tree

_DONE = "CHUNKAPI_STATUS_OK"
_ABSENT = "CHUNKAPI_STATUS_NOT_FOUND"
_DELETED = 1  # A bit of its flags.


class Chunk(NamedTuple):
    """How a chunk stands."""

    version: int
    size: int
    mtime: int
    crc: str
    is_deleted: bool = False

    def is_same(self, other: Chunk) -> bool:
        """The same bytes, whatever became of its version."""
        return (self.size, self.crc) == (other.size, other.crc)


class Nodes:
    """The nodes of a whole ring."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._nodes = sorted(topology(site), key=_place)

    def holder(self, chunk: str) -> Node:
        """The first at or behind the chunk's place."""
        behind = (node for node in self._nodes if _place(node) >= chunk)
        return next(behind, self._nodes[0])

    def stat(self, chunk: str) -> Flow[Chunk | None]:
        told = yield from self._ask("GET", "stat", chunk, 0)
        if told.get("status") == _ABSENT:
            return None
        try:
            _check(told, "stat", chunk)
            version, size, mtime = (int(told[name]) for name in ("version", "size", "mtime"))
            is_deleted = bool(int(told["mflags"]) & _DELETED)
            return Chunk(version, size, mtime, told["crc32"], is_deleted)
        except (KeyError, ValueError):
            raise BadListing(f"{chunk}: its node does not tell how it stands") from None

    def undelete(self, chunk: str, version: int) -> Flow[None]:
        told = yield from self._ask("POST", "undelete", chunk, version)
        _check(told, "undelete", chunk)

    def _ask(self, method: str, op: str, chunk: str, version: int) -> Flow[dict[str, str]]:
        node = self.holder(chunk)
        question = {
            "cmd": "chunkapi store op",
            "op": op,
            "chunkid": chunk,
            "dso": self._site.ring.name,
            "vnode": node.vnode,
            "use_base64": "1",
        }
        if version:
            question["version"] = str(version)
        client = self._site.client(node.admin)
        answer = yield from client.ask(method, f"/do?{urlencode(question)}")
        try:
            return {one.tag: (one.text or "").strip() for one in tree(bytes(answer.body)).iter()}
        except Torn:
            raise BadListing(f"node {node.name}: answered no whole XML") from None


def _place(node: Node) -> str:
    return node.key.upper().rjust(40, "0")


def _check(told: dict[str, str], op: str, chunk: str) -> None:
    if told.get("status") != _DONE:
        raise Mismatch(f"{chunk}: {op} ended with {told.get('status', 'no status')}")
