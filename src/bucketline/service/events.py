"""Runs as they change: looked at once for all who listen, and told until the service ends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from itertools import islice

import anyio
from anyio.to_thread import run_sync

from bucketline.service.reader import Reader

_TICK_SECONDS = 1.0
_RUNS = 100  # The newest.


class Events:
    """Of one service."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = anyio.Lock()
        self._looked = float("-inf")
        self._told: dict[str, str] = {}  # Run -> what it looks like now.
        self._ending = anyio.Event()  # Streams have no end of their own.

    def end(self) -> None:
        """The service ends: who listens is let go."""
        self._ending.set()

    async def stream(self, may_go_on: Callable[[], bool]) -> AsyncIterator[str]:
        """As server-sent events: first those that are under way, then each that changes."""
        told: dict[str, str] | None = None
        while not self._ending.is_set() and may_go_on():
            now = await self._look()
            for run, said in now.items():
                is_new = '"state":"running"' in said if told is None else told.get(run) != said
                if is_new:
                    yield f"event: run\ndata: {said}\n\n"
            told = now
            yield ": still here\n\n"
            with anyio.move_on_after(_TICK_SECONDS):
                await self._ending.wait()

    async def _look(self) -> dict[str, str]:
        async with self._lock:
            if anyio.current_time() - self._looked >= _TICK_SECONDS / 2:
                self._told = await run_sync(self._runs)
                self._looked = anyio.current_time()
            return self._told

    def _runs(self) -> dict[str, str]:
        rows = (row for row in self._reader.runs() if row.run)
        return {
            row.run: json.dumps(row.as_told(), ensure_ascii=False, separators=(",", ":"))
            for row in islice(rows, _RUNS)
        }
