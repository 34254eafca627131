"""A bucket becomes what its backup was: only what differs is written, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backup.vault import Vault
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
_COUNT = 14


@pytest.fixture(params=["ministack", pytest.param("radosgw", marks=pytest.mark.radosgw)])
def vault(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Vault:
    server: Endpoint = request.getfixturevalue(request.param)
    vault = Vault(tmp_path, server, capsys)
    for bucket in (vault.bucket, vault.backup_bucket):
        vault.client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    for number in range(_COUNT):
        vault.put(f"k/{number:02}", b"%d" % number, Tagging="colour=red")
    vault.back_up()
    return vault


def then(vault: Vault) -> str:
    """The time of the newest state of the catalogue."""
    return datetime.fromtimestamp(vault.manifest()["time"] + 0.01, UTC).isoformat()


def wrecked(vault: Vault) -> str:
    """Since when it is: one is changed, one is gone, two are new; and the backup followed."""
    at = then(vault)
    vault.put("k/00", b"scrambled")
    vault.drop("k/01")
    vault.put("new", b"x")
    vault.put("new/too", b"y")
    vault.back_up()
    return at


def back(vault: Vault, *words: str, code: int = 0) -> list[dict[str, Any]]:
    return vault.run("restore", vault.there, vault.s3, *words, code=code)


def summary(told: list[dict[str, Any]]) -> dict[str, Any]:
    return next(one for one in told if one["event"] == "summary")


@pytest.mark.parametrize("appeared", ["leave", "hide"])
def test_only_what_differs_is_written(appeared: str, vault: Vault) -> None:
    before = vault.bodies(vault.bucket)
    at = wrecked(vault)

    told = summary(back(vault, "--at", at, "--in-place", appeared))

    hides = appeared == "hide"
    assert (told["done"], told["failed"]) == (4 if hides else 2, 0)
    new = {} if hides else {"new": b"x", "new/too": b"y"}
    assert vault.bodies(vault.bucket) == before | new
    assert vault.tags("k/01", vault.bucket) == {"colour": "red"}
    assert summary(back(vault, "--at", at, "--in-place", appeared))["done"] == 0
    versions = vault.client.list_object_versions(Bucket=vault.bucket, Prefix="new")["Versions"]
    assert len(versions) == 2


def test_the_plan_changes_nothing(vault: Vault) -> None:
    at = wrecked(vault)
    before = vault.bodies(vault.bucket)

    told = back(vault, "--at", at, "--in-place", "hide", "--dry-run")

    planned = {(one["verb"], one["key"]) for one in told if one["event"] == "planned"}
    assert planned == {
        *(("copy", "k/00"), ("copy", "k/01"), ("delete", "new"), ("delete", "new/too"))
    }
    assert vault.bodies(vault.bucket) == before


def test_without_a_time_it_becomes_what_the_backup_is(vault: Vault) -> None:
    before = vault.bodies(vault.bucket)
    vault.put("k/00", b"scrambled")
    vault.put("new", b"x")

    back(vault, "--in-place", "hide")

    assert vault.bodies(vault.bucket) == before


@pytest.mark.parametrize("vault", ["ministack"], indirect=True)  # radosgw keeps etags of parts.
@pytest.mark.parametrize("is_then", [True, False])
def test_what_has_another_etag_in_the_backup_is_not_written_for_that(
    is_then: bool, vault: Vault
) -> None:
    large = {"Bucket": vault.bucket, "Key": "parts"}
    upload = vault.client.create_multipart_upload(**large)["UploadId"]
    parts, sizes = [], (5 << 20, 6 << 20, 1)  # As nobody would choose them again.
    for number, size in enumerate(sizes, 1):
        part = {"PartNumber": number, "UploadId": upload, "Body": b"x" * size}
        told = vault.client.upload_part(**large, **part)
        parts.append({"PartNumber": number, "ETag": told["ETag"]})
    vault.client.complete_multipart_upload(
        **large, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    vault.back_up()
    row = vault.rows()["parts"]
    assert row.etag != row.source_etag
    words = ("--in-place", "hide", *(("--at", then(vault)) if is_then else ()))

    assert summary(back(vault, *words))["done"] == 0

    vault.put("parts", b"y" * sum(sizes))
    assert summary(back(vault, *words))["done"] == 1
    assert vault.bodies(vault.bucket)["parts"] == b"x" * sum(sizes)


def test_more_than_anybody_expects_stops_before_the_first(vault: Vault) -> None:
    for number in range(12):
        vault.put(f"k/{number:02}", b"scrambled")
        vault.put(f"new/{number:02}", b"x")
    vault.drop("k/13")
    before = vault.bodies(vault.bucket)
    words = ("--in-place", "hide")

    back(vault, *words, code=7)
    back(vault, *words, "--max-replaced", "100%", code=7)
    back(vault, *words, "--max-hidden", "100%", code=7)

    assert vault.bodies(vault.bucket) == before | {"k/13": b"13"}  # Which was only missing.
    back(vault, *words, "--max-replaced", "12", "--max-hidden", "12")
    assert vault.bodies(vault.bucket) == {f"k/{n:02}": b"%d" % n for n in range(_COUNT)}


def test_nothing_is_hidden_where_it_would_be_gone(vault: Vault) -> None:
    vault.put("new", b"x")
    vault.client.put_bucket_versioning(
        Bucket=vault.bucket, VersioningConfiguration={"Status": "Suspended"}
    )

    back(vault, "--in-place", "hide", code=7)
    assert vault.ended("restore", vault.there, vault.s3, "--in-place", "hide", "-n")[0] == 7
    back(vault, "--in-place", "leave")

    assert vault.bodies(vault.bucket)["new"] == b"x"


def test_an_empty_backup_hides_nothing(vault: Vault) -> None:
    assert vault.ended("restore", f"{vault.there}none/", vault.s3, "--in-place", "hide")[0] == 7

    assert len(vault.keys(vault.bucket)) == _COUNT


def test_words_that_make_no_sense(vault: Vault) -> None:
    words = ("restore", vault.there, vault.s3)
    for more in (
        ("--max-hidden", "3"),
        ("--max-replaced", "3"),
        ("--in-place", "hide", "--versions"),
        ("--in-place", "hide", "--on-conflict", "keep-both"),
        ("--in-place", "hide", "--include-deleted"),
        ("--in-place", "hide", "--max-hidden", "some"),
    ):
        assert vault.ended(*words, *more)[0] == 2, more
