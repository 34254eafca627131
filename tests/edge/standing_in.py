"""A device that the stand-in plays, and its folder, put together for a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from servers import Endpoint

CODE = "01234-56789-abcde-f0123-45678"
MANIFEST = "what only this device understands"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
JOB = "JID01234567-89ab-cdef-0123-456789abcdef"
OPTIONS = ("--poll", "0", "--wait", "10m", "--progress", "none")


class Bench:
    """A locked device on the table, a person's home, and the program as they call it."""

    def __init__(self, here: Path, server: Endpoint) -> None:
        self.here = here
        self.home = here / "home"
        self.folder = here / "edge-1"
        self.program = here / "bin" / "snowballEdge"
        self.state_file = here / "device.json"
        self.aws = self.home / ".aws"
        for folder in (self.aws, self.folder, self.program.parent):
            folder.mkdir(parents=True)
        (self.folder / "JID-manifest.bin").write_text(MANIFEST)
        self.settings(f"unlock_key: '{CODE}'\nendpoint_url: 'https://192.0.2.0'\n")
        stand_in = Path(__file__).with_name("vendor_client.py")
        self.program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
        self.program.chmod(0o755)
        self.server = server
        self.state_file.write_text(json.dumps(_new(server)))

    def settings(self, text: str) -> None:
        (self.folder / "sbe_config.yaml").write_text(text)

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state_file.read_text())
        return found

    def change(self, **words: Any) -> None:
        part = self.state_file.with_name("changed.json")
        part.write_text(json.dumps({**self.state, **words}))
        part.replace(self.state_file)

    @property
    def variables(self) -> dict[str, str]:
        return {
            "PATH": f"{self.program.parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "BUCKETLINE_STATE": str(self.here / "ledgers"),
            "EDGE_STANDIN_STATE": str(self.state_file),
        }

    def call(
        self,
        *words: str,
        variables: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "bucketline"),
    ) -> subprocess.CompletedProcess[str]:
        """Any command of the program."""
        return subprocess.run(
            [sys.executable, *program, *words],
            env={**self.variables, **(variables or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def edge(self, command: str, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """A command on this device, which must end with `code`."""
        ended = self.call("edge", command, str(self.folder), *OPTIONS, *words)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended

    def all_files(self) -> dict[str, bytes]:
        """What a person has, with the device's own state left out."""
        places = [*self.home.rglob("*"), *self.folder.rglob("*")]
        return {str(path): path.read_bytes() for path in places if path.is_file()}

    def commands(self) -> list[str]:
        return [words[0] for words in self.state["calls"]]


def _new(server: Endpoint) -> dict[str, Any]:
    parts = urlsplit(server.url)
    endpoint = {"Protocol": "http", "Port": parts.port, "Host": parts.hostname}
    adapter = {
        "Status": {"State": "ACTIVE"},
        "Storage": {"TotalSpaceBytes": 99_608_745_492_480, "FreeSpaceBytes": 99_608_744_468_480},
        "Endpoints": [endpoint],
    }
    return {
        "job": JOB,
        "code": CODE,
        "manifest": MANIFEST,
        "state": "LOCKED",
        "unlocking": 0,
        "unlock_calls": 2,
        "asleep": 0,
        "cluster": [],
        "address": "192.0.2.0",
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "certificate_id": "78EXAMPLE516EXAMPLEf538EXAMPLEa7",
        "pem": PEM,
        "services": {"s3": adapter},
        "software": {
            "installed": "100",
            "installing": "NA",
            "state": "NA",
            "calls": 0,
            "reboots": 0,
        },
        "expiry": "Thur Jan 01 00:00:00 UTC 2032",
        "latest": "102",
        "reboots": 0,
        "reboots_needed": 2,
        "faults": {},
        "calls": [],
        "shown": [],
        "kills_at": 0,
    }
