"""A backup that goes by events that are pushed to it, by a real service and by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError

import boto3
import pytest

from backup.vault import Vault
from bucketline.cli import main
from desk import start
from faults import kinds
from faults.proxy import FaultProxy
from servers import ACCESS_KEY, REGION, SECRET_KEY, Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
SECRET = "demo-secret-not-real"
ODD = "sp ace/ü+%&<"


class Listening:
    """A backup that stays, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out, self.err = _open(process.stdout), _open(process.stderr)
        line = next(one for one in self.err if "events are heard at " in one)
        self.url = line.partition(" at ")[2].strip()

    def summary(self) -> dict[str, Any]:
        """The next one that did anything."""
        for line in self.out:
            told: dict[str, Any] = json.loads(line)
            if told["event"] == "summary" and told["done"]:
                return told
        raise AssertionError(self.err.read())


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream
    return stream


@contextmanager
def listening(vault: Vault, environment: dict[str, str], *words: str) -> Iterator[Listening]:
    hook = ("--events", "hook:127.0.0.1:0", "--watch", "--events-secret", "env:HOOK_SECRET")
    said = ("backup", vault.s3, vault.there, "--endpoint-url", vault.url, "--json", *hook, *words)
    process = start({**environment, "HOOK_SECRET": SECRET}, *said)
    try:
        yield Listening(process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        for stream in (process.stdout, process.stderr):
            _open(stream).close()


@pytest.fixture
def environment(surroundings: None) -> dict[str, str]:
    return dict(os.environ)


def post(url: str, body: str) -> int:
    request = urllib.request.Request(url, body.encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def event(bucket: str, key: str) -> str:
    s3 = {"bucket": {"name": bucket}, "object": {"key": key}}
    return json.dumps({"Records": [{"eventSource": "ceph:s3", "s3": s3}]})


def test_what_is_pushed_is_copied_and_the_listing_comes_first(
    moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> None:
    vault = Vault(tmp_path, moto, capsys)
    vault.put("a", b"a")
    with listening(vault, environment) as hook:
        assert hook.summary()["done"] == 1
        vault.put(ODD, b"odd")
        vault.put("unsaid", b"unsaid")
        refused = [post(hook.url, event(vault.bucket, ODD)), post(hook.url + "wrong", "{}")]
        strange = [post(hook.url + SECRET, event("another", ODD)), post(hook.url + SECRET, "x")]
        taken = post(hook.url + SECRET, event(vault.bucket, ODD))
        assert hook.summary()["done"] == 1

    assert (refused, strange, taken) == ([401, 401], [400, 400], 200)
    assert vault.keys() == {"a", ODD}
    assert hook.process.returncode == 0


def test_what_was_heard_and_not_done_is_done_by_the_next_one(
    moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> None:
    vault = Vault(tmp_path, moto, capsys)
    vault.put("a", b"a")
    with FaultProxy(moto.url) as proxy:
        through = ("--source-endpoint-url", proxy.url)
        with listening(vault, environment, *through) as hook:
            assert hook.summary()["done"] == 1
            vault.put("b", b"b")
            proxy.add(kinds.stall, path="/b$")
            assert post(hook.url + SECRET, event(vault.bucket, "b")) == 200
            hook.process.kill()
        proxy.heal()
        with listening(vault, environment, *through) as hook:
            assert hook.summary()["done"] == 1

    assert vault.keys() == {"a", "b"}


@pytest.mark.radosgw
@pytest.mark.slow
def test_a_service_that_pushes_is_heard(
    radosgw: Endpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
) -> None:
    vault = Vault(tmp_path, radosgw, capsys)
    vault.put("a", b"a")
    sns = boto3.client(
        "sns",
        endpoint_url=radosgw.url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    with listening(vault, environment) as hook:
        assert hook.summary()["done"] == 1
        push = {"push-endpoint": hook.url + SECRET, "persistent": "true"}
        topic = sns.create_topic(Name=vault.bucket, Attributes=push)["TopicArn"]
        wanted = {"Id": "n", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}
        vault.client.put_bucket_notification_configuration(
            Bucket=vault.bucket, NotificationConfiguration={"TopicConfigurations": [wanted]}
        )
        try:
            vault.put(ODD, b"odd")
            assert hook.summary()["done"] == 1
        finally:
            sns.delete_topic(TopicArn=topic)

    assert vault.bodies() == {"a": b"a", ODD: b"odd"}


WRONG = (
    ("hook:127.0.0.1:0", "say --watch, too"),
    ("hook:127.0.0.1", "say hook:HOST:PORT"),
    ("hook:127.0.0.1:99999 --watch", "say hook:HOST:PORT"),
    ("hook:192.0.2.1:9000 --watch", "say --events-secret, too"),
    ("hook:192.0.2.1:9000 --watch --events-secret env:NONE", "NONE is not set"),
    ("hook:127.0.0.1:0 --watch --events-secret plain", "never the key itself"),
    ("sqs:http://127.0.0.1/1/q --events-secret env:HOME", "goes with --events hook:"),
)


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_what_is_no_hook_is_told(
    words: str, said: str, moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = Vault(tmp_path, moto, capsys)

    code = main(
        ["backup", vault.s3, vault.there, "--endpoint-url", moto.url, "--events", *words.split()]
    )

    told = capsys.readouterr().err
    assert (code, said in told) == (2, True), told
