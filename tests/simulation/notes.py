"""What the simulation's ledger remembers of uploads: a dictionary that survives processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bucketline.clock import Clock
from bucketline.flow.ledger import Ledger
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.move.hints import SentPart, Upload
from bucketline.model import Fate, Outcome
from bucketline.stores.base import Flow


class Notes:
    """`effect` is told of each commit before it happens; the real ledger must know the same."""

    lasts = True

    def __init__(self, effect: Callable[[str], None], clock: Clock, ledger: Ledger | None) -> None:
        self._effect = effect
        self._clock = clock
        self._ledger = ledger
        self._real: LedgerHints | None = None
        self.uploads: dict[tuple[str, str], Upload] = {}
        self._left: set[tuple[str, str]] = set()
        self._finished: dict[str, str] = {}

    def begin(self) -> None:
        """A new process."""
        self._left = set(self.uploads)
        self._finished = {}
        self._real = LedgerHints(self._ledger.uploads, self._clock) if self._ledger else None

    @property
    def left(self) -> list[Upload]:
        """Of earlier processes, of keys that nobody asked for."""
        return [self.uploads[name] for name in sorted(self._left)]

    def has(self, key: str, upload: str) -> bool:
        """Whether it can be found again by what is remembered."""
        return (key, upload) in self.uploads or (key, "") in self.uploads

    def of(self, key: str) -> Flow[list[Upload]]:
        self._left -= {name for name in self._left if name[0] == key}
        ours = [one for (of, _), one in self.uploads.items() if of == key]
        ours.sort(key=lambda one: (-one.started, one.upload))
        if self._real is not None:
            assert (yield from self._real.of(key)) == ours
        yield from ()
        return ours

    def remember(self, upload: Upload) -> Flow[Upload]:
        self._effect("remember")
        dated = replace(upload, started=upload.started or self._clock.now())
        if upload.upload:
            self.uploads.pop((upload.key, ""), None)
        self.uploads[upload.key, upload.upload] = dated
        if self._real is not None:
            assert (yield from self._real.remember(upload)) == dated
        yield from ()
        return dated

    def remember_parts(self, key: str, upload: str, parts: Mapping[int, SentPart]) -> Flow[None]:
        self._effect("remember parts")
        one = self.uploads[key, upload]
        self.uploads[key, upload] = replace(one, parts={**one.parts, **parts})
        if self._real is not None:
            yield from self._real.remember_parts(key, upload, parts)
        yield from ()

    def finished(self, key: str, upload: str) -> Flow[None]:
        self._finished[key] = upload
        if self._real is not None:
            yield from self._real.finished(key, upload)
        yield from ()

    def done(self, key: str, outcome: Outcome) -> None:
        """The end of it is being recorded."""
        upload = self._finished.pop(key, "")
        if upload and outcome.fate is Fate.DONE:
            self.uploads.pop((key, upload), None)
            self._left.discard((key, upload))

    def forget(self, key: str, upload: str) -> Flow[None]:
        self._effect("forget")
        self.uploads.pop((key, upload), None)
        self._left.discard((key, upload))
        if self._real is not None:
            yield from self._real.forget(key, upload)
        yield from ()
