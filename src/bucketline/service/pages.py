"""The page: three files that hold nothing. What it shows it asks for, with a token."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, RedirectResponse

_FOLDER = Path(__file__).parent / "page"


def router() -> APIRouter:
    """All of them, outside the API's description."""
    routes = APIRouter(prefix="/ui", include_in_schema=False)

    @routes.get("")
    def moved() -> RedirectResponse:
        return RedirectResponse("/ui/")

    @routes.get("/")
    def index() -> FileResponse:
        return FileResponse(_FOLDER / "index.html", media_type="text/html; charset=utf-8")

    @routes.get("/page.js")
    def script() -> FileResponse:
        return FileResponse(_FOLDER / "page.js", media_type="text/javascript; charset=utf-8")

    @routes.get("/page.css")
    def style() -> FileResponse:
        return FileResponse(_FOLDER / "page.css", media_type="text/css; charset=utf-8")

    return routes
