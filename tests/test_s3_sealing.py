"""A customer's key goes with each call that touches bytes, and nowhere else."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.clock import SystemClock
from bucketline.config.values import customer_key
from bucketline.errors import ConfigError
from bucketline.flow.drive import blocking
from bucketline.settings import Secret
from bucketline.stores.s3 import S3Store
from bucketline.stores.s3.client import Call
from bucketline.stores.s3.sealing import Seal
from desk import Desk
from servers import Endpoint

KEY = bytes(range(32))
TEXT = b64encode(KEY).decode()
SEAL = Seal(Secret(TEXT))


@pytest.mark.parametrize(
    ("call", "is_sealed"),
    [
        (Call("GET", "k", "GET"), True),
        (Call("GET", "k", "GET", "versionId=1"), True),
        (Call("HEAD", "k", "HEAD"), True),
        (Call("PUT", "k", "PUT"), True),
        (Call("PUT", "k", "PUT", "partNumber=1&uploadId=u"), True),
        (Call("POST", "k", "PUT", "uploads="), True),
        (Call("POST", "k", "PUT", "uploadId=u"), False),
        (Call("GET", "k", "TAG", "tagging="), False),
        (Call("PUT", "k", "TAG", "acl="), False),
        (Call("GET", "k", "LIST", "uploadId=u"), False),
        (Call("DELETE", "k", "DELETE"), False),
        (Call("GET", None, "LIST"), False),
        (Call("HEAD", None, "HEAD"), False),
    ],
)
def test_calls_that_touch_bytes_carry_the_key(call: Call, is_sealed: bool) -> None:
    headers = SEAL.headers(call)
    assert bool(headers) == is_sealed
    if is_sealed:
        assert headers == {
            "x-amz-server-side-encryption-customer-algorithm": "AES256",
            "x-amz-server-side-encryption-customer-key": TEXT,
            "x-amz-server-side-encryption-customer-key-md5": "tP/LI3N87DFaSk0aoqYgzg==",
        }


def test_a_copy_opens_what_it_reads_as_well() -> None:
    headers = SEAL.headers(Call("PUT", "k", "POST", "", {"x-amz-copy-source": "/b/k"}))
    assert headers["x-amz-copy-source-server-side-encryption-customer-key"] == TEXT
    assert len(headers) == 6


@pytest.mark.parametrize("text", [TEXT, KEY.hex(), KEY.hex().upper()])
def test_a_key_is_base64_or_hex(text: str) -> None:
    assert customer_key(text, "here").reveal == TEXT


@pytest.mark.parametrize("text", ["", "secret", TEXT[:-4], b64encode(b"x" * 31).decode(), "g" * 64])
def test_what_is_no_key_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as told:
        customer_key(text, "here")
    assert not text or text not in str(told.value)


def test_a_seal_does_not_print_its_key() -> None:
    assert TEXT not in repr(SEAL) + str(vars(SEAL).keys())


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "sse.key"
    file.write_text(TEXT + "\n")
    file.chmod(0o600)
    return file


@pytest.mark.usefixtures("surroundings")
def test_objects_are_written_and_read_with_the_key(
    tmp_path: Path, ministack: Endpoint, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path, ministack, capsys)
    desk.file("a", b"a")
    reference = f"file:{key_file}"

    told = desk.sync(str(desk.folder), desk.s3, "--target-sse-c-key", reference)

    assert told["done"] == 1
    remote = replace(desk.store.remote, customer_key=Secret(TEXT))
    sealed = S3Store(remote, desk.bucket, clock=SystemClock())
    found = blocking(sealed.stat("a"))
    protection = found.attributes.protection
    assert protection["server-side-encryption-customer-algorithm"] == "AES256"
    assert found.is_etag_opaque
    (tmp_path / "back").mkdir()
    desk.sync(desk.s3, str(tmp_path / "back"), "--source-sse-c-key", reference)
    assert (tmp_path / "back" / "a").read_bytes() == b"a"


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target-sse-c-key", TEXT], "say where the key is, as env:NAME or file:PATH"),
        (["--target-sse-c-key", "env:NO_SUCH"], "the variable NO_SUCH is not set"),
        (["--target-sse-c-key", "file:/nonexistent"], "/nonexistent: No such file"),
    ],
)
def test_a_key_that_cannot_be_had_is_told_before_anything_begins(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    url = ["--endpoint-url", "http://127.0.0.1:9"]
    assert main(["sync", str(tmp_path / "a"), "s3://b/", *words, *url]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert TEXT not in err


@pytest.mark.usefixtures("surroundings")
def test_a_key_travels_by_https_alone(
    tmp_path: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    words = ["--endpoint-url", "http://example.org", "--sse-c-key", f"file:{key_file}"]
    assert main(["sync", str(tmp_path / "a"), "s3://b/", *words]) == 2
    assert "a key for SSE-C travels by https alone" in capsys.readouterr().err


@pytest.mark.usefixtures("surroundings")
def test_a_remote_may_name_the_key(
    tmp_path: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"remotes:\n  vault:\n    sse_c_key: {{file: {key_file}}}\n")
    assert main(["config", "check", "--config", str(file)]) == 0
    assert main(["config", "show", "--config", str(file), "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()[1:]]
    values = {fact["name"]: fact["value"] for fact in shown}
    assert values["remotes.vault.sse_c_key"] == f"{{file: {key_file}}}"
    key_file.write_text("short")
    assert main(["config", "check", "--config", str(file)]) == 2
    assert "remotes.vault: a key for SSE-C has 32 bytes" in capsys.readouterr().err
