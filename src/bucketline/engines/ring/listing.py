"""listkeys: every chunk of the ring, as its nodes list them; all nodes or nothing."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode, urlsplit
from xml.etree.ElementTree import Element

from bucketline.engines.ring.keys import padded
from bucketline.engines.ring.site import Site
from bucketline.errors import BadListing, Refused
from bucketline.flow.drive import blocking
from bucketline.flow.query.rows import Rows
from bucketline.stores.base import Flow
from bucketline.stores.s3.markup import Torn, named, text, tree

_OLDEST, _NEWEST = 0, 1 << 40
_OVERLAP = 1  # Seconds: whether a bound belongs to its window is not told. Twice is harmless.
_KEY_LENGTH_MIN = 30  # What is shorter is no key: blank lines keep the connection alive.


class Node(NamedTuple):
    """A node of the ring."""

    name: str
    admin: str  # Its URL.
    vnode: str
    key: str
    successor: str


def list_keys(site: Site) -> None:
    """Every node is listed; a ring that changes meanwhile is refused."""
    dataset = site.dataset("listkeys")
    if dataset.is_sealed:
        return
    nodes = topology(site)
    for node in nodes:
        piece = f"{node.name}-{node.vnode}"
        if not dataset.has(piece):
            with dataset.piece(piece) as rows:
                _list_node(site, node, rows)
    if topology(site) != nodes:
        raise Refused(f"{site.ring.name}: the ring changed while it was listed; begin a new run")
    notes = {"nodes": [node.name for node in nodes], "begun": site.begun, "cutoff": site.cutoff}
    dataset.seal(notes=notes)


def topology(site: Site) -> list[Node]:
    """The nodes, which are all there and make a whole ring; else `Refused`."""
    question = {
        "cmd": "supervisor config dso",
        "action": "view",
        "mergedisks": "1",
        "dsoname": site.ring.name,
        "output": "xml",
    }
    if site.ring.login:
        question |= {"suser": site.ring.login, "spass": site.password.reveal}
    client = site.client(site.ring.supervisor)
    answer = blocking(client.ask("GET", f"/do?{urlencode(question)}"))
    try:
        items = list(tree(bytes(answer.body)).iter("node"))
    except Torn:
        raise BadListing(f"{client.url}: the supervisor's answer is no whole XML") from None
    scheme = urlsplit(site.ring.supervisor).scheme
    nodes = sorted(_node(item, scheme) for item in items)
    _check_ring(site.ring.name, nodes)
    return nodes


def _node(item: Element, scheme: str) -> Node:
    name = text(item, "name")
    if text(item, "reachable").lower() not in {"1", "true", "yes"}:
        raise Refused(f"node {name}: is not reachable; a ring is judged whole or not at all")
    if text(item, "tasks_blocked").lower() in {"1", "true", "yes"}:
        raise Refused(f"node {name}: its tasks are blocked; wait until the ring is stable")
    (config,) = named(item, "config") or [item]
    (ring,) = named(item, "ring") or [item]
    successor = next((text(one, "key") for one in named(ring, "successor")), "")
    admin = f"{scheme}://{text(config, 'ip')}:{text(config, 'adminport')}"
    return Node(name, admin, text(config, "port"), text(item, "key"), successor)


def _check_ring(name: str, nodes: list[Node]) -> None:
    """From successor to successor one comes past every node, and back."""
    by_key = {node.key: node for node in nodes}
    if not nodes or len(by_key) != len(nodes):
        raise Refused(f"{name}: the supervisor tells of no nodes, or of two with one key")
    key = nodes[0].key
    for seen in range(len(nodes)):
        key = by_key[key].successor
        if key not in by_key:
            raise Refused(f"{name}: a node is missing from the ring; all must be there")
        if key == nodes[0].key and seen + 1 < len(nodes):
            raise Refused(f"{name}: the ring is in two parts; wait until it is stable")


def _list_node(site: Site, node: Node, rows: Rows) -> None:
    """What may be judged, and then what is too new: an object needs all of its chunks."""
    windows = ((_OLDEST, site.cutoff, False), (site.cutoff - _OVERLAP, _NEWEST, True))
    for start, end, is_new in windows:
        for line in blocking(_window(site, node, start, end)):
            if len(line.partition(",")[0]) >= _KEY_LENGTH_MIN:
                rows.add((*_row(node, line), is_new, node.name))


def _window(site: Site, node: Node, start: int, end: int) -> Flow[list[str]]:
    question = {
        "dso": site.ring.name,
        "vnode": node.vnode,
        "loadmetadata": "browse",
        "mtime_min": start,
        "mtime_max": end,
    }
    answer = yield from site.client(node.admin).ask("GET", f"/listkeys?{urlencode(question)}")
    body = bytes(answer.body)
    if body and not body.endswith(b"\n"):
        raise BadListing(f"node {node.name}: its list ends amid a line; run again")
    return body.decode("ascii", "replace").splitlines()


def _row(node: Node, line: str) -> tuple[str, str, int]:
    try:
        chunk, main, _, flag = line.split(",")[:4]
        return padded(chunk), padded(main), int(flag)
    except ValueError:
        raise BadListing(f"node {node.name}: lists what is no chunk: {line[:80]!r}") from None
