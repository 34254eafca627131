"""Attributes at the command line: kept, set, or told; between real servers and a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.model import Attributes
from bucketline.stores.s3 import S3Store
from desk import Desk
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")

EXPIRES = "Wed, 21 Oct 2037 07:28:00 GMT"
RICH = Attributes(
    {"content-type": "text/x-own", "cache-control": "max-age=60", "expires": EXPIRES},
    {"owner": "ä", "rank": "7"},
    {"stage": "cold"},
    "STANDARD_IA",
)
LOSSES = {
    "without expires, which the target does not keep",
    "without tags, which the target does not keep",
    "in the standard storage class instead of STANDARD_IA",
}


@pytest.fixture
def far(tmp_path: Path, moto: Endpoint, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A bucket of a server that keeps nearly all."""
    (tmp_path / "far").mkdir()
    return Desk(tmp_path / "far", moto, capsys)


def put(desk: Desk, key: str, attributes: Attributes = RICH, body: bytes = b"bytes") -> None:
    blocking(desk.store.write(key, body, attributes=attributes))


def there(desk: Desk, key: str) -> Attributes:
    return blocking(desk.store.stat(key)).attributes


def sync(*words: str, capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[str, str]:
    ended = main(["sync", *words])
    told = capsys.readouterr()
    assert ended == code, told
    return told.out, told.err


def across(far: Desk, near: Desk) -> list[str]:
    sides = ["--source-endpoint-url", far.url, "--target-endpoint-url", near.url]
    return [far.s3, near.s3, *sides]


def test_every_loss_is_told_in_the_summary_each_line_and_the_history(
    desk: Desk, far: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("a", "b", "c"):
        put(far, key)
    put(far, "plain", Attributes({"content-type": "text/x-own"}))

    out, err = sync(*across(far, desk), capsys=capsys)

    assert set(err.splitlines()) >= {f"3 copied {loss}" for loss in LOSSES}
    assert "listed 4 = skipped 0 + done 4" in out
    assert main(["runs", "show", "last", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == dict.fromkeys(LOSSES, 3)
    assert main(["runs", "show", "last"]) == 0
    shown = capsys.readouterr().out
    assert all(f"copied   3 {loss}\n" in shown for loss in LOSSES)
    assert main(["runs", "export", "last"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {line["key"]: set(filter(None, line["message"].split("; "))) for line in lines[1:-1]}
    assert told == {"a": LOSSES, "b": LOSSES, "c": LOSSES, "plain": set()}


def test_machines_are_told_which_attribute_and_what_became_of_it(
    desk: Desk, far: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    put(far, "a")

    out, _ = sync(*across(far, desk), "--json", capsys=capsys)

    record = json.loads(out.splitlines()[0])
    told = {one["attribute"]: one["fate"] for one in record["attributes"]}
    assert told == {"expires": "refused", "tags": "refused", "storage-class": "mapped"}
    assert {one["said"] for one in record["attributes"]} == LOSSES


def test_strictness_fails_what_would_lose_something(
    desk: Desk, far: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    put(far, "rich")
    put(far, "plain", Attributes({"content-type": "text/x-own"}))

    _, err = sync(*across(far, desk), "--strict-attributes", capsys=capsys, code=1)

    assert "failed: Unholdable: " in err
    assert "rich: it would arrive without tags, which the target does not keep" in err
    assert far.body("plain") == desk.body("plain")


def test_what_every_object_is_given_arrives(desk: Desk, far: Desk) -> None:
    far.file("page.html", b"<p>")
    far.file("data", b"x")
    words = ["--set-header", "Cache-Control: no-store", "--metadata", "Team=ops"]

    far.sync(str(far.folder), far.s3, *words, "--storage-class", "standard_ia")

    page, data = there(far, "page.html"), there(far, "data")
    assert page.headers["content-type"] == "text/html"
    assert data.headers.get("content-type", "binary/octet-stream") == "binary/octet-stream"
    assert page.headers["cache-control"] == data.headers["cache-control"] == "no-store"
    assert page.metadata["team"] == "ops"
    assert page.tier == "STANDARD_IA"


def test_what_is_asked_for_by_name_and_not_kept_fails(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.file("a", b"a")
    words = ["--set-header", f"Expires: {EXPIRES}", "--endpoint-url", desk.url]

    _, err = sync(str(desk.folder), desk.s3, *words, capsys=capsys, code=1)

    assert "without expires, which the target does not keep, but that was asked for" in err


def test_all_comes_back_that_went_into_a_folder(far: Desk, desk: Desk) -> None:
    untyped = Attributes({"content-type": "binary/octet-stream"})
    put(far, "rich.txt")
    put(far, "archived", Attributes(tier="GLACIER_IR"))
    put(far, "untyped.txt", untyped)

    assert far.sync(far.s3, str(far.folder))["done"] == 3
    again = S3Store(far.store.remote, f"{far.bucket}-again", clock=SystemClock())
    blocking(again.create_bucket())
    words = ["--storage-class", "keep"]
    assert far.sync(str(far.folder), f"s3://{again.bucket}/", *words)["done"] == 3

    def seen(store: S3Store, key: str) -> Attributes:
        found = blocking(store.stat(key)).attributes
        metadata = {name: told for name, told in found.metadata.items() if name != "mtime"}
        tags = blocking(store.tags(key))
        return Attributes(dict(found.headers), metadata, tags, found.tier)

    for key in ("rich.txt", "archived", "untyped.txt"):
        assert seen(again, key) == seen(far.store, key)
    assert seen(again, "rich.txt") == RICH


def test_files_get_the_time_of_their_objects(far: Desk) -> None:
    put(far, "told", Attributes(metadata={"mtime": "1500000000.5"}))
    put(far, "untold", Attributes())

    far.sync(far.s3, str(far.folder))

    assert (far.folder / "told").stat().st_mtime == 1500000000.5
    modified = blocking(far.store.stat("untold")).entry.modified
    assert (far.folder / "untold").stat().st_mtime == modified


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--storage-class", "a b"], "'a b' is no storage class"),
        (["--sse", "rot13"], "'rot13' is no encryption; there are keep, none, AES256"),
        (["--sse-kms-key-id", "k"], "--sse-kms-key-id goes with --sse"),
        (["--acl", "mine"], "'mine' is no canned ACL"),
        (["--object-lock", "GOVERNANCE"], "say keep, none, or MODE:DAYS"),
        (["--object-lock", "COMPLIANCE:99999"], "say keep, none, or MODE:DAYS"),
        (["--set-header", "X-Own: 1"], "'X-Own' is no header of an object"),
        (["--set-header", "Expires"], "'Expires' is no header of an object"),
        (["--metadata", "a"], "'a' is no metadata; write it as NAME=VALUE"),
        (["--metadata", "a b=c"], "'a b' is no name for metadata"),
        (["--metadata", "a=b\nc"], "cannot hold line breaks"),
    ],
)
def test_a_wrong_word_is_told_before_anything_begins(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()

    _, err = sync(str(tmp_path / "a"), str(tmp_path / "b"), *words, capsys=capsys, code=2)

    assert said in err
    assert not (tmp_path / "b").exists()


CONFIG = """
jobs:
  pages:
    source: {source}
    target: {target}
    attributes:
      headers: {{Cache-Control: max-age=60}}
      metadata: {{team: ops}}
      object_lock: governance:30
      tags: false
      {more}
"""


def written(tmp_path: Path, more: str = "", **places: Any) -> str:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.format(**{"source": "a", "target": "b", **places, "more": more}))
    return str(file)


def test_a_job_says_the_same_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "strict: true")

    assert main(["config", "check", "--config", file]) == 0
    assert main(["config", "show", "--config", file]) == 0

    shown = capsys.readouterr().out
    told = "headers cache-control max-age=60, metadata team ops, tags false, strict true"
    assert all(word in shown for word in ["object_lock GOVERNANCE:30", *told.split(", ")])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("acl: mine", "jobs.pages.attributes.acl: 'mine' is no canned ACL"),
        ("storage: x", "jobs.pages.attributes.storage: is not known; did you mean 'storage_class'"),
        ("sse: 7", "jobs.pages.attributes.sse: must be text"),
    ],
)
def test_a_wrong_word_of_a_job_is_told_with_its_place(
    more: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", "--config", written(tmp_path, more)]) == 2

    assert said in capsys.readouterr().err
