"""What is there altogether: health, runs, relays, backups, thaws, events, metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from bucketline.service.events import Events
from bucketline.service.guard import HOLDS
from bucketline.service.metrics import exposed
from bucketline.service.reader import Reader
from bucketline.service.v1.words import LIMIT, Limit, Offset, Told, answers_as

_STATES = Literal["running", "complete", "failed", "waiting", "interrupted", "crashed"]


def add(routes: APIRouter, reader: Reader, live: Events) -> None:
    _health(routes, reader)
    _kinds(routes, reader)
    _streams(routes, reader, live)


def _health(routes: APIRouter, reader: Reader) -> None:
    @routes.get("/health")
    def health() -> dict[str, str]:
        """Whether the service is there; needs no token."""
        return {"status": "ok"}

    @routes.get("/ready")
    def ready() -> dict[str, str]:
        """Whether it can read its state folder; needs no token."""
        if not reader.state.is_dir():
            raise HTTPException(503, "its state folder is not there")
        return {"status": "ok"}


def _kinds(routes: APIRouter, reader: Reader) -> None:
    @routes.get("/runs")
    def runs(
        limit: Limit = LIMIT,
        offset: Offset = 0,
        state: _STATES | None = None,
        command: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Told:
        """Runs, the newest first; and why some ledgers cannot be told of."""
        every = reader.runs()
        rows = [
            row
            for row in every
            if row.run and state in (None, row.state) and command in (None, row.command)
        ]
        some = [row.as_told() for row in rows[offset : offset + limit]]
        unreadable = [row.message for row in every if not row.run]
        return {"runs": some, "total": len(rows), "unreadable": unreadable}

    @routes.get("/relays")
    def relays() -> Told:
        """Relays: both hops, what is staged, the volumes."""
        rows, unreadable = reader.relays()
        return {"relays": rows, "unreadable": unreadable}

    @routes.get("/backups")
    def backups() -> Told:
        """Backups, restores, purges, drills: the last run of each, and when one last succeeded."""
        return {"backups": reader.latest("backup", "restore", "purge", "drill")}

    @routes.get("/thaws")
    def thaws() -> Told:
        """What is being thawed: the last look at each place, and how many objects it waits for."""
        return {"thaws": reader.latest("thaw")}


def _streams(routes: APIRouter, reader: Reader, live: Events) -> None:
    told = answers_as("text/event-stream", "Events, until the token ends.")

    @routes.get("/events", response_class=StreamingResponse, responses=told)
    async def events(request: Request) -> StreamingResponse:
        """Runs as they change, as server-sent events: first each that is under way.

        They go on until the token ends.
        """
        stream = live.stream(request.scope[HOLDS])
        return StreamingResponse(stream, media_type="text/event-stream")

    @routes.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> str:
        """The last run of each job, for Prometheus."""
        return exposed(reader.runs(), reader.clock.now())
