"""The page: files that hold nothing. What it shows it asks for, with a token."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, RedirectResponse

_FOLDER = Path(__file__).parent / "page"
_KINDS = {"css": "text/css", "js": "text/javascript", "html": "text/html"}
FILES = {
    "/ui/" if path.name == "index.html" else f"/ui/{path.name}": path
    for path in sorted(_FOLDER.iterdir())
    if path.suffix[1:] in _KINDS
}


def router() -> APIRouter:
    """All of them, outside the API's description."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/ui")
    def moved() -> RedirectResponse:
        return RedirectResponse("/ui/")

    for route, path in FILES.items():
        _add(routes, route, path)
    return routes


def _add(routes: APIRouter, route: str, path: Path) -> None:
    kind = f"{_KINDS[path.suffix[1:]]}; charset=utf-8"

    @routes.get(route)
    def file() -> FileResponse:
        return FileResponse(path, media_type=kind)
