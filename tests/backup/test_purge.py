"""What a backup has called deleted for long goes, as approved, and comes back while it can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backup.vault import Vault
from bucketline.cli import main
from faults import kinds
from faults.proxy import FaultProxy
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture(params=[True, False], ids=["versions", "plain"])
def vault(
    request: pytest.FixtureRequest,
    ministack: Endpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Vault:
    vault = Vault(tmp_path, ministack, capsys)
    if request.param:
        vault.client.put_bucket_versioning(
            Bucket=vault.backup_bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    for key in ("kept", "gone", "ä+ gone"):
        vault.put(key, key.encode(), Tagging="colour=red")
    vault.back_up()
    vault.drop("gone", "ä+ gone")
    vault.back_up()
    return vault


only_versions = pytest.mark.parametrize("vault", [True], indirect=True, ids=["versions"])
only_plain = pytest.mark.parametrize("vault", [False], indirect=True, ids=["plain"])


def plan(vault: Vault, *words: str) -> tuple[str, set[str]]:
    told = vault.run("purge", vault.there, *words)
    return told[-1]["hash"], {one["key"] for one in told if one["event"] == "planned"}


def purged(vault: Vault, *words: str) -> dict[str, Any]:
    digest, _ = plan(vault, *words)
    told = vault.run("purge", vault.there, *words, "--approve", digest)
    return next(one for one in told if one["event"] == "summary")


@only_versions
def test_what_was_approved_is_hidden_and_comes_back(vault: Vault) -> None:
    digest, keys = plan(vault, "--older-than", "0")
    assert keys == {"gone", "ä+ gone"}
    assert vault.keys() == {"kept", "gone", "ä+ gone"}

    told = purged(vault, "--older-than", "0")

    assert (told["done"], told["skipped"]) == (2, 1)
    assert vault.keys() == {"kept"}
    assert plan(vault, "--older-than", "0") == ("", set())
    vault.back_up()  # Which does not forget it.
    vault.run("purge", vault.there, "--undo")
    assert vault.bodies() == {"kept": b"kept", "gone": b"gone", "ä+ gone": "ä+ gone".encode()}
    assert vault.tags("gone")["colour"] == "red"
    assert plan(vault, "--older-than", "0")[0] == digest


@only_versions
def test_for_good_is_after_the_window(vault: Vault) -> None:
    purged(vault, "--older-than", "0")
    assert plan(vault, "--for-good") == ("", set())

    purged(vault, "--for-good", "--undo-window", "0")

    told = vault.client.list_object_versions(Bucket=vault.backup_bucket, Prefix="gone")
    assert not told.get("Versions")
    assert not told.get("DeleteMarkers")
    assert set(vault.rows()) == {"kept"}


@only_plain
def test_without_versions_it_is_for_good_or_not_at_all(vault: Vault) -> None:
    assert vault.ended("purge", vault.there, "--older-than", "0")[0] == 7

    purged(vault, "--older-than", "0", "--for-good")

    assert vault.keys() == {"kept"}
    assert set(vault.rows()) == {"kept"}


@only_versions
def test_nothing_goes_but_what_was_approved(vault: Vault) -> None:
    words = ("--older-than", "0")
    assert vault.ended("purge", vault.there, *words, "--approve", "0123456789abcdef")[0] == 7
    digest, _ = plan(vault, *words)
    vault.drop("kept")
    vault.put("other", b"x")
    vault.back_up()

    assert vault.ended("purge", vault.there, *words, "--approve", digest)[0] == 7

    assert vault.keys() == {"kept", "gone", "ä+ gone", "other"}


@only_versions
def test_what_is_young_stays(vault: Vault) -> None:
    assert plan(vault, "--older-than", "1d") == ("", set())


@only_versions
def test_what_is_another_one_by_now_stays(vault: Vault) -> None:
    digest, _ = plan(vault, "--older-than", "0")
    vault.client.put_object(Bucket=vault.backup_bucket, Key="gone", Body=b"another")
    vault.client.put_object_tagging(
        Bucket=vault.backup_bucket, Key="ä+ gone", Tagging={"TagSet": []}
    )

    told = vault.run("purge", vault.there, "--older-than", "0", "--approve", digest, code=1)

    assert next(one for one in told if one["event"] == "summary")["failed"] == 2
    assert vault.keys() == {"kept", "gone", "ä+ gone"}


@only_versions
def test_what_came_back_at_the_source_is_not_purged(vault: Vault) -> None:
    vault.put("gone", b"new")
    vault.back_up()

    assert plan(vault, "--older-than", "0")[1] == {"ä+ gone"}


@only_versions
def test_words_that_make_no_sense(vault: Vault) -> None:
    for words in ((), ("--undo", "--for-good"), ("--for-good", "--older-than", "1d")):
        assert vault.ended("purge", vault.there, *words)[0] == 2, words
    assert vault.ended("purge", vault.s3, "--older-than", "1d")[0] == 2


@only_versions
@pytest.mark.parametrize("count", [8, 9, 10])
def test_what_has_no_room_for_our_tags_goes_as_well(count: int, vault: Vault) -> None:
    own = "&".join(f"tag{number}=x" for number in range(count))
    vault.put("many", b"x", Tagging=own)
    vault.back_up()
    vault.drop("many")
    vault.back_up()

    assert purged(vault, "--older-than", "0")["done"] == 3

    assert vault.keys() == {"kept"}


@only_versions
def test_what_only_begins_like_it_is_not_meant(vault: Vault) -> None:
    for key in ("2019/a", "2019-old", "2019"):
        vault.put(key, b"x")
    vault.back_up()
    vault.drop("2019/a", "2019-old", "2019")
    vault.back_up()

    told = vault.run("purge", f"{vault.there}2019", "--older-than", "0")

    assert {one["key"] for one in told if one["event"] == "planned"} == {"2019", "2019/a"}


@only_plain
def test_where_nobody_may_ask_for_versions_none_are_taken_for_gone(
    vault: Vault, ministack: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("purge", vault.there, "--older-than", "0", "--for-good")
    with FaultProxy(ministack.url) as proxy:
        proxy.add(kinds.refuse(403, "AccessDenied"), path=r"\?versioning")
        code = main([*words, "--endpoint-url", proxy.url, "--approve", "0123456789abcdef"])

    told = capsys.readouterr().err
    assert (code, "versioning" in told, "keeps no versions" in told) == (5, True, False), told
    assert vault.keys() == {"kept", "gone", "ä+ gone"}
