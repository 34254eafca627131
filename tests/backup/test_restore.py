"""What a backup holds comes back: as it is, as it was, where it should, and not what is deleted."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backup.vault import Vault
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, moto, capsys)
    vault.put("a", b"one", ContentType="text/x-own", Metadata={"who": "me"}, Tagging="colour=red")
    vault.put("folder/b", b"two")
    vault.put("folder/c", b"three")
    vault.put("gone", b"four", Tagging="colour=blue")
    vault.back_up()
    vault.drop("gone")
    vault.back_up()
    return vault


def restored(vault: Vault, *words: str, code: int = 0, source: str = "") -> dict[str, Any]:
    target = f"s3://{new_bucket(vault)}/"
    told = vault.run("restore", source or vault.there, target, *words, code=code)
    return {"bucket": target[5:-1], **next(one for one in told if one["event"] == "summary")}


def new_bucket(vault: Vault) -> str:
    name = f"back-{uuid.uuid4().hex[:12]}"
    vault.client.create_bucket(Bucket=name)
    return name


def test_all_but_what_is_deleted_comes_back_as_it_was(vault: Vault) -> None:
    told = restored(vault)

    assert (told["state"], told["done"]) == ("complete", 3)
    assert vault.bodies(told["bucket"]) == vault.bodies(vault.bucket)
    assert vault.tags("a", told["bucket"]) == {"colour": "red"}
    head = vault.client.head_object(Bucket=told["bucket"], Key="a")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-own", {"who": "me"})


def test_what_is_deleted_comes_back_when_it_is_wanted_and_without_our_tags(vault: Vault) -> None:
    told = restored(vault, "--include-deleted")

    assert vault.bodies(told["bucket"]) == vault.bodies()
    assert vault.tags("gone", told["bucket"]) == {"colour": "blue"}


def test_again_is_nothing(vault: Vault) -> None:
    bucket = new_bucket(vault)
    vault.run("restore", vault.there, f"s3://{bucket}/")

    told = vault.run("restore", vault.there, f"s3://{bucket}/")[-1]

    assert (told["done"], told["skipped"]) == (0, 3)


def test_a_part_of_a_backup_comes_back_under_another_prefix(vault: Vault) -> None:
    bucket = new_bucket(vault)

    vault.run("restore", f"{vault.there}folder/", f"s3://{bucket}/back/")

    assert vault.bodies(bucket) == {"back/b": b"two", "back/c": b"three"}


def test_a_backup_of_older_tools_has_only_tags(vault: Vault) -> None:
    found = vault.client.list_objects_v2(Bucket=vault.backup_bucket, Prefix=".bucketline/")
    for entry in found["Contents"]:
        vault.client.delete_object(Bucket=vault.backup_bucket, Key=entry["Key"])

    told = restored(vault)

    assert vault.keys(told["bucket"]) == {"a", "folder/b", "folder/c"}


@pytest.mark.parametrize("policy", ["skip", "replace", "keep-both"])
def test_what_is_another_one_at_the_target(policy: str, vault: Vault) -> None:
    bucket = new_bucket(vault)
    vault.client.put_object(Bucket=bucket, Key="a", Body=b"mine")

    vault.run("restore", vault.there, f"s3://{bucket}/", "--on-conflict", policy)

    held = vault.bodies(bucket)
    assert held["a"] == (b"one" if policy == "replace" else b"mine")
    assert held.get("a.restored") == (b"one" if policy == "keep-both" else None)
    again = vault.run("restore", vault.there, f"s3://{bucket}/", "--on-conflict", policy)[-1]
    assert again["done"] == 0


def test_a_bucket_is_made_as_the_source_was(vault: Vault) -> None:
    vault.client.put_bucket_versioning(
        Bucket=vault.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    vault.put("new", b"x")
    vault.back_up()
    bucket = f"made-{uuid.uuid4().hex[:12]}"
    assert vault.ended("restore", vault.there, f"s3://{bucket}/")[0] == 5

    vault.run("restore", vault.there, f"s3://{bucket}/", "--create-bucket")

    assert vault.keys(bucket) == {"a", "folder/b", "folder/c", "new"}
    assert vault.client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_into_a_folder(vault: Vault, tmp_path: Path) -> None:
    vault.run("restore", vault.there, str(tmp_path / "back"))

    assert (tmp_path / "back" / "folder" / "b").read_bytes() == b"two"
    assert not (tmp_path / "back" / "gone").exists()


def test_as_it_was_then(vault: Vault) -> None:
    vault.client.put_bucket_versioning(
        Bucket=vault.backup_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    vault.put("a", b"first state")
    vault.put("later-gone", b"x")
    vault.back_up()
    time = vault.manifest()["time"]
    then = vault.bodies(vault.bucket)
    vault.put("a", b"second state")
    vault.drop("later-gone")
    vault.put("too-late", b"x")
    vault.back_up()

    told = restored(vault, "--at", moment(time + 0.001))

    assert vault.bodies(told["bucket"]) == then


def test_what_was_written_over_since_is_not_made_up(vault: Vault) -> None:
    time = vault.manifest()["time"]
    vault.put("a", b"written over")
    vault.back_up()

    told = restored(vault, "--at", moment(time + 0.001), code=1)

    assert (told["done"], told["failed"]) == (2, 1)
    assert "a" not in vault.bodies(told["bucket"])
    assert vault.ended("restore", vault.there, vault.s3, "--at", "2001-01-01")[0] == 2


def test_a_dry_run_changes_nothing_and_tells_of_archives(vault: Vault, tmp_path: Path) -> None:
    vault.client.put_object(
        Bucket=vault.backup_bucket, Key="cold", Body=b"frozen", StorageClass="GLACIER"
    )
    prices = tmp_path / "prices.json"
    tier = {"Bulk": {"thousand_requests": 1_000, "gib": 0}}
    prices.write_text(json.dumps({"currency": "USD", "gib_month": 0, "GLACIER": tier}))
    bucket = new_bucket(vault)
    words = ("--dry-run", "--tier", "Bulk", "--prices", str(prices))

    told = vault.run("restore", vault.there, f"s3://{bucket}/", *words)

    assert {one["key"] for one in told if one["event"] == "planned"} >= {"a", "cold"}
    assert told[-1]["tiers"] == {"GLACIER": {"objects": 1, "size": 6}}
    assert told[-1]["cost"] == 1.0
    assert vault.keys(bucket) == set()


def test_what_is_archived_waits_for_its_thaw(vault: Vault) -> None:
    vault.client.put_object(
        Bucket=vault.backup_bucket, Key="cold", Body=b"frozen", StorageClass="GLACIER"
    )
    bucket = new_bucket(vault)
    place = f"s3://{bucket}/"

    code, told = vault.ended("restore", vault.there, place)
    assert code == 4
    assert told[-1]["waiting"] == 1
    for _ in range(4):  # This server thaws from look to look.
        code, told = vault.ended("restore", vault.there, place, "--tier", "Bulk")
        if code == 0:
            break

    assert code == 0, told
    assert vault.bodies(bucket)["cold"] == b"frozen"


def test_a_wait_for_a_thaw_ends_in_time(vault: Vault) -> None:
    vault.client.put_object(
        Bucket=vault.backup_bucket, Key="cold", Body=b"frozen", StorageClass="GLACIER"
    )
    words = ("--tier", "Bulk", "--wait", "--every", "10m", "--max-duration", "1")

    assert restored(vault, *words, code=4)["state"] in ("waiting", "interrupted")


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def test_what_a_killed_backup_brought_back_is_there(vault: Vault) -> None:
    """It is in no catalogue yet: that still calls the one before it deleted."""
    vault.client.put_object(Bucket=vault.backup_bucket, Key="gone", Body=b"again")
    vault.client.put_object(
        Bucket=vault.backup_bucket, Key="old", Body=b"x", Tagging="Deleted=True"
    )

    told = restored(vault)

    assert vault.bodies(told["bucket"]) == vault.bodies(vault.bucket) | {"gone": b"again"}
