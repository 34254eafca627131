"""What stands before every route: the token, the audit, and what browsers are told."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from bucketline.clock import Clock
from bucketline.service.tokens import Failures, Token, Tokens, Verdict

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# For those who only look whether it is there, and the page, which holds nothing itself.
_OPEN = ("/v1/health", "/v1/ready", "/ui", "/ui/", "/ui/page.js", "/ui/page.css")
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_READS = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_STRICT = {"strict-transport-security": "max-age=31536000"}
_STATUS = {Verdict.SCOPE: 403, Verdict.SLOW: 429}


class Guard:
    """Around the application."""

    def __init__(self, app: App, tokens: Tokens, audit: Path, clock: Clock) -> None:
        self._app = app
        self._tokens = tokens
        self._failures = Failures(clock)
        self._audit = audit
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client, is_read = (scope.get("client") or ("",))[0], scope["method"] in _READS
        verdict, token = self._judged(scope, client, "read" if is_read else "run")

        async def answered(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = _HEADERS | (_STRICT if scope["scheme"] == "https" else {})
                if scope["path"].startswith("/ui"):
                    own = own | {"content-security-policy": _PAGE}
                told = [(name, value) for name, value in message["headers"] if name not in _NAMES]
                headers = [(name.encode(), value.encode()) for name, value in own.items()]
                message["headers"] = [*told, *headers]
                if verdict is not Verdict.FINE or not is_read:
                    self._write(scope, client, verdict, token, message["status"])
            await send(message)

        if verdict is Verdict.FINE:
            scope["bucketline.token"] = token
            await self._app(scope, receive, answered)
        else:
            await _refuse(verdict, answered)

    def _judged(self, scope: Scope, client: str, wanted: str) -> tuple[Verdict, Token | None]:
        if scope["path"] in _OPEN:
            return Verdict.FINE, None
        if self._failures.is_too_many(client):
            return Verdict.SLOW, None
        verdict, token = self._tokens.judge(_given(scope), wanted)
        if verdict not in (Verdict.FINE, Verdict.SCOPE, Verdict.NONE):
            self._failures.add(client)
        return verdict, token

    def _write(
        self, scope: Scope, client: str, verdict: Verdict, token: Token | None, status: int
    ) -> None:
        """A line of the audit. That it cannot be written refuses nobody who only reads."""
        told = {
            "time": round(self._clock.now(), 3),
            "client": client,
            "token": token.id if token else "",
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "verdict": verdict.value,
        }
        file = os.open(self._audit, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(file, "a") as out:
            out.write(json.dumps(told) + "\n")


_NAMES = frozenset(name.encode() for name in (*_HEADERS, *_STRICT))


def _given(scope: Scope) -> str:
    """`Authorization: Bearer TOKEN`, or the bare token of the old clients."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            text = str(value.decode("latin-1")).strip()
            word, _, rest = text.partition(" ")
            return rest.strip() if word.lower() == "bearer" else text
    return ""


async def _refuse(verdict: Verdict, send: Send) -> None:
    status = _STATUS.get(verdict, 401)
    body = json.dumps({"error": {"status": status, "message": verdict.value}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(b"www-authenticate", b"Bearer")] if status == 401 else []
    headers += [(b"retry-after", b"60")] if status == 429 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
