"""A real `bucketline sync` between two real servers, each behind a fault proxy that counts."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import apsw
import boto3
import pytest
from botocore.config import Config

from bucketline.cli import main
from faults.hand import Hand, by_hands
from faults.proxy import FaultProxy
from servers import SERVERS, Endpoint

SOURCE, TARGET = "source-bucket", "target-bucket"
KIB, MIB = 1 << 10, 1 << 20
_ODD = ("sp ace", "plus+", "é/😀", "100%25", "q?a=b&c", "semi;colon", "quo'te\"", "~tilde", "a=b")
_SIZES = (0, 1, 100, 4 * KIB, 4 * KIB, 10 * KIB, 64 * KIB)
_READERS = 16
_LIMIT_SECONDS = 240

Bodies = Mapping[str, bytes]


def mixed_objects(count: int, seed: int, *, multipart: int = 2) -> dict[str, bytes]:
    """Odd keys and plain ones, empty and big bodies; the last few are moved in parts."""
    dice = random.Random(seed)
    keys = [*_ODD, *(f"folder-{n % 7}/object-{n:05}" for n in range(count - len(_ODD) - multipart))]
    bodies = {key: dice.randbytes(dice.choice(_SIZES)) for key in keys}
    for key in dice.sample(keys, count // 100):
        bodies[key] = dice.randbytes(dice.randint(1, 3) * MIB)
    for number in range(multipart):
        bodies[f"parts/{number}"] = dice.randbytes(17 * MIB + number)
    return bodies


@dataclass(frozen=True)
class Done:
    """How a run of the program ended, and what it said."""

    code: int
    records: list[dict[str, Any]]
    errors: str

    @property
    def summary(self) -> dict[str, Any]:
        return next(record for record in self.records if record["event"] == "summary")

    def fates(self, fate: str) -> dict[str, dict[str, Any]]:
        return {r["key"]: r for r in self.records if r["event"] == "object" and r["fate"] == fate}


@dataclass
class Pair:
    """Two servers and the proxies before them."""

    source: Endpoint
    target: Endpoint
    source_proxy: FaultProxy
    target_proxy: FaultProxy

    def fill(self, bodies: Bodies, bucket: str = SOURCE) -> None:
        """By another hand than ours, and past the proxy."""
        client_of(self.source).create_bucket(Bucket=bucket)
        by_hands(self.source, bucket, bodies, lambda hand, key: hand.put(key, bodies[key]))

    def make_target(self, bucket: str) -> None:
        client_of(self.target).create_bucket(Bucket=bucket)

    def keys(self, bucket: str) -> set[str]:
        """What the target lists."""
        pages = client_of(self.target).get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def held(self, bucket: str) -> dict[str, tuple[int, str]]:
        """What the target really holds: key -> size, SHA-256; read by another client."""

        def one(hand: Hand, key: str) -> tuple[int, str]:
            body = hand.get(key)
            return len(body), hashlib.sha256(body).hexdigest()

        return by_hands(self.target, bucket, self.keys(bucket), one)


@contextmanager
def pair(folder: Path, *, source: str = "rclone", target: str = "rclone") -> Iterator[Pair]:
    """Two servers of their own, which nobody else counts at."""
    with (
        SERVERS[source].running(folder / "one") as here,
        SERVERS[target].running(folder / "two") as there,
        FaultProxy(here.url) as source_proxy,
        FaultProxy(there.url) as target_proxy,
    ):
        yield Pair(here, there, source_proxy, target_proxy)


@dataclass
class Job:
    """One sync, which may be started again and again: its ledger is in `state`."""

    pair: Pair
    state: Path
    bucket: str = TARGET
    source: str = SOURCE
    words: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()  # Another command than the sync.
    limits: Mapping[str, int] = field(default_factory=dict)  # Of the target.
    progress: str = "none"
    targets: tuple[str, ...] = ()  # Endpoints of the target; none = its proxy.

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """The sync, or another command of the program, in a process of its own.

        What it says goes to files beside its ledger.
        """
        words = self.words_for(*command)
        with self._out.open("wb") as out, self._err.open("wb") as err:
            return subprocess.Popen(
                [*_PROGRAM, *words],
                env={**os.environ, **_ENVIRONMENT, "HOME": str(self.state)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def words_for(self, *command: str) -> list[str]:
        """What to say to the program; its configuration is written down."""
        self.state.mkdir(parents=True, exist_ok=True)
        config = self.state / "config.yaml"
        limits = "".join(f"    {name}: {value}\n" for name, value in self.limits.items())
        two = f"[{', '.join(self.targets or (self.pair.target_proxy.url,))}]"
        text = _CONFIG.format(one=self.pair.source_proxy.url, two=two)
        config.write_text(text + limits)
        places = (f"one:{self.source}/", f"two:{self.bucket}/")
        command = command or self.instead or ("sync", *places, *self.words)
        options = ("--json", "--progress", self.progress, "--state", str(self.state / "ledgers"))
        return ["--config", str(config), *options, *command]

    def run_here(self, capsys: pytest.CaptureFixture[str]) -> Done:
        """The same in this process, which is quicker where there are hundreds of them."""
        code = main(self.words_for())
        said = capsys.readouterr()
        return Done(code, [json.loads(line) for line in said.out.splitlines()], said.err)

    def finish(self, process: subprocess.Popen[bytes]) -> Done:
        try:
            code = process.wait(_LIMIT_SECONDS)
        finally:
            process.kill()
            process.wait()
        return Done(code, list(self._records()), self._err.read_text())

    def run(self) -> Done:
        return self.finish(self.start())

    def proven(self) -> dict[str, int]:
        """Keys that the ledger calls done in any run -> how often; read by SQLite alone."""
        return self._keys("SELECT key, count(*) FROM history WHERE fate='done' GROUP BY key")

    def in_doubt(self) -> dict[str, int]:
        """Keys with more intents than fates."""
        return self._keys(
            "SELECT key, sum(iif(fate='started', 1, -1)) FROM history GROUP BY key"
            " HAVING sum(iif(fate='started', 1, -1)) > 0"
        )

    def remembered(self) -> int:
        """How many uploads the ledger remembers."""
        return sum(self._keys("SELECT key, count(*) FROM uploads GROUP BY key").values())

    def _keys(self, sql: str) -> dict[str, int]:
        files = sorted((self.state / "ledgers").glob("**/*.ledger"))
        if not files:
            return {}
        (file,) = files
        db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            return {str(key): int(str(count)) for key, count in db.execute(sql)}
        except apsw.SQLError:  # Killed before it had tables.
            return {}
        finally:
            db.close()

    def _records(self) -> Iterator[dict[str, Any]]:
        for line in self._out.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:  # The last line of a process that was killed.
                continue

    @property
    def _out(self) -> Path:
        return self.state / "out.jsonl"

    @property
    def _err(self) -> Path:
        return self.state / "err.txt"


def manifest(bodies: Bodies) -> dict[str, tuple[int, str]]:
    return {key: (len(body), hashlib.sha256(body).hexdigest()) for key, body in bodies.items()}


@cache
def client_of(endpoint: Endpoint) -> Any:
    """Another client than ours; made once for each server, as that takes it a while."""
    config = Config(
        max_pool_connections=_READERS,
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"total_max_attempts": 5},
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint.url,
        aws_access_key_id=endpoint.access_key,
        aws_secret_access_key=endpoint.secret_key,
        region_name=endpoint.region,
        config=config,
    )


_PROGRAM = (sys.executable, "-m", "bucketline")
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "demo-access",
    "AWS_SECRET_ACCESS_KEY": "demo-secret-not-real",
    "AWS_REGION": "us-east-1",
}
_CONFIG = """\
remotes:
  one:
    endpoints: {one}
    region: us-east-1
    idle_timeout_seconds: 3
  two:
    endpoints: {two}
    region: us-east-1
    idle_timeout_seconds: 3
"""
