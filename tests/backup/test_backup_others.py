"""What is not of this backup stays as it is: another source's, another backup's, another run's."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.engines.backup import Catalogue
from bucketline.engines.backup.hidden import Missing
from bucketline.engines.backup.rows import Row
from bucketline.flow.drive import open_drive
from bucketline.flow.look.sorting import EntryFile
from bucketline.model import Entry
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def vault(ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, ministack, capsys)
    for key in ("a", "b", "folder/c"):
        vault.put(key, key.encode())
    return vault


def test_another_source_is_refused_until_it_is_meant(vault: Vault) -> None:
    vault.back_up()
    other = f"s3://{vault.another(a=b'another', new=b'x')}/"
    before = vault.bodies()

    ended, _ = vault.ended("backup", other, vault.there)

    assert ended == 7
    assert vault.ended("backup", other, vault.there, "--dry-run")[0] == 7
    assert (vault.bodies(), vault.deleted()) == (before, set())
    vault.run("backup", other, vault.there, "--new-source")
    assert vault.deleted() == {"b", "folder/c"}
    assert vault.ended("backup", vault.s3, vault.there)[0] == 7
    vault.run("backup", other, vault.there)
    vault.run("backup", other.rstrip("/"), vault.there)


def test_a_place_that_ends_as_another_is_another(vault: Vault) -> None:
    other = vault.another(a=b"another")
    vault.put(f"{other}/x", b"x")
    vault.run("backup", f"{vault.s3}{other}/", vault.there)

    assert vault.ended("backup", f"s3://{other}/", vault.there)[0] == 7
    vault.run("backup", f"{vault.s3}{other}", vault.there)


def test_a_backup_within_is_never_called_deleted(vault: Vault) -> None:
    inner = f"{vault.there}inner/"
    vault.back_up()
    vault.run("backup", f"s3://{vault.another(x=b'x')}/", inner)

    ended, _ = vault.ended("backup", vault.s3, vault.there)

    assert ended == 7
    assert vault.deleted() == set()
    assert vault.back_up("--exclude", "/inner/")["skipped"] == 3
    vault.put("d", b"d")
    assert vault.back_up("--no-mark")["done"] == 1


def test_what_is_called_deleted_already_is_no_burst(vault: Vault) -> None:
    """As in a backup of older tools, or one whose catalogue is lost."""
    for number in range(40):
        vault.client.put_object(
            Bucket=vault.backup_bucket,
            Key=f"gone/{number:02}",
            Body=b"x",
            Tagging="Deleted=True&DeletedAt=2026-01-01T00:00:00Z",
        )
    vault.client.put_object(Bucket=vault.backup_bucket, Key="fresh", Body=b"x")

    told = vault.back_up()

    assert (told["done"], told["failed"]) == (44, 0)
    rows = vault.rows()
    assert rows["gone/07"].deleted == "2026-01-01T00:00:00Z"
    assert rows["fresh"].deleted
    assert rows["a"].deleted == ""
    assert vault.back_up()["done"] == 0


def test_what_a_killed_run_noted_does_not_undo_what_another_machine_did_since(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.back_up()
    notes = next((tmp_path / "state").glob("backup-*.notes"))
    old = [Row("a", 3, "stale", run="20200101-000000-aaaaaa", deleted="")]
    old += [Row("b", run="20200101-000000-aaaaaa", deleted="2020-01-01T00:00:00Z")]
    old += [Row("lost", 1, "x", run="20200101-000000-aaaaaa")]
    notes.write_text("".join(row.line() + "\n" for row in old))
    before = vault.rows()

    vault.back_up()

    assert {key: vault.rows()[key] for key in before} == before
    assert notes.read_text() == ""


def test_a_drill_stays_out_of_the_backup(vault: Vault) -> None:
    vault.back_up()
    for place in (vault.there, f"{vault.there}drill/"):
        assert vault.ended("drill", vault.there, "--scratch", place)[0] == 2
    vault.drop("a")
    vault.back_up()

    lines = vault.ended("drill", vault.there, "--sample", "all")

    assert lines[0] == 0
    assert "--include-deleted" not in json.dumps(lines)


def test_a_listing_that_lacks_what_is_there_forgets_nothing(vault: Vault) -> None:
    vault.back_up()
    vault.drop("a")
    vault.back_up()
    with closing(open_drive()) as drive, closing(EntryFile()) as lacked:
        lacked.append(Entry("a", 1))
        missing = Missing(Catalogue(vault.kept, "", drive), vault.kept, drive)

        assert list(missing.lacked(lacked)) == [vault.rows()["a"]]
        assert missing.gone == 0


def test_a_mistyped_source_binds_nothing(vault: Vault) -> None:
    vault.run("backup", f"{vault.s3}nothing/", vault.there)

    assert vault.back_up()["done"] == 3


@pytest.mark.parametrize("place", [".bucketline/", "x/.bucketline/catalogue", ".bucketline"])
def test_no_backup_goes_into_a_catalogue(place: str, vault: Vault) -> None:
    assert vault.ended("backup", vault.s3, vault.there + place)[0] == 2
