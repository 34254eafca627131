"""The service as a process of its own, and a client of it."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote


@dataclass
class Service:
    """One that runs."""

    process: subprocess.Popen[str]
    host: str
    port: int
    state: Path
    is_plain: bool

    def connect(self) -> http.client.HTTPConnection:
        if self.is_plain:
            return http.client.HTTPConnection(self.host, self.port, timeout=20)
        trust = ssl.create_default_context(cafile=self.state / "service" / "ca.pem")
        return http.client.HTTPSConnection("localhost", self.port, timeout=20, context=trust)

    def ask(self, path: str, token: str = "", method: str = "GET") -> Answer:
        connection = self.connect()
        try:
            headers = {"Authorization": token} if token else {}
            connection.request(method, path, headers=headers)
            told = connection.getresponse()
            return Answer(told.status, dict(told.getheaders()), told.read())
        finally:
            connection.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def quoted(text: str) -> str:
    return quote(text, safe="")


def environment(state: Path) -> dict[str, str]:
    return {**os.environ, "BUCKETLINE_STATE": str(state), "HOME": str(state)}


def call(state: Path, *words: str) -> str:
    """What the program prints."""
    done = subprocess.run(
        [sys.executable, "-m", "bucketline", *words],
        env=environment(state),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def new_token(state: Path, *words: str) -> str:
    return call(state, "token", "create", *words)


@contextmanager
def serving(state: Path, *words: str) -> Iterator[Service]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bucketline", "serve", "--port", "0", *words],
        env=environment(state),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("at http"):
                place = line.split()[1].rstrip("/")
                host, _, port = place.partition("://")[2].rpartition(":")
                is_plain = place.startswith("http:")
                yield Service(process, host, int(port), state, is_plain)
                break
        else:
            raise AssertionError(f"it ended with {process.wait()}")
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
