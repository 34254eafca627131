"""Stands in for AWS: who tells of a job's software, and the store that has it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

UPDATE = b"update 102\n"
OWNER = {"AWS_ACCESS_KEY_ID": "demo-owner", "AWS_SECRET_ACCESS_KEY": "demo-owner-not-real"}


class Updates(BaseHTTPRequestHandler):
    """Stands in for the API that tells of a job's software, and for the store that has it."""

    spans: list[str]
    asked: list[str]
    body = UPDATE

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append(f"{said['JobId']} {self.headers['Authorization']}")
        url = f"http://{self.headers['Host']}/update?X-Amz-Signature=very-secret-indeed"
        self._answer(200, json.dumps({"UpdatesURI": url}).encode(), {})

    def do_GET(self) -> None:
        span = self.headers["Range"]
        type(self).spans.append(span)
        first, last = (int(word) for word in span.removeprefix("bytes=").split("-"))
        told = {
            "ETag": f'"{hashlib.md5(UPDATE).hexdigest()}"',
            "Content-Range": f"bytes {first}-{last}/{len(self.body)}",
        }
        self._answer(206, self.body[first : last + 1], told)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def updates() -> Iterator[tuple[str, type[Updates]]]:
    """Where it listens, and what it was asked."""
    handler = type("One", (Updates,), {"spans": [], "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
