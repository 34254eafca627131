"""Keys that expire or are exchanged in the middle of a run are read again, wherever they are."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bucketline.cli import main
from faults import kinds
from faults.proxy import Exchange, FaultProxy
from faults.syncing import client_of
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")

_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
_COUNT = 30
_CONFIG = """\
remotes:
  there:
    endpoints: {url}
    region: us-east-1
    access_key: {{file: access}}
    secret_key: {{file: secret}}
"""
_PROFILE = "remotes: {{there: {{endpoints: {url}, region: us-east-1, profile: site}}}}\n"


class Guard:
    """Takes one pair of keys alone; from the nth upload on, another one than before.

    As whoever exchanges keys does, it puts the new ones in their place before it takes those alone.
    """

    __name__ = "guard"

    def __init__(self, code: str, nth: int, rotate: Callable[[str], None]) -> None:
        self.good = "demo-old"
        self.refused = self.uploads = 0
        self._code, self._nth, self._rotate = code, nth, rotate
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        if self._takes(exchange):
            exchange.send(exchange.forward())
        else:
            kinds.refuse(403, self._code)(exchange)

    def _takes(self, exchange: Exchange) -> bool:
        told = _CREDENTIAL.search(exchange.request.header("authorization"))
        with self._lock:
            self.uploads += exchange.seen.method == "PUT"
            if self.uploads == self._nth and self.good == "demo-old":
                self._rotate("demo-new")
                self.good = "demo-new"
            is_good = told is not None and told[1] == self.good
            self.refused += not is_good
        return is_good


def _to_files(folder: Path) -> Callable[[str], None]:
    def write(access_key: str) -> None:
        for name, text in {"access": access_key, "secret": f"{access_key}-secret"}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)

    return write


def _to_profile(folder: Path) -> Callable[[str], None]:
    def write(access_key: str) -> None:
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(folder / "credentials")
        (folder / "credentials").write_text(
            f"[site]\naws_access_key_id = {access_key}\naws_secret_access_key = demo-not-real\n"
        )

    return write


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
@pytest.mark.parametrize(
    ("where", "config"), [(_to_files, _CONFIG), (_to_profile, _PROFILE)], ids=["files", "profile"]
)
def test_keys_that_change_in_mid_run_are_read_again(
    where: Callable[[Path], Callable[[str], None]],
    config: str,
    code: str,
    moto: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "")
    bucket = f"rotated-{code.lower()}-{where.__name__.strip('_').replace('_', '-')}"
    client_of(moto).create_bucket(Bucket=bucket)
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(_COUNT):
        (folder / f"{number}").write_bytes(b"%d" % number)
    rotate = where(tmp_path)
    rotate("demo-old")
    guard = Guard(code, 10, rotate)
    with FaultProxy(moto.url) as proxy:
        (tmp_path / "config.yaml").write_text(config.format(url=proxy.url))
        proxy.add(guard)
        words = ["sync", str(folder), f"there:{bucket}/", "--workers", "4", "--json"]
        ended = main(["--config", str(tmp_path / "config.yaml"), *words])

    out = capsys.readouterr()
    summary = json.loads(out.out.splitlines()[-1])
    assert (ended, summary["done"], summary["failed"]) == (0, _COUNT, 0), out.err
    assert 0 < guard.refused <= 8
    assert "demo-new-secret" not in out.out + out.err


def test_keys_that_are_read_while_they_are_exchanged_are_read_once_more(
    moto: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of the pair one file is new and one is old: such keys are good for nothing, nor for long."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    client_of(moto).create_bucket(Bucket="torn-pair")
    (tmp_path / "one").write_bytes(b"1")
    write = _to_files(tmp_path)
    write("demo-old")
    exchanged = iter(("demo-torn", "demo-new"))

    def guard(exchange: Exchange) -> None:
        told = _CREDENTIAL.search(exchange.request.header("authorization"))
        if told and told[1] == "demo-new":
            exchange.send(exchange.forward())
        else:
            write(next(exchanged))
            kinds.refuse(403, "SignatureDoesNotMatch")(exchange)

    with FaultProxy(moto.url) as proxy:
        (tmp_path / "config.yaml").write_text(_CONFIG.format(url=proxy.url))
        proxy.add(guard)
        words = ["sync", str(tmp_path / "one"), "there:torn-pair/", "--workers", "1"]
        ended = main(["--config", str(tmp_path / "config.yaml"), *words])

    assert ended == 0, capsys.readouterr().err
    assert next(exchanged, None) is None


def test_keys_that_were_only_taken_away_end_the_run(
    moto: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    client_of(moto).create_bucket(Bucket="taken-away")
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(_COUNT):
        (folder / f"{number}").write_bytes(b"%d" % number)
    _to_files(tmp_path)("demo-old")
    with FaultProxy(moto.url) as proxy:
        (tmp_path / "config.yaml").write_text(_CONFIG.format(url=proxy.url))
        proxy.add(Guard("InvalidAccessKeyId", 10, lambda _: None))
        words = ["sync", str(folder), "there:taken-away/", "--workers", "4"]
        ended = main(["--config", str(tmp_path / "config.yaml"), *words])

    assert ended == 5
    assert "the credentials are not accepted" in capsys.readouterr().err
