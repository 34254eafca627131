"""The application: every route behind the guard, every error as JSON, no word that is not known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as RouteError

from bucketline import __version__
from bucketline.clock import Clock
from bucketline.errors import BucketlineError, Refused, UsageError
from bucketline.flow.report.log_file import Shelf
from bucketline.service import old_routes, pages, v1
from bucketline.service.audit import Audit
from bucketline.service.configured import Configured
from bucketline.service.events import Events
from bucketline.service.guard import Guard
from bucketline.service.jobs import Jobs
from bucketline.service.kept_logs import KeptLogs
from bucketline.service.reader import Reader
from bucketline.service.rings import Rings
from bucketline.service.tokens import Tokens
from bucketline.service.v1.words import REFUSALS
from bucketline.settings import Environment

HOME = "service"  # The folder of tokens, certificates and the audit, in the state folder.


class Made(NamedTuple):
    """The application, and what lets go of who listens to it without an end."""

    app: Guard
    end: Callable[[], None]


class Served(NamedTuple):
    """What is told of: ledgers of a state folder, jobs of a configuration, logs kept elsewhere."""

    state: Path
    config: Path
    environment: Environment
    logs: Shelf | None = None


def make_app(what: Served, clock: Clock) -> Made:
    """All of it, for one service."""
    state = what.state
    reader = Reader(state, clock)
    events = Events(reader)
    app = FastAPI(
        title="Bucketline",
        version=__version__,
        description="What runs of Bucketline did and do.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,  # It would send the token where the client says that we are.
        dependencies=[Depends(_known_words)],
        responses=REFUSALS,
    )
    app.include_router(old_routes.router(reader, KeptLogs(what.logs), app))
    app.include_router(pages.router())
    configured = Configured(what.config, what.environment)
    jobs = Jobs(configured, reader, state / HOME)
    app.include_router(v1.router(reader, events, jobs, Rings(configured, clock)))
    app.add_exception_handler(RouteError, _route_error)
    app.add_exception_handler(RequestValidationError, _bad_words)
    app.add_exception_handler(BucketlineError, _ours)
    app.add_exception_handler(Exception, _bug)
    home = state / HOME
    audit = Audit(home / "audit.jsonl", clock)
    guard = Guard(app, Tokens(home / "tokens.json", clock), audit, clock)
    return Made(guard, events.end)


def _known_words(request: Request) -> None:
    """A parameter that is not known, or said twice, is a mistake that must not pass in silence."""
    route = request.scope["route"]
    known = _words(route.dependant)
    said = [name for name, _ in request.query_params.multi_items()]
    for name in said:
        if name not in known:
            there = f"; there are {', '.join(sorted(known))}" if known else ""
            raise HTTPException(400, f"no parameter {name!r}{there}")
        if said.count(name) > 1:
            raise HTTPException(400, f"{name!r} is said more than once")


def _words(dependant: Dependant) -> set[str]:
    """Also those of what a route is given ready-made."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*map(_words, dependant.dependencies))


def _answer(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"status": status, "message": message}}, status)


def _route_error(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RouteError)
    answer = _answer(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _bad_words(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError)
    told = [f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()]
    return _answer(400, "; ".join(told))


def _bug(request: Request, error: Exception) -> JSONResponse:
    del request
    return _answer(500, f"a fault of the service ({type(error).__name__}); please report it")


def _ours(request: Request, error: Exception) -> JSONResponse:
    del request
    kinds: dict[type[Exception], int] = {UsageError: 404, Refused: 409}
    return _answer(kinds.get(type(error), 503), str(error))
