"""What parameters and answers of several routes are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse

LIMIT, LIMIT_MAX = 100, 1_000
KEY_MAX = 8_192  # A path may have four times as much as a key of S3.

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="At most so many.")]
Offset = Annotated[int, Query(ge=0, le=1 << 31, description="Behind so many.")]
Told = dict[str, Any]

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "message"],
            "properties": {"status": {"type": "integer"}, "message": {"type": "string"}},
        }
    },
}
_WHY: dict[int | str, str] = {
    400: "A word that is not known, said twice, or out of its range.",
    401: "No token, or none that holds.",
    403: "The token may not do that.",
    404: "There is no such thing.",
    409: "Not as things stand.",
    429: "Too many wrong tokens; wait.",
    503: "What has to be read cannot be read now.",
    "default": "A fault of the service; please report it.",  # Also keeps out FastAPI's 422.
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": why, "content": {"application/json": {"schema": _ERROR}}}
    for status, why in _WHY.items()
}


def answers_as(kind: str, why: str) -> dict[int | str, dict[str, Any]]:
    """For the description: an answer that is no JSON document."""
    return {200: {"description": why, "content": {kind: {"schema": {"type": "string"}}}}}


AS_LINES = answers_as("application/x-ndjson", "JSON objects, one a line.")


def lines(rows: Iterable[Told]) -> StreamingResponse:
    """One JSON object a line, as they come."""
    told = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    return StreamingResponse(told, media_type="application/x-ndjson")
