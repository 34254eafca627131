"""SmartStore's side: a bucket's receipt, and whether everything that it names is there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bucketline.engines.splunk.archive import is_journal
from bucketline.engines.splunk.fetch import differs
from bucketline.engines.splunk.names import receipt_folders
from bucketline.engines.splunk.receipts import BadReceipt, Body, Receipt, doubts, read
from bucketline.errors import NotFound
from bucketline.stores.base import Flow, Store, Together

_WIDTH = 8


class Held(NamedTuple):
    """A bucket that SmartStore holds, or seems to."""

    folder: str
    receipt: Receipt | None
    flaw: str = ""  # Why it is no proof.


class SmartStore:
    """The place of one index: `root` is the prefix of its folders, with a slash at the end."""

    def __init__(self, store: Store, root: str) -> None:
        self._store = store
        self._root = root

    def look(self, bid: str) -> Flow[Held | None]:
        """The receipt of a bucket, if there is one; lower case is looked up first."""
        for folder in receipt_folders(self._root, bid):
            try:
                piece = yield from self._store.read(f"{folder}receipt.json")
            except NotFound:
                continue
            try:
                return Held(folder, read(bytes(piece.body)))
            except BadReceipt as error:
                return Held(folder, None, str(error))
        return None

    def proven(self, bid: str, uploader: str, events: int | None) -> Flow[str | None]:
        """What is wrong with it: "" if it is wholly there, None if it is not there at all."""
        held = yield from self.look(bid)
        if held is None:
            return None
        if held.receipt is None:
            return held.flaw
        found = doubts(held.receipt, bid, uploader, events)
        flows = [self._body(held.folder, body) for body in held.receipt.bodies]
        found += [one for one in (yield Together(flows, _WIDTH)) if one]
        return "; ".join(found[:3])

    def strays(self, bid: str, local: Path) -> Flow[str]:
        """Which part of its journal is here with other bytes than there, if a hash tells it."""
        held = yield from self.look(bid)
        bodies = held.receipt.bodies if held is not None and held.receipt is not None else ()
        for body in bodies:
            path = body.name.partition("/")[2]  # Behind the uploader's folder.
            file = local / path
            with suppress(FileNotFoundError):  # It left the disk by itself.
                if not is_journal(path) or file.stat().st_size != body.size:
                    continue  # It may be stored in another form.
                folder = held.folder if held is not None else ""
                if (yield from differs(self._store, folder + body.name, file)):
                    return f"{body.name} has other bytes than {file}"
        return ""

    def _body(self, folder: str, body: Body) -> Flow[str]:
        if body.is_prefix:
            page = yield from self._store.page(folder + body.name)
            return "" if page.entries else f"{body.name}: nothing is there"
        if body.size == 0:
            return ""  # Splunk keeps none of these.
        try:
            found = yield from self._store.stat(folder + body.name)
        except NotFound:
            return f"{body.name} is missing"
        if found.entry.size != body.size:
            return f"{body.name} has {found.entry.size:,} bytes, not {body.size:,}"
        return ""
