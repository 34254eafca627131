"""A person with a folder, a bucket and the program, which runs in this process."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import IO, Any

import pytest

from bucketline.cli import main
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.s3 import S3Store
from servers import ACCESS_KEY, REGION, SECRET_KEY, Endpoint

VARIABLES = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_REGION": REGION,
}


def start(
    variables: dict[str, str], *words: str, stderr: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """The program as a process of its own; who reads its results alone gives `stderr` a file."""
    return begin(variables, "-m", "bucketline", *words, stderr=stderr)


def begin(
    variables: dict[str, str], *words: str, stderr: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Any program of Python's."""
    command, pipe = [sys.executable, *words], subprocess.PIPE
    return subprocess.Popen(command, env=variables, stdout=pipe, stderr=stderr, text=True)


class Desk:
    """Where they work."""

    def __init__(self, here: Path, server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
        self.here = here
        self.folder = here / "folder"
        self.folder.mkdir()
        self.state = here / "state"
        self.bucket = f"b-{uuid.uuid4().hex[:12]}"
        self.store = S3Store(server.remote(), self.bucket, clock=SystemClock())
        blocking(self.store.create_bucket())
        self.url = server.url
        self._capsys = capsys

    @property
    def s3(self) -> str:
        return f"s3://{self.bucket}/"

    def file(self, name: str, body: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
        return path

    def object(self, key: str, body: bytes) -> None:
        blocking(self.store.write(key, body))

    def delete(self, key: str) -> None:
        blocking(self.store.delete(key))

    def body(self, key: str) -> bytes:
        return blocking(self.store.read(key)).body

    def run(self, command: str, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """What the program prints, record by record."""
        ended = main([command, *words, "--json", "--endpoint-url", self.url])
        out, errors = self._capsys.readouterr()
        assert ended == code, out + errors
        return [json.loads(line) for line in out.split("\n") if line]  # Keys may hold other ends.

    def ended(self, command: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
        """How it ended, and what it printed."""
        code = main([command, *words, "--json", "--endpoint-url", self.url])
        out, _ = self._capsys.readouterr()
        return code, [json.loads(line) for line in out.split("\n") if line]

    def sync(self, *words: str) -> dict[str, Any]:
        """The summary."""
        return self.run("sync", *words)[-1]

    def calm(self, *words: str) -> bool:
        """Whether another run finds nothing to do."""
        told = self.sync(*words)
        return (told["done"], told["skipped"] > 0, told["requests"].get("PUT")) == (0, True, None)
