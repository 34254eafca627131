"""listkeys: every chunk of the ring, as its nodes list them; all nodes or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import IO, NamedTuple
from urllib.parse import urlencode, urlsplit
from xml.etree.ElementTree import Element

from bucketline.durable import replace_file
from bucketline.engines.ring.keys import padded
from bucketline.engines.ring.site import Site, nameless
from bucketline.errors import BadListing, DiskError, Refused
from bucketline.flow.drive import blocking
from bucketline.flow.query.datasets import Dataset
from bucketline.flow.query.rows import Rows
from bucketline.stores.base import Answer, Flow
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
    _keep_of(dataset, nodes)
    for node in site.going.through("listkeys", "nodes", nodes):
        piece = f"{node.name}-{node.vnode}"
        if not dataset.has(piece):
            with dataset.piece(piece) as rows:
                _list_node(site, node, rows)
    if topology(site) != nodes:
        shutil.rmtree(dataset.folder)
        said = "the ring changed while it was listed; the list was dropped, run again when it rests"
        raise Refused(f"{site.ring.name}: {said}")
    notes = {"nodes": [node.name for node in nodes], "begun": site.begun, "cutoff": site.cutoff}
    dataset.seal(notes=notes)


def _keep_of(dataset: Dataset, nodes: list[Node]) -> None:
    """What an earlier attempt has listed stays only if the ring was the same then."""
    path, told = dataset.folder / "topology.json", json.dumps(nodes)
    if not path.exists() or path.read_text() != told:
        shutil.rmtree(dataset.folder, ignore_errors=True)
        replace_file(path, told)


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
    host = text(config, "ip")
    host = f"[{host}]" if ":" in host else host
    admin = f"{scheme}://{host}:{text(config, 'adminport')}"
    if not text(config, "ip") or not text(config, "adminport").isdecimal():
        raise BadListing(f"node {name}: the supervisor does not tell where it is; run again")
    return Node(name, admin, text(config, "port"), text(item, "key"), successor)


def _check_ring(name: str, nodes: list[Node]) -> None:
    """From successor to successor one comes past every node, and back."""
    by_key = {node.key: node for node in nodes}
    if not nodes or len(by_key) != len(nodes):
        said = "the supervisor tells of no nodes, or of two with one key; are name and login right?"
        raise Refused(f"{name}: {said}")
    if len({(node.name, node.vnode) for node in nodes}) != len(nodes):
        raise Refused(f"{name}: two nodes have one name and one port; each needs its own")
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
        with nameless(site.dataset("listkeys").folder) as file:
            spool = _Spool(file)
            blocking(_window(site, node, (start, end), spool))
            chunks, other = 0, ""
            for line in spool.lines(node.name):
                if len(line.partition(",")[0]) >= _KEY_LENGTH_MIN:
                    rows.add((*_row(node, line), is_new, node.name))
                    chunks += 1
                elif line.strip():
                    other = line
            if other and not chunks:
                raise BadListing(f"node {node.name}: in place of chunks it says {other[:80]!r}")


class _Spool:
    """A node's list on the disk, as it comes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._failure: OSError | None = None

    def begin(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def take(self, data: bytes) -> None:
        """What is raised here would be lost in libcurl."""
        try:
            self._file.write(data)
        except OSError as error:
            self._failure = error

    def lines(self, name: str) -> Iterator[str]:
        """Of a list that is whole."""
        if self._failure is not None:
            raise DiskError(f"node {name}: its list cannot be kept ({self._failure.strerror})")
        if self._file.tell():
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                raise BadListing(f"node {name}: its list ends amid a line; run again")
        self._file.seek(0)
        for line in self._file:
            yield line.decode("ascii", "replace").rstrip("\r\n")


def _window(site: Site, node: Node, window: tuple[int, int], spool: _Spool) -> Flow[Answer]:
    start, end = window
    question = {
        "dso": site.ring.name,
        "vnode": node.vnode,
        "loadmetadata": "browse",
        "mtime_min": start,
        "mtime_max": end,
    }
    path = f"/listkeys?{urlencode(question)}"
    answer = yield from site.client(node.admin).ask("GET", path, into=spool)
    return answer


def _row(node: Node, line: str) -> tuple[str, str, int]:
    try:
        chunk, main, _, flag = line.split(",")[:4]
        return padded(chunk), padded(main), int(flag)
    except ValueError:
        raise BadListing(f"node {node.name}: lists what is no chunk: {line[:80]!r}") from None
