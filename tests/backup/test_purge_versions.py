"""All versions of what is deleted go, as approved, after a window, and none that is locked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup.vault import Vault
from bucketline.clock import SystemClock
from bucketline.stores.s3 import S3Store
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
_GOOD = ("--for-good", "--undo-window", "0")


@pytest.fixture(params=["ministack", pytest.param("radosgw", marks=pytest.mark.radosgw)])
def vault(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Vault:
    server: Endpoint = request.getfixturevalue(request.param)
    vault = Vault(tmp_path, server, capsys)
    vault.client.create_bucket(Bucket=f"{vault.backup_bucket}-l", ObjectLockEnabledForBucket=True)
    vault.backup_bucket = f"{vault.backup_bucket}-l"
    vault.kept = S3Store(server.remote(), vault.backup_bucket, clock=SystemClock())
    vault.client.put_bucket_versioning(
        Bucket=vault.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    for body in (b"one", b"three"):
        vault.put("kept", body)
        vault.put("gone", body)
    vault.drop("gone")
    vault.back_up("--versions")
    return vault


def plan(vault: Vault, *words: str) -> tuple[str, dict[str, int]]:
    told = vault.run("purge", vault.there, "--versions", *words)
    planned = {one["key"]: one["bytes"] for one in told if one["event"] == "planned"}
    return told[-1]["hash"], planned


def purged(vault: Vault, *words: str, code: int = 0) -> dict[str, Any]:
    digest, _ = plan(vault, *words)
    approved = ("--versions", *words, "--approve", digest)
    told = vault.run("purge", vault.there, *approved, code=code)
    return next(one for one in told if one["event"] == "summary")


def held(vault: Vault, key: str) -> list[str]:
    told = vault.client.list_object_versions(Bucket=vault.backup_bucket, Prefix=key)
    both = (*told.get("Versions", ()), *told.get("DeleteMarkers", ()))
    return [one["VersionId"] for one in both]


def test_it_is_set_aside_and_comes_back(vault: Vault) -> None:
    assert plan(vault, "--older-than", "1d") == ("", {})
    assert plan(vault, "--older-than", "0")[1] == {"gone": 8}

    assert purged(vault, "--older-than", "0")["done"] == 1

    assert len(held(vault, "gone")) == 3
    assert plan(vault, "--older-than", "0") == ("", {})
    assert plan(vault, "--for-good") == ("", {})  # The window.
    vault.run("purge", vault.there, "--versions", "--undo")
    assert plan(vault, *_GOOD) == ("", {})
    assert plan(vault, "--older-than", "0")[1] == {"gone": 8}


def test_it_goes_for_good_and_is_not_copied_again(vault: Vault) -> None:
    purged(vault, "--older-than", "0")

    assert purged(vault, *_GOOD)["done"] == 1

    assert held(vault, "gone") == []
    assert len(held(vault, "kept")) == 2
    assert vault.back_up("--versions")["done"] == 0
    assert held(vault, "gone") == []
    back = f"{vault.backup_bucket}-back"
    vault.client.create_bucket(Bucket=back)
    vault.run("restore", vault.there, f"s3://{back}/", "--include-deleted")
    assert vault.bodies(back) == {"kept": b"three"}
    vault.put("gone", b"again")
    vault.back_up("--versions")
    assert len(held(vault, "gone")) == 1
    assert vault.rows()["gone"].state == ""


def test_what_is_another_one_by_now_stays(vault: Vault) -> None:
    digest, _ = plan(vault, "--older-than", "0")
    vault.client.put_object(Bucket=vault.backup_bucket, Key="gone", Body=b"another")

    words = ("--versions", "--older-than", "0", "--approve", digest)
    assert vault.ended("purge", vault.there, *words)[0] == 1

    assert plan(vault, *_GOOD) == ("", {})


@pytest.mark.parametrize("how", ["retention", "hold"])
def test_of_what_is_locked_nothing_goes(how: str, vault: Vault) -> None:
    purged(vault, "--older-than", "0")
    newest = vault.rows()["gone"].history[1].version
    place = {"Bucket": vault.backup_bucket, "Key": "gone", "VersionId": newest}
    if how == "hold":
        vault.client.put_object_legal_hold(**place, LegalHold={"Status": "ON"})
    else:
        until = datetime.now(UTC) + timedelta(days=1)
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
        vault.client.put_object_retention(**place, Retention=retention)

    assert purged(vault, *_GOOD, code=1)["failed"] == 1

    assert len(held(vault, "gone")) == 3
    if how == "hold":
        vault.client.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
        assert purged(vault, *_GOOD)["done"] == 1
        assert held(vault, "gone") == []


def test_the_word_must_be_said(vault: Vault) -> None:
    assert vault.ended("purge", vault.there, "--older-than", "0")[0] == 2
