"""How the stand-in for Splunk speaks: sessions, pages of 30, errors as messages."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from splunk import atom

USER, PASSWORD = "restorer", "demo-password-not-real"
PAGE = 30
UPDATED, GENERATOR = "2026-01-01T00:00:00+00:00", {"build": "0", "version": "10.2.3"}
NOTHING: Mapping[str, str] = {}


class Handler(BaseHTTPRequestHandler):
    double: ClassVar[Any]  # Whom it speaks for.

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        self._serve({})

    def do_DELETE(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self._serve({name: values[0] for name, values in parse_qs(body).items()})

    def _serve(self, form: dict[str, str]) -> None:
        if self.double.down > 0:
            self.double.down -= 1
            self.close_connection = True
            return
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        path = "/".join(unquote(part) for part in url.path.split("/"))
        if path == "/services/auth/login":
            self._login(form)
        elif not self._is_known():
            self._refused()
        else:
            status, told = self._done(path, {**query, **form})
            resets = self.double.faults.get("resets after", {})
            if resets.get(path.rpartition("/")[2], 0) > 0:
                resets[path.rpartition("/")[2]] -= 1
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            words = {**form, **query}
            if cap := self.double.faults.get("page cap"):
                words["count"] = str(cap)
            if words.get("output_mode") != "json" or status in self.double.faults.get("atom", ()):
                self._told_atom(status, atom.feed(status, told))
            else:
                self._told(status, _shaped(status, told, words))

    def _done(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.double.asked += 1
        done: tuple[int, Any] = self.double.answer(self.command, path, form)
        if self.command == "POST" and not path.endswith("/search/jobs"):
            self.double.deeds.append(path.removeprefix("/services/"))
            if len(self.double.deeds) == self.double.kill_after:
                os.kill(self.double.victim.result(30), signal.SIGKILL)
        return done

    def _refused(self) -> None:
        """Only who comes with a password is told that he may try another one."""
        if self.headers.get("authorization", "").lower().startswith("basic"):
            challenge = {"WWW-Authenticate": 'Basic realm="/splunk"'}
            self._told(401, _error("Unauthorized"), challenge)
        else:
            self._told(401, _error("call not properly authenticated", "WARN"))

    def _login(self, form: dict[str, str]) -> None:
        self.double.logins += 1
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            self._told(401, _error("Login failed", "WARN"))
            return
        key = f"session-{len(self.double.sessions)}-{self.double.starts}"
        self.double.sessions.add(key)
        self._told(200, {"sessionKey": key, "message": "", "code": ""})

    def _is_known(self) -> bool:
        if self.double.faults.get("sessions end after"):
            self.double.faults["sessions end after"] -= 1
            if not self.double.faults["sessions end after"]:
                self.double.sessions.clear()
        kind, _, key = self.headers.get("authorization", "").partition(" ")
        return kind.lower() in ("splunk", "bearer") and key in self.double.sessions

    def date_time_string(self, timestamp: float | None = None) -> str:
        now = time.time() if timestamp is None else timestamp
        return super().date_time_string(int(now + self.double.faults.get("skew", 0)))

    def _told(self, status: int, body: Any, more: Mapping[str, str] = NOTHING) -> None:
        self._send(status, json.dumps(body).encode(), "application/json; charset=UTF-8", more)

    def _told_atom(self, status: int, text: bytes) -> None:
        self._send(status, text, "text/xml; charset=UTF-8")

    def _send(self, status: int, text: bytes, kind: str, more: Mapping[str, str] = NOTHING) -> None:
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def handler(double: Any) -> type[BaseHTTPRequestHandler]:
    return type("Speaker", (Handler,), {"double": double})


def _error(text: str, kind: str = "ERROR") -> dict[str, Any]:
    return {"messages": [{"type": kind, "text": text}]}


def _shaped(status: int, told: Any, words: dict[str, str]) -> Any:
    """Pages of 30 unless more are asked for, as Splunk's."""
    if status >= 300:
        return _error(str(told))
    if not isinstance(told, list):
        return told
    count, offset = int(words.get("count", PAGE)), int(words.get("offset", 0))
    page = told[offset : offset + count] if count > 0 else told[offset:]
    return {
        "links": {},
        "origin": "/services",
        "updated": UPDATED,
        "generator": GENERATOR,
        "entry": [_entry(name, content) for name, content in page],
        "paging": {"total": len(told), "perPage": count, "offset": offset},
        "messages": [],
    }


def _entry(name: str, content: Any) -> dict[str, Any]:
    about = {"id": f"/services/{name}", "updated": UPDATED, "links": {}, "author": "nobody"}
    return {"name": name, **about, "acl": {"app": "", "owner": "nobody"}, "content": content}
