"""Logs of runs where they are kept, in a bucket or a folder: also those of other machines."""

from __future__ import annotations

import json
import re
from typing import Any

from bucketline.errors import NotFound, StoreError
from bucketline.flow.drive import blocking
from bucketline.flow.report.log_file import Shelf
from bucketline.stores.base import Flow, Page, Piece

_NAME = re.compile(r"[a-z]+_data_([0-9]{1,15})\.json")  # What else lies there is not ours to tell.
_SIZE_MAX = 64 << 20


class KeptLogs:
    """Of one place; without one there are none."""

    def __init__(self, shelf: Shelf | None) -> None:
        self._shelf = shelf

    def names(self) -> dict[int, str]:
        """Each log's name by the second in which its run began."""
        if self._shelf is None:
            return {}
        cut = len(self._shelf.prefix)
        names = (key[cut:] for key in blocking(_keys(self._shelf)))
        return {int(found[1]): found[0] for found in map(_NAME.fullmatch, names) if found}

    def log(self, name: str, *, names_moved: bool) -> dict[str, Any] | None:
        """One of `names`, as it stands there; None = it is gone."""
        if self._shelf is None:
            return None
        try:
            text = blocking(_read(self._shelf, name))
        except NotFound:
            return None
        return self._told(name, text, names_moved=names_moved)

    def _told(self, name: str, text: bytes, *, names_moved: bool) -> dict[str, Any]:
        assert self._shelf is not None
        store, key = self._shelf.store.name, self._shelf.prefix + name
        if len(text) > _SIZE_MAX:
            raise StoreError(
                "the log is too large to be told here; read it there", store=store, key=key
            )
        try:
            log = json.loads(text, parse_constant=lambda _: None)  # NaN is no JSON.
        except (ValueError, RecursionError):
            log = None
        if not isinstance(log, dict):
            raise StoreError("the log is no JSON object", store=store, key=key)
        if not names_moved:
            log.pop("objects_moved", None)
        return log


def _keys(shelf: Shelf) -> Flow[list[str]]:
    keys: list[str] = []
    token = ""
    while True:
        page: Page = yield from shelf.store.page(shelf.prefix, token=token)
        keys += [entry.key for entry in page.entries]
        token = page.token
        if not token:
            return keys


def _read(shelf: Shelf, name: str) -> Flow[bytes]:
    piece: Piece = yield from shelf.store.read(shelf.prefix + name, size=_SIZE_MAX + 1)
    return bytes(piece.body)  # It may be a view.
