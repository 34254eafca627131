"""Uploads in progress, as the ledger remembers them: a hint that the store confirms before use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bucketline.clock import Clock
from bucketline.flow.move.hints import SentPart, Upload
from bucketline.model import Action, Fate, Outcome
from bucketline.stores.base import Flow, Pause

Statement = tuple[str, Sequence[tuple[Any, ...]]]
Commit = Callable[[Sequence[Statement]], None]
Select = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

_UPLOADS = "SELECT key, upload, size, part_size, source_etag, fingerprint, started FROM uploads"
_PARTS = "SELECT number, etag, md5, sums FROM parts"
_UPLOAD = "INSERT OR REPLACE INTO uploads VALUES(?,?,?,?,?,?,?)"
_PART = "INSERT OR REPLACE INTO parts VALUES(?,?,?,?,?,?)"
_GONE = (
    "DELETE FROM parts WHERE key=? AND upload=?",
    "DELETE FROM uploads WHERE key=? AND upload=?",
)


class Uploads:
    """What of the ledger is about uploads; each call is one transaction, durable on return."""

    def __init__(self, commit: Commit, select: Select) -> None:
        self.commit = commit
        self._select = select
        self._finished: dict[str, str] = {}  # Key -> upload: to be forgotten with the DONE of it.

    def of(self, key: str) -> list[Upload]:
        """The uploads of this key, the newest first."""
        rows = self._select(f"{_UPLOADS} WHERE key=? ORDER BY started DESC, upload", (key,))
        return [self._whole(row) for row in rows]

    def finish(self, key: str, upload: str) -> None:
        """It has become the object, which will be recorded."""
        self._finished[key] = upload

    def done(self, ends: Sequence[tuple[Action, Outcome]]) -> list[Statement]:
        """What goes along with the record of these ends."""
        if not self._finished:
            return []
        uploads = [
            (action.key, upload)
            for action, outcome in ends
            if (upload := self._finished.pop(action.key, "")) and outcome.fate is Fate.DONE
        ]
        return [(sql, uploads) for sql in _GONE]

    def all(self) -> list[Upload]:
        """Every one, without its parts."""
        return [Upload(*row) for row in self._select(f"{_UPLOADS} ORDER BY key, upload", ())]

    def _whole(self, row: tuple[Any, ...]) -> Upload:
        parts = self._select(
            f"{_PARTS} WHERE key=? AND upload=? ORDER BY number",
            row[:2],
        )
        sent = {number: SentPart(*told) for number, *told in parts}
        return replace(Upload(*row), parts=sent)


def remembering(one: Upload) -> list[Statement]:
    """One that has a name takes the place of the nameless."""
    row = (one.key, one.upload, one.size, one.part_size, one.source_etag, one.fingerprint)
    nameless = [(_GONE[1], [(one.key, "")])] if one.upload else []
    return [*nameless, (_UPLOAD, [(*row, one.started)]), *parts_of(one.key, one.upload, one.parts)]


def parts_of(key: str, upload: str, parts: Mapping[int, SentPart]) -> list[Statement]:
    return [(_PART, [(key, upload, number, *part) for number, part in parts.items()])]


def forgetting(key: str, upload: str) -> list[Statement]:
    return [(sql, [(key, upload)]) for sql in _GONE]


class LedgerHints:
    """The hints of a run, kept by its ledger; for the thread of the loop.

    What flows want written in one turn of the loop is one transaction: a Pause lets others come.
    """

    lasts = True

    def __init__(self, uploads: Uploads, clock: Clock) -> None:
        self._uploads = uploads
        self._clock = clock
        self._pending: list[Statement] = []
        self._left = {(one.key, one.upload): one for one in uploads.all()}

    @property
    def left(self) -> list[Upload]:
        """What earlier runs left, of keys that nobody has asked for in this one."""
        return list(self._left.values())

    def of(self, key: str) -> Flow[list[Upload]]:
        yield from ()
        self._write()
        uploads = self._uploads.of(key)
        for one in uploads:
            self._left.pop((key, one.upload), None)
        return uploads

    def remember(self, upload: Upload) -> Flow[Upload]:
        dated = replace(upload, started=upload.started or self._clock.now())
        yield from self._commit(remembering(dated))
        return dated

    def remember_parts(self, key: str, upload: str, parts: Mapping[int, SentPart]) -> Flow[None]:
        yield from self._commit(parts_of(key, upload, parts))

    def finished(self, key: str, upload: str) -> Flow[None]:
        yield from ()
        self._uploads.finish(key, upload)

    def forget(self, key: str, upload: str) -> Flow[None]:
        yield from self._commit(forgetting(key, upload))

    def _commit(self, statements: list[Statement]) -> Flow[None]:
        self._pending += statements
        yield Pause(0.0)
        self._write()

    def _write(self) -> None:
        if self._pending:  # Else another flow has written it along with its own.
            pending, self._pending = self._pending, []
            try:
                self._uploads.commit(pending)
            except BaseException:  # Else the flow whose statements these were took them for kept.
                self._pending = pending + self._pending
                raise
