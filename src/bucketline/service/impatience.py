"""HTTP/1.1 that waits for nobody for ever: who holds a connection and gives nothing loses it."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class Impatient(H11Protocol):
    """uvicorn's own waits without an end for a request's head, and for a reader who stopped.

    As connections are counted, and beyond so many everybody is refused, a few hundred that say
    nothing would keep all others out, and nobody needs a token to connect.
    """

    head_seconds = 15.0  # From the first byte, or the connection, until a request is whole.
    reader_seconds = 120.0  # Of taking nothing from a full pipe.

    _head_due: asyncio.TimerHandle | None = None
    _reader_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if _is_answering(self.cycle):
            self._head_came()
        elif self._head_due is None:  # Each byte more does not give more time.
            self._expect_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader_due = self.loop.call_later(self.reader_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._reader_came()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._reader_came()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_due = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _head_came(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _reader_came(self) -> None:
        if self._reader_due is not None:
            self._reader_due.cancel()
            self._reader_due = None


def _is_answering(cycle: RequestResponseCycle | None) -> bool:
    """None = nothing was asked yet, whatever uvicorn's types say."""
    return cycle is not None and not cycle.response_complete
