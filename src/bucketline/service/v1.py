"""The routes of our own, under /v1."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import PlainTextResponse, StreamingResponse

from bucketline.flow.report.runs import RunRow
from bucketline.model import Fate
from bucketline.service.events import Events
from bucketline.service.jobs import Jobs
from bucketline.service.metrics import exposed
from bucketline.service.reader import Reader, as_json

_LIMIT, _LIMIT_MAX = 100, 1_000
_STATES = Literal["running", "complete", "failed", "waiting", "interrupted", "crashed"]
_FATES = Literal["done", "failed", "waiting", "started"]

Limit = Annotated[int, Query(ge=1, le=_LIMIT_MAX)]
Offset = Annotated[int, Query(ge=0, le=1 << 31)]
Found = dict[str, Any]


def router(reader: Reader, events: Events, jobs: Jobs) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1", tags=["v1"])
    _looks(routes, reader)
    _of_a_run(routes, reader)
    _streams(routes, reader, events)
    _of_jobs(routes, jobs)
    return routes


def _looks(routes: APIRouter, reader: Reader) -> None:
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

    @routes.get("/runs")
    def runs(
        limit: Limit = _LIMIT,
        offset: Offset = 0,
        state: _STATES | None = None,
        command: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Found:
        """Runs, the newest first."""
        rows = [
            row
            for row in reader.runs()
            if row.run and state in (None, row.state) and command in (None, row.command)
        ]
        some = [as_json(row) for row in rows[offset : offset + limit]]
        return {"runs": some, "total": len(rows)}

    @routes.get("/relays")
    def relays() -> Found:
        """Relays: both hops, what is staged, the volumes."""
        rows, unreadable = reader.relays()
        return {"relays": rows, "unreadable": unreadable}


def _of_a_run(routes: APIRouter, reader: Reader) -> None:
    @routes.get("/runs/{run}")
    def one(run: str) -> Found:
        """One run, by its id, the beginning of it, or `last`; with its configuration."""
        row = _row(reader, run)
        return as_json(row) | {"configuration": json.loads(row.configuration)}

    @routes.get("/runs/{run}/objects", response_model=Found)
    def objects(
        run: str,
        fate: _FATES | None = None,
        after: Annotated[str, Query(max_length=1_024)] = "",
        limit: Limit = _LIMIT,
        form: Literal["json", "ndjson"] = "json",
    ) -> Any:
        """Its objects in key order, a page of them behind the key `after`; or all as NDJSON."""
        row, wanted = _row(reader, run), Fate(fate) if fate else None
        if form == "ndjson":
            lines = (_line(one) for one in reader.all_objects(row, wanted))
            return StreamingResponse(lines, media_type="application/x-ndjson")
        page = reader.objects(row, wanted, after=after, limit=limit)
        return {"objects": page, "next": page[-1]["key"] if len(page) == limit else None}

    @routes.get("/runs/{run}/errors")
    def errors(run: str) -> Found:
        """What failed or waits, by cause, and what to do about it."""
        return {"errors": reader.errors(_row(reader, run))}

    @routes.get("/runs/{run}/endpoints")
    def endpoints(run: str) -> Found:
        """What each endpoint did."""
        return {"endpoints": reader.endpoints(_row(reader, run))}


def _streams(routes: APIRouter, reader: Reader, live: Events) -> None:
    @routes.get("/events", response_model=None)
    async def events() -> StreamingResponse:
        """Runs as they change, for ever, as server-sent events: first each that is under way."""
        return StreamingResponse(live.stream(), media_type="text/event-stream")

    @routes.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> str:
        """The last run of each job, for Prometheus."""
        return exposed(reader.runs(), reader.clock.now())


def _of_jobs(routes: APIRouter, jobs: Jobs) -> None:
    @routes.get("/jobs")
    def all_jobs() -> Found:
        """Jobs of the configuration, whether they run, and the last run of each."""
        return {"jobs": jobs.all()}

    @routes.post("/jobs/{job}/start", status_code=202)
    def start(job: str) -> Found:
        """Start a job, as a process of its own."""
        return jobs.start(job)

    @routes.post("/jobs/{job}/stop", status_code=202)
    def stop(job: str) -> Found:
        """Have a job that was started here end: what is under way is finished."""
        return jobs.stop(job)


def _row(reader: Reader, run: str) -> RunRow:
    row = reader.run(run)
    if row is None:
        raise HTTPException(404, f"there is no run {run!r}, or more than one begins so")
    return row


def _line(told: Found) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"
