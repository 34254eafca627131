"""The routes of the old log API: their programs go on with another URL, token and authority."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query
from fastapi.responses import Response, StreamingResponse

from bucketline.flow.report.runs import RunRow
from bucketline.service.kept_logs import KeptLogs
from bucketline.service.reader import Reader, log_name

_EPOCH_MAX = 1 << 53
Epoch = Annotated[int, Query(ge=0, le=_EPOCH_MAX)]
Moved = Annotated[str, Query(description="true: with the objects that were moved")]


def router(reader: Reader, kept: KeptLogs, app: FastAPI) -> APIRouter:
    """All of them."""
    routes = APIRouter(tags=["logs"])
    _index(routes, app)
    _logs(routes, reader, kept)
    return routes


def _index(routes: APIRouter, app: FastAPI) -> None:
    @routes.get("/")
    def index() -> list[dict[str, Any]]:
        """Every route, with what it does."""
        return [
            {
                "route": route,
                "methods": sorted(method.upper() for method in verbs),
                "description": next(iter(verbs.values())).get("description", ""),
            }
            for route, verbs in app.openapi()["paths"].items()
        ]


def _logs(routes: APIRouter, reader: Reader, kept: KeptLogs) -> None:
    @routes.get("/logs")
    def logs(start: Epoch, end: Epoch) -> list[str]:
        """Names of the logs of runs that began between two epochs, both of them included."""
        names = kept.names() | {epoch: log_name(epoch) for epoch in reader.epochs()}
        return [names[epoch] for epoch in sorted(names) if start <= epoch <= end]

    @routes.get("/log/latest", response_model=dict[str, Any])
    def latest(retrieve_objects_moved: Moved = "false") -> Response:
        """The log of the run that began last."""
        epochs, names = reader.epochs(), kept.names()
        if not epochs and not names:
            raise HTTPException(404, "there are no runs yet")
        last = max(epochs.keys() | names.keys())
        if last in epochs:
            return _ours(reader, epochs[last], retrieve_objects_moved)
        return _theirs(kept, names[last], retrieve_objects_moved)

    @routes.get("/log/{epoch}", response_model=dict[str, Any])
    def log(epoch: int, retrieve_objects_moved: Moved = "false") -> Response:
        """The log of the run that began at this epoch."""
        row = reader.epochs().get(epoch)
        if row is not None:  # What is kept elsewhere may be a minute old.
            return _ours(reader, row, retrieve_objects_moved)
        name = kept.names().get(epoch)
        if name is None:
            raise HTTPException(404, f"no run began at {epoch}; see /logs")
        return _theirs(kept, name, retrieve_objects_moved)


def _names_moved(said: str) -> bool:
    return said.lower() == "true"


def _ours(reader: Reader, row: RunRow, moved: str) -> Response:
    pieces = reader.log(row, names_moved=_names_moved(moved))
    return StreamingResponse(pieces, media_type="application/json")


def _theirs(kept: KeptLogs, name: str, moved: str) -> Response:
    log = kept.log(name, names_moved=_names_moved(moved))
    if log is None:
        raise HTTPException(404, f"{name} is gone; see /logs")
    return Response(json.dumps(log), media_type="application/json")  # ASCII: whatever it holds.
