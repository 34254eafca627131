"""Uploads in progress, as the ledger remembers them: a hint that the store confirms before use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = tuple[str, Sequence[tuple[Any, ...]]]
Commit = Callable[[Sequence[Statement]], None]
Select = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Upload:
    """An object on its way in parts, and the parts that are there."""

    key: str
    upload: str
    size: int
    part_size: int
    source_etag: str = ""
    started: float = 0.0
    parts: Mapping[int, str] = field(default_factory=dict)  # number -> etag


class Uploads:
    """What of the ledger is about uploads; each call is one transaction, durable on return."""

    def __init__(self, commit: Commit, select: Select) -> None:
        self._commit = commit
        self._select = select

    def remember(self, upload: Upload) -> None:
        one = upload
        row = (one.key, one.upload, one.size, one.part_size, one.source_etag, one.started)
        parts = [(one.key, one.upload, number, etag) for number, etag in one.parts.items()]
        self._commit(
            [("INSERT OR REPLACE INTO uploads VALUES(?,?,?,?,?,?)", [row]), (_PART, parts)]
        )

    def remember_parts(self, key: str, upload: str, parts: Mapping[int, str]) -> None:
        rows = [(key, upload, number, etag) for number, etag in parts.items()]
        self._commit([(_PART, rows)])

    def forget(self, key: str, upload: str) -> None:
        one = [(key, upload)]
        self._commit(
            [
                ("DELETE FROM parts WHERE key=? AND upload=?", one),
                ("DELETE FROM uploads WHERE key=? AND upload=?", one),
            ]
        )

    def of(self, key: str) -> list[Upload]:
        """The uploads of this key, the newest first."""
        rows = self._select(f"{_UPLOADS} WHERE key=? ORDER BY started DESC, upload", (key,))
        return [self._whole(row) for row in rows]

    def all(self) -> list[Upload]:
        return [self._whole(row) for row in self._select(f"{_UPLOADS} ORDER BY key, upload", ())]

    def _whole(self, row: tuple[Any, ...]) -> Upload:
        parts = self._select(
            "SELECT number, etag FROM parts WHERE key=? AND upload=? ORDER BY number", row[:2]
        )
        key, upload, size, part_size, source_etag, started = row
        return Upload(key, upload, size, part_size, source_etag, started, dict(parts))


_PART = "INSERT OR REPLACE INTO parts VALUES(?,?,?,?)"
_UPLOADS = "SELECT key, upload, size, part_size, source_etag, started FROM uploads"
