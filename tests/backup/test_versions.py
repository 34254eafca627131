"""A backup of versions holds each of them, and each delete marker, in the order of the source."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backup.vault import Vault
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")

PAST = tuple[bool, bytes]  # Whether it is a marker, and its bytes.


@pytest.fixture(params=["ministack", pytest.param("radosgw", marks=pytest.mark.radosgw)])
def vault(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Vault:
    server: Endpoint = request.getfixturevalue(request.param)
    vault = Vault(tmp_path, server, capsys)
    for bucket in (vault.bucket, vault.backup_bucket):
        keep_versions(vault, bucket)
    return vault


def keep_versions(vault: Vault, bucket: str) -> None:
    vault.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def live(vault: Vault) -> None:
    """A life with changes, deletes and returns."""
    vault.put("a", b"one", Metadata={"who": "me"}, Tagging="colour=red")
    vault.put("a", b"two")
    vault.drop("a")
    vault.put("a", b"three")
    vault.put("odd/ä +%20//", b"x")
    vault.put("gone", b"y")
    vault.drop("gone")
    vault.drop("gone")
    vault.drop("never")
    vault.put("same", b"z")
    vault.put("same", b"z")


def past(vault: Vault, bucket: str) -> dict[str, list[PAST]]:
    """Every key's versions, oldest first, as another client sees them."""
    told: dict[str, list[tuple[datetime, PAST]]] = {}
    pages = vault.client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        for one in page.get("Versions", ()):
            read = vault.client.get_object(
                Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"]
            )
            seen = (one["LastModified"], (False, read["Body"].read()))
            told.setdefault(one["Key"], []).insert(0, seen)
        for one in page.get("DeleteMarkers", ()):
            told.setdefault(one["Key"], []).insert(0, (one["LastModified"], (True, b"")))
    return {
        key: [what for _, what in sorted(many, key=lambda one: one[0])]
        for key, many in told.items()
        if not key.startswith(".bucketline/")
    }


def copied(vault: Vault, *words: str, code: int = 0) -> dict[str, Any]:
    return vault.back_up("--versions", *words, code=code)


def test_every_version_and_marker_in_order(vault: Vault) -> None:
    live(vault)

    told = copied(vault)

    assert told["done"] == 5
    assert past(vault, vault.backup_bucket) == past(vault, vault.bucket)
    row = vault.rows()["a"]
    assert [one.state for one in row.history] == ["", "", "marker", ""]
    assert row.history[0].attributes.metadata == {"who": "me"}
    ids = {one.source_version for one in row.history}
    listed = vault.client.list_object_versions(Bucket=vault.bucket, Prefix="a")
    assert ids == {o["VersionId"] for o in (*listed["Versions"], *listed["DeleteMarkers"])}


@pytest.mark.radosgw
@pytest.mark.parametrize("vault", ["radosgw"], indirect=True)
def test_an_old_version_keeps_its_tags(vault: Vault) -> None:
    live(vault)

    copied(vault)

    oldest = vault.rows()["a"].history[0]
    told = vault.client.get_object_tagging(
        Bucket=vault.backup_bucket, Key="a", VersionId=oldest.version
    )
    assert told["TagSet"] == [{"Key": "colour", "Value": "red"}]
    assert oldest.attributes.tags == {"colour": "red"}


def test_again_is_nothing_and_what_is_new_goes_behind(vault: Vault) -> None:
    live(vault)
    copied(vault)
    before = vault.manifest()["number"]

    assert copied(vault)["done"] == 0
    assert vault.manifest()["number"] == before

    vault.put("a", b"four")
    vault.put("gone", b"back")
    vault.drop("same")
    assert copied(vault)["done"] == 3
    assert past(vault, vault.backup_bucket) == past(vault, vault.bucket)
    assert vault.rows()["same"].deleted


def test_what_the_source_forgets_stays(vault: Vault) -> None:
    live(vault)
    copied(vault)
    whole = past(vault, vault.backup_bucket)
    first = vault.rows()["a"].history[0].source_version
    vault.client.delete_object(Bucket=vault.bucket, Key="a", VersionId=first)

    assert copied(vault)["done"] == 0
    assert past(vault, vault.backup_bucket) == whole


