"""quarantine: what is about to be deleted is copied first, with what the ring says of it, proven.

One object each, in a folder or a bucket: a line of JSON, which needs no book to be understood, and
behind it the bytes as the ring keeps them (of a split object its index, whose pieces are kept too).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bucketline.engines.ring.keys import ERASURE_CLASS, Main
from bucketline.engines.ring.plan import Candidate
from bucketline.engines.ring.site import Site
from bucketline.errors import BadListing, Mismatch, NotFound, TooLarge
from bucketline.stores.base import Answer, Flow, Store

VERSION = 1
SIZE_MAX = 1 << 30  # Of one body, which memory must hold.
_RAW = ("x-scal-split-policy: raw",)
_UNREADABLE = (404, 422)  # Not there, or not whole.
_SAID = "x-scal-"
_IS_SPLIT = "x-scal-attr-is-split"
_USERMD = "x-scal-usermd"


class Kept(NamedTuple):
    """Where a copy is, and what it must be."""

    place: str  # The location, as a person writes it.
    key: str
    size: int
    sha256: str


class Quarantine:
    """A place that holds copies."""

    def __init__(self, store: Store, prefix: str, place: str) -> None:
        self.place = place
        self._store = store
        self._prefix = prefix

    def keep(self, site: Site, plan: str, one: Candidate) -> Flow[Kept]:
        """Back only when the copy was read again and is the same, byte by byte."""
        if size_of(one) > SIZE_MAX:
            raise TooLarge(f"{one.main}: {size_of(one):,} bytes are too many to be kept")
        answer = yield from _read(site, one.input_key)
        body = bytes(answer.body)
        told = {name: value for name, value in answer.headers.items() if name.startswith(_SAID)}
        if not told:
            raise BadListing(f"{one.input_key}: what answered is not the ring; look at its alias")
        sha256 = hashlib.sha256(body).hexdigest()
        about = {"version": VERSION, "ring": site.ring.name, "plan": plan, **_named(one)}
        head = json.dumps({**about, "size": len(body), "sha256": sha256, "headers": told})
        key = f"{self._prefix}{site.ring.name}/{plan}/{one.main}"
        whole = head.encode() + b"\n" + body
        yield from self._store.write(key, whole)
        again = yield from self._store.read(key)
        if bytes(again.body) != whole:
            raise Mismatch("the copy is not what was written", store=self._store.name, key=key)
        return Kept(self.place, key, len(body), sha256)

    def holds(self, kept: Kept) -> Flow[bool]:
        """Whether an earlier copy is still there, and what it was."""
        if kept.place != self.place:
            return False
        try:
            piece = yield from self._store.read(kept.key)
            _parted(bytes(piece.body), kept, self._store.name)
        except (NotFound, Mismatch):
            return False
        return True

    def back(self, site: Site, main: str, kept: Kept) -> Flow[None]:
        """Into the ring again under its input key, and proven: what is read is what was kept."""
        piece = yield from self._store.read(kept.key)
        head, body = _parted(bytes(piece.body), kept, self._store.name)
        if head["main"] != main:
            raise Mismatch("is the copy of another", store=self._store.name, key=kept.key)
        headers = head["headers"]
        said = [f"X-Scal-Usermd: {headers[_USERMD]}"] if _USERMD in headers else []
        said += _RAW if _IS_SPLIT in headers else ()
        key = str(head["input_key"])
        path = site.ring.put_path or _arc(site)
        client = site.client(site.ring.rebuild)
        now = yield from client.ask("GET", f"{_arc(site)}/{key}", _RAW, also=_UNREADABLE)
        if now.status == 200 and bytes(now.body) != body:
            raise Mismatch(f"{key}: something else is there by now, and is left as it is")
        yield from client.ask("PUT", f"{path}/{key}", said, body=body, also=(201, 204))
        answer = yield from _read(site, key)
        is_same = hashlib.sha256(bytes(answer.body)).hexdigest() == kept.sha256
        marks = (_USERMD, _IS_SPLIT)
        if not is_same or any(answer.headers.get(one) != headers.get(one) for one in marks):
            raise Mismatch(f"{key}: was put again, and does not come back as it was kept")


def size_of(one: Candidate) -> int:
    """About how many bytes it has."""
    main = Main(one.main)
    return one.chunk.size * (main.protection.data if main.copies_class == ERASURE_CLASS else 1)


def groups(items: Sequence[Candidate], bytes_max: int) -> list[list[Candidate]]:
    """As many at once as memory can hold, and at least one."""
    found: list[list[Candidate]] = []
    held = 0
    for one in items:
        held += size_of(one)
        if not found or held > bytes_max:
            found.append([])
            held = size_of(one)
        found[-1].append(one)
    return found


def _read(site: Site, input_key: str) -> Flow[Answer]:
    client = site.client(site.ring.rebuild)
    return (yield from client.ask("GET", f"{_arc(site)}/{input_key}", _RAW))


def _arc(site: Site) -> str:
    return f"/rebuild/{site.ring.arc_alias or f'arc-{site.ring.name}'}"


def _named(one: Candidate) -> dict[str, Any]:
    return {"main": one.main, "input_key": one.input_key, "kind": one.kind, "parent": one.parent}


def _parted(whole: bytes, kept: Kept, place: str) -> tuple[Mapping[str, Any], bytes]:
    line, _, body = whole.partition(b"\n")
    if len(body) != kept.size or hashlib.sha256(body).hexdigest() != kept.sha256:
        raise Mismatch("the copy is not what was kept", store=place, key=kept.key)
    try:
        head: Mapping[str, Any] = json.loads(line)
        if head["version"] > VERSION:
            raise BadListing(f"{kept.key}: a newer bucketline kept it; use that one")
        dict(head["headers"])
    except (ValueError, KeyError, TypeError):
        raise Mismatch("the copy tells nothing of itself", store=place, key=kept.key) from None
    return head, body
