"""One object of a backup comes back by its name; and what stands beside it stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.flow.drive import blocking
from bucketline.stores.local import LocalStore
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def vault(ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, ministack, capsys)
    vault.client.put_bucket_versioning(
        Bucket=vault.backup_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    for key in ("a", "ab", "a/b", "folder/[x] ä", "folder/c"):
        vault.put(key, key.encode())
    vault.back_up()
    return vault


@pytest.mark.parametrize(
    ("name", "under", "keys"),
    [
        ("a", "", {"a"}),
        ("a/", "", {"b"}),
        ("folder/[x] ä", "", {"[x] ä"}),
        ("folder/c", "back/", {"back/c"}),
        ("folder", "", {"[x] ä", "c"}),
    ],
)
def test_by_its_name(name: str, under: str, keys: set[str], vault: Vault) -> None:
    bucket = vault.another()

    told = vault.run("restore", f"{vault.there}{name}", f"s3://{bucket}/{under}")[-1]

    assert (told["listed"], told["done"]) == (len(keys), len(keys))
    assert vault.keys(bucket) == keys


def test_into_a_folder_and_again(vault: Vault, tmp_path: Path) -> None:
    for done in (1, 0):
        told = vault.run("restore", f"{vault.there}folder/c", str(tmp_path / "back"))[-1]
        assert told["done"] == done
    assert (tmp_path / "back" / "c").read_bytes() == b"folder/c"


def test_as_it_was(vault: Vault) -> None:
    then = datetime.now(UTC).isoformat()
    vault.put("a", b"by now")
    vault.drop("folder/c")
    vault.back_up()
    bucket = vault.another()

    vault.run("restore", f"{vault.there}a", f"s3://{bucket}/", "--at", then)
    vault.run("restore", f"{vault.there}folder/c", f"s3://{bucket}/")
    assert vault.bodies(bucket) == {"a": b"a"}

    vault.run("restore", f"{vault.there}folder/c", f"s3://{bucket}/", "--include-deleted")
    assert vault.bodies(bucket) == {"a": b"a", "c": b"folder/c"}


def test_both_are_kept_whatever_stands_there(vault: Vault) -> None:
    mine = {"a": b"mine", "a.restored": b"mine, too"}
    bucket = vault.another(**mine)
    vault.put("ab.restored", b"of the source")
    vault.back_up()
    vault.client.put_object(Bucket=bucket, Key="ab", Body=b"mine as well")
    words = ("restore", vault.there, f"s3://{bucket}/", "--on-conflict", "keep-both")

    vault.run(*words)

    held = vault.bodies(bucket)
    assert {key: held[key] for key in mine} == mine
    assert held["a.restored.2"] == b"a"
    assert (held["ab.restored"], held["ab.restored.2"]) == (b"of the source", b"ab")
    assert vault.run(*words)[-1]["done"] == 0


@pytest.mark.parametrize("is_then", [True, False])
def test_what_is_deleted_comes_back_into_a_folder(
    is_then: bool, vault: Vault, tmp_path: Path
) -> None:
    vault.put("tagged", b"x", Tagging="colour=red")
    vault.back_up()
    then = datetime.now(UTC).isoformat()
    vault.drop("folder/c", "tagged")
    vault.back_up()
    words = ("--at", then) if is_then else ("--include-deleted",)

    told = vault.run("restore", vault.there, str(tmp_path / "back"), "--exclude", "/a/", *words)[-1]

    assert (told["done"], told["failed"]) == (5, 0)
    back = LocalStore(str(tmp_path / "back"))
    assert blocking(back.read("folder/c")).body == b"folder/c"
    assert blocking(back.stat("folder/c")).attributes.tags == {}
    assert blocking(back.stat("tagged")).attributes.tags in ({}, {"colour": "red"})


def test_a_part_of_the_backup_itself_is_no_target(vault: Vault) -> None:
    """The next restore of all would bring that, too, as if the source had had it."""
    before = vault.keys()
    for backup, target in (("folder/", "elsewhere/"), ("folder/c", "")):
        words = (f"{vault.there}{backup}", f"{vault.there}{target}")
        assert vault.ended("restore", *words)[0] == 2
        assert vault.ended("restore", *words, "--dry-run")[0] == 2
    assert vault.keys() == before

    vault.run("backup", vault.s3, f"s3://{(bucket := vault.another())}/of-it/")
    vault.run("restore", f"s3://{bucket}/of-it/", f"s3://{bucket}/back/")
    assert {f"back/{key}" for key in vault.keys(vault.bucket)} <= vault.keys(bucket)