def test_without_a_catalogue_nothing_is_copied_twice(vault: Vault) -> None:
    live(vault)
    copied(vault)
    whole = past(vault, vault.backup_bucket)
    told = vault.client.list_objects_v2(Bucket=vault.backup_bucket, Prefix=".bucketline/")
    for entry in told["Contents"]:
        vault.client.delete_object(Bucket=vault.backup_bucket, Key=entry["Key"])

    copied(vault)

    assert past(vault, vault.backup_bucket) == whole
    assert len(vault.rows()["a"].history) == 4
    assert copied(vault)["done"] == 0


def test_as_the_source_was_then(vault: Vault) -> None:
    vault.put("a", b"one")
    vault.put("b", b"kept")
    vault.put("a", b"two")
    vault.drop("a")
    copied(vault)
    times = [one.modified for one in vault.rows()["a"].history]

    for at, body in zip(times, [b"one", b"two", None], strict=True):
        bucket = vault.another()
        words = ("--at", datetime.fromtimestamp(at + 0.0005, UTC).isoformat())
        vault.run("restore", vault.there, f"s3://{bucket}/", *words)
        assert vault.bodies(bucket).get("a") == body

    bucket = vault.another()
    vault.run("restore", vault.there, f"s3://{bucket}/", "--include-deleted")
    assert vault.bodies(bucket) == {"a": b"two", "b": b"kept"}


def test_all_versions_come_back(vault: Vault) -> None:
    live(vault)
    copied(vault)
    bucket = vault.another()
    keep_versions(vault, bucket)

    vault.run("restore", vault.there, f"s3://{bucket}/", "--versions")

    assert past(vault, bucket) == past(vault, vault.bucket)
    again = vault.run("restore", vault.there, f"s3://{bucket}/", "--versions")[-1]
    assert again["done"] == 0


def test_what_is_refused(vault: Vault) -> None:
    live(vault)
    bucket = vault.another()
    assert vault.ended("backup", vault.s3, f"s3://{bucket}/", "--versions")[0] == 7
    assert vault.ended("backup", vault.s3, vault.there, "--versions", "--window", "1")[0] == 2
    copied(vault)

    assert vault.ended("backup", vault.s3, vault.there)[0] == 2


def test_a_burst_of_deletes_or_changes_is_a_stop(vault: Vault) -> None:
    for number in range(20):
        vault.put(f"k{number:02}", b"x")
    copied(vault)
    whole = past(vault, vault.backup_bucket)
    for number in range(12):
        vault.drop(f"k{number:02}")

    copied(vault, code=7)

    assert past(vault, vault.backup_bucket) == whole
    copied(vault, "--max-vanished", "100%", "--max-replaced", "100%")
    assert past(vault, vault.backup_bucket) == past(vault, vault.bucket)


def test_a_dry_run_changes_nothing(vault: Vault) -> None:
    live(vault)

    told = vault.run("backup", vault.s3, vault.there, "--versions", "-n")

    assert told[-1]["copies"] == 5
    assert past(vault, vault.backup_bucket) == {}


def test_a_part_of_a_bucket_is_a_folder(vault: Vault) -> None:
    for key in ("photos/x", "photos-old/y", "photos"):
        vault.put(key, b"x")

    vault.run("backup", vault.s3 + "photos", vault.there, "--versions")

    assert vault.keys() == {"x"}


@pytest.mark.radosgw
def test_markers_in_a_row_become_one_where_there_can_be_but_one(
    radosgw: Endpoint, ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ceph makes no second marker behind one: what was there at any time is the same."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    here, there = Vault(source, ministack, capsys), Vault(target, radosgw, capsys)
    keep_versions(here, here.bucket)
    keep_versions(there, there.backup_bucket)
    here.put("k", b"1")
    here.drop("k", "k", "k", "never", "never")
    here.drop("k")
    here.put("k", b"2")
    here.drop("k")
    here.drop("k")
    words = (here.s3, there.there, "--source-endpoint-url", ministack.url, "--versions")
    done = there.run("backup", *words)[-1]
    assert (done["done"], done["failed"]) == (2, 0)
    marker = (True, b"")
    assert past(there, there.backup_bucket) == {
        "k": [(False, b"1"), marker, (False, b"2"), marker],
        "never": [marker],
    }
    here.drop("k")
    assert there.run("backup", *words)[-1]["done"] == 1
    assert there.run("backup", *words)[-1]["done"] == 0
    assert len(there.rows()["k"].history) == len(past(here, here.bucket)["k"])


def test_a_marker_more_is_a_marker_more(vault: Vault) -> None:
    for count in (1, 2, 1):
        for _ in range(count):
            vault.drop("k")
        copied(vault)

        assert past(vault, vault.backup_bucket) == past(vault, vault.bucket)
