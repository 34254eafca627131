"""A verification of a backup looks at what that holds: no more, and on any machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backup.vault import Vault
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def vault(ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, ministack, capsys)
    for bucket in (vault.bucket, vault.backup_bucket):
        vault.client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    for key in ("folder/kept", "gone", "changed"):
        vault.put(key, key.encode())
    return vault


def verified(vault: Vault, what: str = "", code: int = 0) -> dict[str, Any]:
    return vault.run("verify", what or vault.there, code=code)[-1]


def purged(vault: Vault) -> None:
    words = ("purge", vault.there, "--older-than", "0")
    digest = vault.run(*words)[-1]["hash"]
    vault.run(*words, "--approve", digest)


def test_what_a_purge_took_is_not_missing(vault: Vault) -> None:
    vault.back_up()
    vault.drop("gone")
    vault.back_up()
    assert verified(vault)["verified"] == 3
    purged(vault)

    assert (verified(vault)["listed"], verified(vault)["verified"]) == (2, 2)

    vault.run("purge", vault.there, "--undo")
    assert verified(vault)["verified"] == 3


def test_of_versions_the_newest_is_read(vault: Vault) -> None:
    vault.put("changed", b"a second time")
    vault.drop("gone")
    vault.back_up("--versions")
    vault.put("changed", b"a third time, longer")
    vault.put("new", b"x")
    vault.drop("new")
    vault.back_up("--versions")

    for what in (vault.there, "last"):
        told = verified(vault, what)
        assert (told["damaged"], told["missing"], told["unreadable"]) == (0, 0, 0)
    assert verified(vault)["verified"] == 2


def test_another_machine_knows_what_the_catalogue_knows(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.back_up()
    monkeypatch.setenv("BUCKETLINE_STATE", str(tmp_path / "another"))

    assert verified(vault)["verified"] == 3
    assert verified(vault, f"{vault.there}folder/")["verified"] == 1

    vault.client.delete_object(Bucket=vault.backup_bucket, Key="changed")
    told = verified(vault, code=3)
    assert (told["verified"], told["missing"]) == (2, 1)
    assert vault.ended("verify", vault.s3)[0] == 2


def test_a_mark_is_no_delivery(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.back_up()
    vault.put("new", b"x")
    vault.drop("gone")
    vault.back_up()
    assert (verified(vault, "last")["listed"], verified(vault, "last")["verified"]) == (1, 1)

    vault.drop("changed")
    monkeypatch.setenv("BUCKETLINE_STATE", str(tmp_path / "another"))
    vault.back_up()

    assert (verified(vault)["listed"], verified(vault)["verified"]) == (4, 4)


def test_what_is_missing_is_repaired_as_it_says(vault: Vault, tmp_path: Path) -> None:
    vault.back_up()
    vault.client.delete_object(Bucket=vault.backup_bucket, Key="changed")
    told = vault.run("verify", vault.there, code=3)
    found = tmp_path / "found.jsonl"
    found.write_text("".join(json.dumps(one) + "\n" for one in told if one.get("cause")))

    assert vault.back_up("--compare", "checksum", "--only", str(found))["done"] == 1

    assert verified(vault)["verified"] == 3


def test_above_backups_in_parts_of_a_bucket_each_catalogue_counts(vault: Vault) -> None:
    """What a purge took of one of them was called missing."""
    vault.run("backup", vault.s3, f"{vault.there}one/")
    vault.run("backup", vault.s3, f"{vault.there}one-more/")
    vault.run("sync", vault.s3, f"{vault.there}plain/")
    vault.drop("gone")
    vault.run("backup", vault.s3, f"{vault.there}one/")
    words = ("purge", f"{vault.there}one/", "--older-than", "0")
    vault.run(*words, "--approve", vault.run(*words)[-1]["hash"])

    told = verified(vault)

    assert (told["verified"], told["missing"]) == (2 + 3 + 3, 0)


def test_a_part_that_another_machine_has_backed_up_too_is_verified_whole(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("BUCKETLINE_STATE", str(tmp_path / "another"))
        vault.run("backup", vault.s3, f"{vault.there}one/")
    vault.put("new", b"x")
    vault.run("backup", vault.s3, f"{vault.there}one/")

    assert verified(vault)["verified"] == 4
