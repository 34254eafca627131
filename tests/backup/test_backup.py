"""A backup holds what its source holds, says what vanished, and never loses anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.engines.backup.purge import Purging, Stage
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
_MANY = ["--max-vanished", "100%", "--max-replaced", "100%"]


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, moto, capsys)
    vault.put("a", b"one", ContentType="text/x-own", Metadata={"who": "me"}, Tagging="colour=red")
    vault.put("folder/b", b"two")
    vault.put("sp ace/ü+%", b"three")
    vault.put("empty", b"")
    return vault


def test_all_is_copied_with_what_belongs_to_it(vault: Vault) -> None:
    told = vault.back_up()

    assert (told["state"], told["done"], told["failed"]) == ("complete", 4, 0)
    assert vault.bodies() == vault.bodies(vault.bucket)
    assert vault.tags("a") == {"colour": "red"}
    head = vault.client.head_object(Bucket=vault.backup_bucket, Key="a")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-own", {"who": "me"})


def test_the_catalogue_says_all_of_it(vault: Vault) -> None:
    run = vault.back_up()["run"]

    rows = vault.rows()

    assert set(rows) == vault.keys()
    row = rows["a"]
    assert (row.size, row.run, row.deleted, row.proof) == (3, run, "", "etag")
    assert row.attributes.headers["content-type"] == "text/x-own"
    assert (row.attributes.metadata, row.attributes.tags) == ({"who": "me"}, {"colour": "red"})
    assert row.modified > 0


def test_again_is_nothing_and_asks_for_no_object(vault: Vault) -> None:
    vault.back_up()

    told = vault.back_up()

    assert (told["done"], told["skipped"]) == (0, 4)
    assert set(told["requests"]) <= {"LIST", "GET"}
    assert told["requests"]["LIST"] == 3  # Both sides, and where the catalogue is.
    assert told["requests"]["GET"] <= 3  # Its manifest and its one layer.


def test_what_vanished_is_tagged_beside_its_own_tags(vault: Vault) -> None:
    vault.back_up()
    vault.drop("a")

    told = vault.back_up()

    assert (told["done"], told["skipped"]) == (1, 3)
    tags = dict(vault.tags("a"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", tags.pop("DeletedAt"))
    assert tags == {"colour": "red", "Deleted": "True"}
    assert vault.deleted() == {"a"}
    assert vault.rows()["a"].deleted
    assert vault.rows()["a"].attributes.tags == {"colour": "red"}
    again = vault.back_up()
    assert (again["done"], again["requests"].get("TAG")) == (0, None)


@pytest.mark.parametrize("body", [b"one", b"another"])
def test_what_came_back_is_not_called_deleted_any_more(vault: Vault, body: bytes) -> None:
    vault.back_up()
    vault.drop("a", "folder/b")
    vault.back_up()
    vault.put("a", body, Tagging="colour=red")

    vault.back_up()

    assert vault.deleted() == {"folder/b"}
    assert vault.tags("a") == {"colour": "red"}
    assert vault.bodies()["a"] == body
    assert vault.rows()["a"].deleted == ""
    assert vault.back_up()["done"] == 0


def test_where_ten_tags_are_taken_the_catalogue_says_it(vault: Vault) -> None:
    many = {f"tag{number}": str(number) for number in range(10)}
    vault.put("full", b"x", Tagging="&".join(f"{name}={value}" for name, value in many.items()))
    vault.back_up()
    vault.drop("full")

    ended, told = vault.ended("backup", vault.s3, vault.there)

    assert ended == 0
    assert "10 tags already" in told[0]["message"]
    assert vault.tags("full") == many
    assert vault.rows()["full"].deleted
    assert vault.back_up()["done"] == 0


def test_an_old_mark_is_read_and_kept(vault: Vault) -> None:
    vault.back_up()
    vault.drop("a")
    old = [
        {"Key": "Deleted", "Value": "True"},
        {"Key": "DeletedAt", "Value": "2018-08-28T12:00:01"},
    ]
    vault.client.put_object_tagging(Bucket=vault.backup_bucket, Key="a", Tagging={"TagSet": old})

    vault.back_up()

    assert vault.tags("a")["DeletedAt"] == "2018-08-28T12:00:01"
    assert vault.rows()["a"].deleted == "2018-08-28T12:00:01Z"


NO_DATES = ["", "last week", "2018-13-45T00:00:00"]
NO_YEARS = ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"]


@pytest.mark.parametrize("said", NO_DATES + NO_YEARS)
def test_a_mark_without_a_date_is_a_mark_and_is_never_old(said: str, vault: Vault) -> None:
    vault.back_up()
    vault.drop("a")
    old = [{"Key": "Deleted", "Value": "True"}, {"Key": "DeletedAt", "Value": said}]
    vault.client.put_object_tagging(Bucket=vault.backup_bucket, Key="a", Tagging={"TagSet": old})

    vault.back_up()

    row = vault.rows()["a"]
    assert row.deleted == "undated"
    assert not Purging(Stage.DELETE, until=1e12).takes(row)
    assert vault.back_up()["done"] == 0


def test_what_is_excluded_is_neither_copied_nor_called_deleted(vault: Vault) -> None:
    vault.back_up()
    vault.drop("a", "folder/b")

    vault.back_up("--exclude", "folder/")

    assert vault.deleted() == {"a"}
    vault.back_up("--exclude", "a")
    assert vault.deleted() == {"a", "folder/b"}


def test_without_tags_nothing_is_said_of_what_vanished(vault: Vault) -> None:
    vault.back_up()
    vault.drop("a")

    assert vault.back_up("--no-mark")["done"] == 0
    assert vault.deleted() == set()


def test_a_source_s_key_that_is_reserved_is_refused_by_name(vault: Vault) -> None:
    vault.put(".bucketline/catalogue/00000001.json", b"forged")

    code, told = vault.ended("backup", vault.s3, vault.there)

    assert code == 1
    failed = [one for one in told if one.get("fate") == "failed"]
    assert [one["key"] for one in failed] == [".bucketline/catalogue/00000001.json"]
    assert "kept for the backup's own catalogue" in failed[0]["message"]
    assert len(vault.rows()) == 4


def test_what_the_catalogue_lost_is_looked_up_again(vault: Vault) -> None:
    vault.back_up()
    vault.drop("folder/b")
    vault.back_up()
    pages = vault.client.list_objects_v2(Bucket=vault.backup_bucket, Prefix=".bucketline/")
    for entry in pages["Contents"]:
        vault.client.delete_object(Bucket=vault.backup_bucket, Key=entry["Key"])

    told = vault.back_up()

    assert told["failed"] == 0
    rows = vault.rows()
    assert set(rows) == vault.keys()
    assert rows["folder/b"].deleted
    assert rows["a"].attributes.tags == {"colour": "red"}


def test_what_others_removed_from_the_backup_is_copied_again(vault: Vault) -> None:
    vault.back_up()
    vault.client.delete_object(Bucket=vault.backup_bucket, Key="a")
    vault.drop("folder/b")
    vault.client.delete_object(Bucket=vault.backup_bucket, Key="folder/b")

    vault.back_up(*_MANY)

    assert vault.bodies() == vault.bodies(vault.bucket)
    assert set(vault.rows()) == vault.keys()


def test_a_dry_run_changes_nothing(vault: Vault) -> None:
    vault.back_up()
    vault.drop("a")
    vault.put("new", b"x")
    before = vault.rows()

    told = vault.run("backup", vault.s3, vault.there, "--dry-run")

    planned = {(one["verb"], one["key"]) for one in told if one["event"] == "planned"}
    assert planned == {("mark", "a"), ("copy", "new")}
    assert (vault.deleted(), vault.rows()) == (set(), before)


def test_the_old_rule_copies_what_is_young_or_of_another_size(vault: Vault) -> None:
    vault.back_up("--window", "48")
    assert vault.back_up("--window", "48")["done"] == 4  # All of them are young.
    assert vault.back_up("--window", "0")["done"] == 0
    vault.put("a", b"longer")
    assert vault.back_up("--window", "0")["done"] == 1
    assert vault.bodies() == vault.bodies(vault.bucket)


def test_a_folder_is_no_backup(vault: Vault, tmp_path: Path) -> None:
    assert vault.ended("backup", vault.s3, str(tmp_path / "there"))[0] == 2


def test_without_tags_what_was_called_deleted_stays_so(vault: Vault) -> None:
    vault.back_up()
    vault.drop("a")
    vault.back_up()

    vault.back_up("--no-mark")

    assert vault.deleted() == {"a"}
