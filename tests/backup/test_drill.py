"""A drill brings a sample back, proves it, tells how long all would take, and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.cli import main
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def vault(ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, ministack, capsys)
    for number in range(20):
        vault.put(f"k/{number:02}", b"x" * number)
    vault.put("gone", b"x")
    vault.back_up()
    vault.drop("gone")
    vault.back_up()
    return vault


def scratch(vault: Vault) -> str:
    return f"{vault.backup_bucket}-drill"


def test_a_sample_comes_back_and_goes_again(vault: Vault) -> None:
    told = vault.run("drill", vault.there, "--sample", "5")

    summary = next(one for one in told if one["event"] == "summary")
    assert (summary["done"], summary["skipped"]) == (5, 15)
    assert summary["proof"] == {"readback": 5}
    assert (told[-1]["objects"], told[-1]["of_objects"]) == (5, 20)
    assert told[-1]["of_bytes"] == sum(range(20))
    assert told[-1]["expected_seconds"] > told[-1]["seconds"]
    assert vault.keys(scratch(vault)) == set()
    assert vault.keys() == {f"k/{number:02}" for number in range(20)} | {"gone"}


def test_a_backup_within_one_service_is_verified_byte_by_byte(vault: Vault) -> None:
    vault.put("parts", b"x")
    large = {"Bucket": vault.bucket, "Key": "parts"}
    upload = vault.client.create_multipart_upload(**large)["UploadId"]
    parts = []
    for number, size in ((1, 5 << 20), (2, 1 << 20)):
        part = {"PartNumber": number, "UploadId": upload, "Body": bytes(size)}
        parts.append(
            {"PartNumber": number, "ETag": vault.client.upload_part(**large, **part)["ETag"]}
        )
    vault.client.complete_multipart_upload(
        **large, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    vault.back_up()

    told = vault.run("verify", vault.there)[-1]

    assert (told["listed"], told["verified"]) == (22, 22)


def test_all_of_it_and_again(vault: Vault) -> None:
    for _ in range(2):
        told = vault.run("drill", vault.there, "--sample", "all")
        assert told[-1]["objects"] == 20


@pytest.mark.radosgw
def test_the_longest_keys_come_back_too(
    radosgw: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind the prefix of a drill they would be longer than any key may be."""
    (tmp_path / "long").mkdir()
    vault = Vault(tmp_path / "long", radosgw, capsys)
    keys = {f"{name}/{'k' * 1_020}" for name in "abc"} | {"plain"}
    for key in keys:
        vault.put(key, key.encode())
    assert {len(key.encode()) for key in keys} == {1_022, 5}
    vault.back_up()

    told = vault.run("drill", vault.there, "--sample", "all")

    summary = next(one for one in told if one["event"] == "summary")
    assert (summary["done"], summary["failed"]) == (4, 0)
    assert vault.keys(scratch(vault)) == set()


def test_what_others_wrote_into_the_backup_is_found(vault: Vault) -> None:
    vault.client.put_object(Bucket=vault.backup_bucket, Key="k/07", Body=b"y" * 7)

    told = vault.run("drill", vault.there, "--sample", "all", code=1)

    failed = [one["key"] for one in told if one.get("fate") == "failed"]
    assert [key.rpartition("/k/")[2] for key in failed] == ["07"]
    assert next(one for one in told if one["event"] == "summary")["failed"] == 1
    assert vault.keys(scratch(vault)) == set()


def test_a_drill_of_nothing_has_failed(vault: Vault) -> None:
    assert vault.ended("drill", f"{vault.there}nothing/")[0] == 7


def test_a_time_that_is_too_long(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    vault.client.create_bucket(Bucket=scratch(vault))
    assert vault.ended("drill", vault.there, "--sample", "1", "--rto", "10d")[0] == 0
    vault.put("large", bytes(4 << 20))
    vault.back_up()

    small = ("--sample", "1", "--seed", "a")  # Which draws another one.
    words = ["drill", vault.there, *small, "--rto", "1s", "--endpoint-url", vault.url]
    assert main(words) == 3
    assert "a larger --sample tells it better" in capsys.readouterr().err
    assert main([*words, "--sample", "all"]) == 0
    assert "a larger --sample" not in capsys.readouterr().err


def test_words_that_make_no_sense(vault: Vault) -> None:
    assert vault.ended("drill", vault.s3)[0] == 2
    assert vault.ended("drill", str(vault.folder))[0] == 2
    assert vault.ended("drill", vault.there, "--sample", "some")[0] == 2
    assert vault.ended("drill", vault.there, "--scratch", str(vault.folder))[0] == 2
