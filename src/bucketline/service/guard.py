"""What stands before every route: the token, the audit, and what browsers are told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bucketline.clock import Clock
from bucketline.errors import BucketlineError, DiskError
from bucketline.service.audit import Audit
from bucketline.service.pages import FILES
from bucketline.service.tokens import Failures, Token, Tokens, Verdict

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# For those who only look whether it is there, and the page, which holds nothing itself.
_OPEN = frozenset(("/v1/health", "/v1/ready", "/ui", *FILES))
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HOLDS = "bucketline.holds"  # In the scope: whether the token that asked is still good.
_READS = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_STRICT = {"strict-transport-security": "max-age=31536000"}
_STATUS = {Verdict.SCOPE: 403, Verdict.SLOW: 429, Verdict.UNKNOWN: 503}


class Guard:
    """Around the application."""

    def __init__(self, app: App, tokens: Tokens, audit: Audit, clock: Clock) -> None:
        self._app = app
        self._tokens = tokens
        self._failures = Failures(clock)
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client, is_read = (scope.get("client") or ("",))[0], scope["method"] in _READS
        verdict, token = self._judged(scope, client, "read" if is_read else "run")
        told = _told(scope, client, verdict, token)
        is_order = verdict is Verdict.FINE and token is not None and not is_read

        async def answered(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_ours(scope, message["headers"])
                status = {"status": message["status"]}
                if is_order:
                    self._audit.ended(told | status)
                elif verdict is not Verdict.FINE or not is_read:
                    self._audit.refused(told | status)
            await send(message)

        if verdict is not Verdict.FINE:
            await _refuse(_STATUS.get(verdict, 401), verdict.value, answered)
            return
        try:
            if is_order:
                self._audit.order(told | {"status": None})
        except DiskError:
            await _refuse(503, "the audit cannot be written, so nothing is started", answered)
            return
        wanted = "read" if is_read else "run"
        scope[HOLDS] = lambda: self._judged(scope, client, wanted)[0] is Verdict.FINE
        await self._app(scope, receive, answered)

    def _judged(self, scope: Scope, client: str, wanted: str) -> tuple[Verdict, Token | None]:
        if scope["path"] in _OPEN:
            return Verdict.FINE, None
        if self._failures.is_too_many(client):
            return Verdict.SLOW, None
        try:
            verdict, token = self._tokens.judge(_given(scope), wanted)
        except BucketlineError:  # Why is for those on the machine, and not for a stranger.
            return Verdict.UNKNOWN, None
        if verdict in (Verdict.WRONG, Verdict.EXPIRED, Verdict.REVOKED):
            self._failures.add(client)
        return verdict, token


def _told(scope: Scope, client: str, verdict: Verdict, token: Token | None) -> dict[str, Any]:
    """What the audit says of it."""
    told = {"client": client, "token": token.id if token else ""}
    return told | {"method": scope["method"], "path": scope["path"], "verdict": verdict.value}


def _with_ours(scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    own = _HEADERS | (_STRICT if scope["scheme"] == "https" else {})
    if scope["path"].startswith("/ui"):
        own = own | {"content-security-policy": _PAGE}
    told = [(name, value) for name, value in headers if name not in _NAMES]
    return [*told, *((name.encode(), value.encode()) for name, value in own.items())]


_NAMES = frozenset(name.encode() for name in (*_HEADERS, *_STRICT))


def _given(scope: Scope) -> str:
    """`Authorization: Bearer TOKEN`, or the bare token of the old clients."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            text = str(value.decode("latin-1")).strip()
            word, _, rest = text.partition(" ")
            return rest.strip() if word.lower() == "bearer" else text
    return ""


async def _refuse(status: int, message: str, send: Send) -> None:
    body = json.dumps({"error": {"status": status, "message": message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(b"www-authenticate", b"Bearer")] if status == 401 else []
    headers += [(b"retry-after", b"60")] if status == 429 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
