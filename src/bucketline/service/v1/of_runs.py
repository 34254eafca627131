"""What one run did: its objects, what went wrong, its endpoints, its proof."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import StreamingResponse

from bucketline.flow.report.objects import Which
from bucketline.flow.report.runs import RunRow
from bucketline.model import Fate
from bucketline.service.reader import Reader
from bucketline.service.v1.words import AS_LINES, KEY_MAX, LIMIT, Limit, Told, lines

_FATES = Literal["done", "failed", "waiting", "started"]
_Key = Annotated[str, Query(max_length=KEY_MAX)]


def add(routes: APIRouter, reader: Reader) -> None:
    _itself(routes, reader)
    _objects(routes, reader)
    _proof(routes, reader)


def _itself(routes: APIRouter, reader: Reader) -> None:
    @routes.get("/runs/{run}")
    def one(run: str) -> Told:
        """One run, by its id, the beginning of it, or `last`; with its configuration."""
        row = _row(reader, run)
        more = {"configuration": row.settings, "notes": reader.notes(row)}
        return row.as_told() | more

    @routes.get("/runs/{run}/errors")
    def errors(run: str) -> Told:
        """What failed or waits, by cause, and what to do about it."""
        return {"errors": reader.errors(_row(reader, run))}

    @routes.get("/runs/{run}/endpoints")
    def endpoints(run: str) -> Told:
        """What each endpoint did."""
        return {"endpoints": reader.endpoints(_row(reader, run))}


def _objects(routes: APIRouter, reader: Reader) -> None:
    @routes.get("/runs/{run}/objects", response_model=Told, responses=AS_LINES)
    def objects(
        run: str,
        which: Annotated[Which, Depends(_which)],
        limit: Limit = LIMIT,
        form: Literal["json", "ndjson"] = "json",
    ) -> Any:
        """Its objects in key order, a page of them behind the key `after`; or all as NDJSON."""
        row = _row(reader, run)
        if form == "ndjson":
            return lines(reader.all_objects(row, which))
        page = reader.objects(row, which, limit)
        return {"objects": page, "next": page[-1]["key"] if len(page) == limit else None}


def _which(fate: _FATES | None = None, prefix: _Key = "", after: _Key = "") -> Which:
    return Which(Fate(fate) if fate else None, prefix, after)


def _proof(routes: APIRouter, reader: Reader) -> None:
    @routes.get("/runs/{run}/proof", response_class=StreamingResponse, responses=AS_LINES)
    def proof(run: str, of: Literal["job", "run"] = "job") -> StreamingResponse:
        """What shows that objects were delivered, signed: by its job until then, or by it alone.

        `bucketline proof check` reads it, anywhere.
        """
        row = _row(reader, run)
        pieces = (line + b"\n" for line in reader.proof(row, of))
        name = {"content-disposition": f'attachment; filename="proof-{row.run}.jsonl"'}
        return StreamingResponse(pieces, media_type="application/x-ndjson", headers=name)


def _row(reader: Reader, run: str) -> RunRow:
    row = reader.run(run)
    if row is None:
        raise HTTPException(404, f"there is no run {run!r}, or more than one begins so")
    return row
