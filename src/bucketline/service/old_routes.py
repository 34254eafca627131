"""The routes of the old log API: their programs go on with another URL, token and authority."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query
from fastapi.responses import StreamingResponse

from bucketline.flow.report.runs import RunRow
from bucketline.service.reader import Reader, log_name

_EPOCH_MAX = 1 << 53
Epoch = Annotated[int, Query(ge=0, le=_EPOCH_MAX)]
Moved = Annotated[str, Query(description="true: with the objects that were moved")]


def router(reader: Reader, app: FastAPI) -> APIRouter:
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
        return [log_name(epoch) for epoch in sorted(reader.epochs()) if start <= epoch <= end]

    @routes.get("/log/latest", response_model=dict[str, Any])
    def latest(retrieve_objects_moved: Moved = "false") -> StreamingResponse:
        """The log of the run that began last."""
        epochs = reader.epochs()
        if not epochs:
            raise HTTPException(404, "there are no runs yet")
        return _log(reader, epochs[max(epochs)], retrieve_objects_moved)

    @routes.get("/log/{epoch}", response_model=dict[str, Any])
    def log(epoch: int, retrieve_objects_moved: Moved = "false") -> StreamingResponse:
        """The log of the run that began at this epoch."""
        row = reader.epochs().get(epoch)
        if row is None:
            raise HTTPException(404, f"no run began at {epoch}; see /logs")
        return _log(reader, row, retrieve_objects_moved)

    return routes


def _log(reader: Reader, row: RunRow, moved: str) -> StreamingResponse:
    pieces = reader.log(row, names_moved=moved.lower() == "true")
    return StreamingResponse(pieces, media_type="application/json")
