"""Copies that are too many for us are handed to S3: written down, and none of them made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from backup.vault import Vault
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, moto, capsys)
    for key in ("a", "folder/b", "sp ace/\u00fc+%,", "z"):
        vault.put(key, key.encode())
    return vault


def words(vault: Vault, most: int) -> tuple[str, ...]:
    return "--batch-manifest", str(vault.here / "it.csv"), "--batch-above", str(most)


def test_above_the_limit_all_is_written_and_nothing_copied(vault: Vault) -> None:
    told = vault.run("backup", vault.s3, vault.there, *words(vault, 3), code=4)

    assert vault.keys() == set()
    body = (vault.here / "it.csv").read_bytes()
    keys = ("a", "folder/b", "sp%20ace/%C3%BC%2B%25%2C", "z")
    assert body.decode().splitlines() == [f"{vault.bucket},{key}" for key in keys]
    job = json.loads((vault.here / "it.csv.job.json").read_text())
    assert job["Manifest"]["Location"]["ETag"] == hashlib.md5(body).hexdigest()
    target = job["Operation"]["S3PutObjectCopy"]["TargetResource"]
    assert target == f"arn:aws:s3:::{vault.backup_bucket}"
    assert [one["copies"] for one in told if one["event"] == "export"] == [4]

    for key in ("a", "folder/b", "z"):  # As the job does it; one of them it could not.
        place = {"Bucket": vault.bucket, "Key": key}
        vault.client.copy_object(Bucket=vault.backup_bucket, Key=key, CopySource=place)
    vault.drop("z")
    assert vault.back_up(*words(vault, 3))["done"] == 2
    assert (vault.deleted(), set(vault.rows())) == ({"z"}, vault.keys())


def test_up_to_the_limit_it_copies_as_always(vault: Vault) -> None:
    assert vault.back_up(*words(vault, 4))["done"] == 4
    assert not (vault.here / "it.csv").exists()


def test_what_no_job_can_do_is_copied_here(vault: Vault) -> None:
    """A job cannot take a prefix away: it was left for the next run, for ever."""
    there = f"{vault.there}x/"
    told = vault.run("backup", f"{vault.s3}folder/", there, *words(vault, 0))

    assert next(one for one in told if one["event"] == "summary")["done"] == 1
    assert vault.client.head_object(Bucket=vault.backup_bucket, Key="x/b")["ContentLength"] == 8
    assert not (vault.here / "it.csv").exists()


def test_what_a_job_could_not_do_is_told_at_once(vault: Vault) -> None:
    wrong = (
        (*words(vault, 1), "--versions"),
        (*words(vault, 1), "--storage-class", "STANDARD_IA"),
        ("--batch-above", "3"),
    )
    for some in wrong:
        assert vault.ended("backup", vault.s3, vault.there, *some)[0] == 2
    assert vault.keys() == set()
