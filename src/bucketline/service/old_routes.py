"""The routes of the old log API: their programs go on with another URL, token and authority."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query
from fastapi.responses import JSONResponse, Response, StreamingResponse

from bucketline.service.kept_logs import KeptLogs
from bucketline.service.reader import Reader, log_name

_EPOCH_MAX = 1 << 53
Epoch = Annotated[int, Query(ge=0, le=_EPOCH_MAX)]
Moved = Annotated[str, Query(description="true: with the objects that were moved")]


def router(reader: Reader, kept: KeptLogs, app: FastAPI) -> APIRouter:
    """All of them."""
    routes = APIRouter(tags=["logs"])

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

    @routes.get("/logs")
    def logs(start: Epoch, end: Epoch) -> list[str]:
        """Names of the logs of runs that began between two epochs, both of them included."""
        names = kept.names() | {epoch: log_name(epoch) for epoch in reader.epochs()}
        return [names[epoch] for epoch in sorted(names) if start <= epoch <= end]

    @routes.get("/log/latest", response_model=dict[str, Any])
    def latest(retrieve_objects_moved: Moved = "false") -> Response:
        """The log of the run that began last."""
        epochs = reader.epochs().keys() | kept.names().keys()
        if not epochs:
            raise HTTPException(404, "there are no runs yet")
        return _log(reader, kept, max(epochs), retrieve_objects_moved)

    @routes.get("/log/{epoch}", response_model=dict[str, Any])
    def log(epoch: int, retrieve_objects_moved: Moved = "false") -> Response:
        """The log of the run that began at this epoch."""
        return _log(reader, kept, epoch, retrieve_objects_moved)

    return routes


def _log(reader: Reader, kept: KeptLogs, epoch: int, moved: str) -> Response:
    """By the ledger if it is of this machine: what is kept elsewhere may be a minute old."""
    names_moved = moved.lower() == "true"
    row = reader.epochs().get(epoch)
    if row is not None:
        pieces = reader.log(row, names_moved=names_moved)
        return StreamingResponse(pieces, media_type="application/json")
    log = kept.log(epoch, names_moved=names_moved)
    if log is None:
        raise HTTPException(404, f"no run began at {epoch}; see /logs")
    return JSONResponse(log)
